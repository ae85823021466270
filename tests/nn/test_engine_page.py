"""The example of docs/engine.md runs as it stands there, and the files that the page names exist."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import handlens.nn

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"


def test_the_example_runs(capsys) -> None:
    (example,) = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    rng = np.random.default_rng(0)
    images, labels = rng.integers(256, size=(70, 28, 28, 1), dtype=np.uint8), rng.integers(10, size=70)
    names = {"images": images, "labels": labels, "other_images": images[:9], "other_labels": labels[:9]}
    exec(compile(example, str(PAGE), "exec"), names)  # noqa: S102
    assert "Total params: 44,426" in capsys.readouterr().out
    assert len(names["history"]) == 5
    assert names["probabilities"].shape == (70, 10)


def test_the_files_that_are_named_exist() -> None:
    folder = Path(handlens.nn.__file__).parent
    text = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:layers/|optimizers/)?\w+\.py)`", text):
        places = (
            folder / name,
            folder / "optimizers" / name,
            Path(__file__).parents[1] / "conformance" / name,
        )
        assert any(place.exists() for place in places), name
