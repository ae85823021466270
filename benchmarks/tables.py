"""What the benchmark found, as text for the screen and as docs/benchmarks.md."""

from __future__ import annotations

import datetime
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.work import THREADS, WORKS, Work

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Found:
    """One work's figures; `ratios`: peer to median, lowest and highest of `peer's seconds / our seconds`."""

    work: Work
    seconds: dict[str, float]
    ratios: dict[str, tuple[float, float, float]]
    accuracy: dict[str, list[float]]
    extra_mb: float
    versions: dict[str, str]
    absent: dict[str, str]


def rows(found: Found) -> list[tuple[str, str, str, str, str]]:
    """Peer, its seconds, the ratio, the range of ratios, the target."""
    lines = [("handlens", f"{found.seconds[found.work.ours]:.3f}", "1", "", "")]
    for name, target in found.work.targets.items():
        if name in found.absent:
            lines.append((name, f"absent: {found.absent[name]}", "", "", f"{target:.2f}"))
            continue
        middle, low, high = found.ratios[name]
        said = f"{target:.2f}, {'reached' if middle >= target else 'not reached'}" if target else ""
        times = f"{low:.2f} to {high:.2f}"
        lines.append((name, f"{found.seconds[name]:.3f}", f"{middle:.2f}", times, said))
    return lines


def remarks(found: Found, peak: float) -> list[str]:
    """Share of the sgemm peak, memory, accuracies."""
    said = []
    if found.work.flop:
        rate = found.work.flop / found.seconds[found.work.ours]
        said.append(f"{rate / 1e9:.0f} GFLOP/s, {100 * rate / peak:.0f} % of this machine's sgemm peak")
    if found.extra_mb >= 1:  # a work in processes of its own takes none in the one that is watched
        said.append(f"at most {found.extra_mb:.0f} MB beside the images and libraries")
    for name, values in found.accuracy.items():
        mean, spread = statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0
        label = "handlens" if name == found.work.ours else name
        said.append(
            f"{label}: test accuracy {100 * mean:.2f} % ± {100 * spread:.2f} over {len(values)} seeds"
        )
    return said


def text(everything: Sequence[Found], peak: float) -> str:
    """For the screen."""
    parts = []
    for found in everything:
        parts.append(f"\n{found.work.title}")
        parts += [f"  {a:18} {b:>8} {c:>7}  {d:14} {e}" for a, b, c, d, e in rows(found)]
        parts += [f"  {remark}" for remark in remarks(found, peak)]
    return "\n".join(parts)


def write(everything: Sequence[Found], peak: float, repeats: int) -> Path:
    """Renew the sections of these works in docs/benchmarks.md; what else stands there stays."""
    titles = [work.title for work in WORKS]
    kept = _sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    kept |= {found.work.title: _section(found, peak) for found in everything}
    ordered = sorted(kept, key=lambda title: titles.index(title) if title in titles else len(titles))
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. 60,000 real MNIST images, float32. Each peer works in a process of its",
        f"own; they are timed in turn, {repeats} times each after a warm-up. `s` is the median; `times as",
        "fast` is the median of the ratios pair by pair (peer's seconds over ours), so that a machine whose",
        "speed drifts does not decide. Whose turn it is not is stopped, so that no thread that waits by",
        "spinning takes time from the others; every library chooses its kernels for the CPU itself",
        "(`OPENBLAS_CORETYPE` and the like are not passed on).",
        "",
        f"Machine: {_processor()}, {THREADS} threads. Python {platform.python_version()}.",
    ]
    return _save("\n".join(lines), {title: kept[title] for title in ordered})


def _section(found: Found, peak: float) -> str:
    """A work's table, and what its figures were found with."""
    lines = ["| | s | times as fast | range | target |", "| --- | --- | --- | --- | --- |"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(found)]
    with_what = [
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, sgemm peak {peak / 1e9:.0f} GFLOP/s",
        *sorted(set(found.versions.values())),
    ]
    return "\n".join([*lines, "", "; ".join(remarks(found, peak) + with_what) + "."])


def put(title: str, body: str) -> None:
    """Renew one section that is not a work's."""
    page = PAGE.read_text(encoding="utf-8")
    head = page.partition("\n## ")[0]
    _save(head.strip(), _sections(page) | {title: body.strip()})


def _save(head: str, sections: dict[str, str]) -> Path:
    parts = [head, *(f"## {title}\n\n{body}" for title, body in sections.items())]
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return PAGE


def _sections(page: str) -> dict[str, str]:
    """The page's sections by their titles."""
    parts = page.split("\n## ")[1:]
    return {title: body.strip() for title, _, body in (part.partition("\n") for part in parts)}


def _processor() -> str:
    from handlens.studies.training.environment import environment

    return environment("").processor
