"""`python -m benchmarks.zoo`: docs/zoo.md from the tables that `handlens run studies/zoo-*.toml` left.

`make zoo` runs both studies and then this.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "zoo.md"
STUDIES = {"zoo-mnist": "MNIST", "zoo-fashion-mnist": "Fashion-MNIST"}
# Test accuracy of at least so many percent, in at most so many seconds of training.
GOALS: dict[tuple[str, str], tuple[float, float | None]] = {
    ("zoo-mnist", "mlp-500-300"): (98.47, 60),
    ("zoo-mnist", "lenet5"): (99.2, None),
    ("zoo-mnist", "fast"): (99.0, 3.5),
    ("zoo-mnist", "best"): (99.6, 300),
    ("zoo-fashion-mnist", "best-fashion"): (93.5, 480),
}
HEAD = """# The zoo's networks

Written by `make zoo`, which trains every network with five seeds and may be stopped and called again. The
recipes (`src/handlens/spec/zoo.toml`) were chosen with 10,000 training images held out; here all training
images but 100 train them, and the test images are opened when nothing is left to choose. The interval (95 %)
allows for the choice of seeds and of test images. Seconds are means; `CPU s` counts both cores and hardly
grows when other programs want the machine.
"""


def main() -> None:
    """Write the page from what tables are there."""
    lines = [HEAD]
    for name, title in STUDIES.items():
        path = Path("reports", name, "table.json")
        if not path.is_file():
            lines += [f"## {title}", "", f"Not run yet: `handlens run studies/{name}.toml`.", ""]
            continue
        rows = json.loads(path.read_text(encoding="utf-8"))["models"]
        lines += [f"## {title}", "", *table(name, rows), "", f"On {rows[0]['device']}.{crowded(rows)}", ""]
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


def table(study: str, rows: list[dict[str, Any]]) -> list[str]:
    """The rows of one data set, best test accuracy first."""
    lines = ["| recipe | parameters | seeds | test accuracy, % | interval | training s | CPU s | goal |"]
    lines += ["| --- | ---: | ---: | ---: | --- | ---: | ---: | --- |"]
    for row in sorted(rows, key=lambda row: -row["test_accuracy"]):
        accuracy, low, high = (100 * row[f"test_{part}"] for part in ("accuracy", "low", "high"))
        cells = [
            f"`{row['model']}`", f"{row['parameters']:,}", str(row["replicates"]), f"{accuracy:.2f}",
            f"{low:.2f} to {high:.2f}", f"{row['fit_wall_s']:.1f}", f"{row['fit_cpu_s']:.1f}",
            goal(study, row["model"], accuracy, row["fit_wall_s"]),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def goal(study: str, recipe: str, accuracy: float, seconds: float) -> str:
    """What the recipe was meant to reach, and whether it does."""
    if (study, recipe) not in GOALS:
        return ""
    least, most = GOALS[study, recipe]
    said = f"{least:g} %: {'reached' if accuracy >= least else 'not reached'}"
    return said + (f"; {most:g} s: {'reached' if seconds <= most else 'not reached'}" if most else "")


def crowded(rows: list[dict[str, Any]]) -> str:
    """A remark where other programs wanted the machine while it trained."""
    slow = [row for row in rows if row["fit_wall_s"] > 0.75 * row["fit_cpu_s"]]
    if len(slow) < len(rows) / 2:
        return ""
    return (
        " Other programs wanted both cores meanwhile, so `training s` is too long: two cores of their own "
        "give half of `CPU s` at best (`fast` on the idle machine: [benchmarks.md](benchmarks.md))."
    )


if __name__ == "__main__":
    main()
