"""A study as the text of a TOML file."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from handlens.spec import to_dict
from handlens.studies.planning.plan import Study
from handlens.studies.planning.sweep import Sweep


def to_toml(study: Study) -> str:
    """The study as the text of a TOML file that `read_study` reads back equal, wherever it lies."""
    top: dict[str, Any] = {
        "name": study.name,
        "title": study.title,
        "dataset": study.dataset,
        "classes": study.classes,
    }
    top |= {"replicates": study.replicates, "seed": study.seed}
    lines = _lines(top)
    lines += ["", "[reading]", *_lines(dataclasses.asdict(study.reading))]
    lines += ["", "[split]", *_lines(dataclasses.asdict(study.split))]
    lines += ["", "[test]", *_lines({"when": study.test})]
    lines += ["", "[report]", *_lines({"charts": study.charts})]
    lines += _sweep(study.sweep)
    for recipe in study.recipes:
        lines += ["", "[[recipe]]", *_lines(to_dict(recipe))]
    return "\n".join(lines) + "\n"


def _lines(fields: dict[str, Any]) -> list[str]:
    return [f"{key} = {_text(value)}" for key, value in fields.items() if value is not None]


def _sweep(sweep: Sweep) -> list[str]:
    """The lines of a TOML file that `read_sweep` reads back equal."""
    lines = ["", "[sweep]"] if sweep else []
    alone = True  # a table's keys must stand before its groups
    for axis in sweep:
        alone = alone and len(axis.keys) == 1
        lines += [] if alone else ["", "[[sweep.zip]]"]
        lines += [
            f"{_text(key)} = {_text(values)}"
            for key, values in zip(axis.keys, zip(*axis.settings, strict=True), strict=True)
        ]
    return lines


def _text(value: Any) -> str:
    """A text, number, boolean or list as TOML."""
    # JSON's are also TOML's, but for two things: no halves of characters, no bare DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
