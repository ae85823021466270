"""A study as Python code that makes it again."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlens.errors import SpecError
from handlens.spec import KerasRecipe, Recipe, from_dict, to_dict, to_text
from handlens.studies.planning.plan import Study
from handlens.studies.planning.sweep import Sweep

WIDTH = 88  # characters of a line, so that it fits on a page
INDENT = 4


def imports(study: Study, folder: Path) -> str:
    """What the code of `study_code` needs, run in `folder`."""
    values = [value for value in _settings(study).values() if dataclasses.is_dataclass(value)]
    lines = [f"from {type(v).__module__} import {type(v).__qualname__}" for v in values]
    lines.append("from handlens.report.notebooks import show")
    text = "import handlens\n" + "\n".join(sorted(set(lines)))
    if any(isinstance(recipe, KerasRecipe) for recipe in study.recipes):
        place = f"sys.path.insert(0, {beside(Path(), folder)!r})  # where the model's module lies"
        text = f"import sys\n\n{text}\n\n{place}"
    return text


def recipes_code(study: Study) -> str:
    """`recipes = [...]`: each with what is not a default."""
    made = "\n".join(
        f"{' ' * INDENT}handlens.recipe({literal(shortest(recipe), INDENT, 18)})," for recipe in study.recipes
    )
    return f"recipes = [\n{made}\n]"


def study_code(study: Study, folder: Path) -> str:
    """`study = handlens.study(...)`, for code that runs in `folder`."""
    fields: dict[str, Any] = {
        "name": study.name,
        "title": study.title,
        "dataset": dataset_from(study, folder),
    }
    fields |= _settings(study)
    lines = [f"{' ' * INDENT}{key}={literal(value, INDENT, len(key) + 2)}," for key, value in fields.items()]
    lines.insert(3, f"{' ' * INDENT}recipes=recipes,")
    if study.sweep:
        lines.append(f"{' ' * INDENT}sweep={literal(sweep_table(study.sweep), INDENT, 7)},")
    return "\n".join(["study = handlens.study(", *lines, ")"])


def load_code(study: Study) -> str:
    """How the study's images are loaded."""
    said = ["study.dataset"]
    said += ["study.reading"] if study.reading != _default("reading") else []
    said += ["classes=study.classes"] if study.classes is not None else []
    return f"images = handlens.load({', '.join(said)})"


def dataset_from(study: Study, folder: Path) -> str:
    """The name of the study's data set, or the path to it from `folder`."""
    from handlens.data import catalogue

    name = study.dataset.partition(":")[0]  # behind a colon: how its images are cut anew
    known = "/" not in name and os.sep not in name and name in catalogue()
    return study.dataset if known else beside(Path(study.dataset), folder)


def beside(path: Path, folder: Path) -> str:
    """`path` as seen from `folder`, with forward slashes; where that cannot be said, in full."""
    try:
        seen = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.absolute().as_posix()
    return seen if "/" in seen else f"./{seen}"


def shortest(recipe: Recipe) -> dict[str, Any]:
    """The fewest fields, as short as they can be said, that `handlens.recipe` makes the same recipe of."""
    plain = to_dict(recipe)
    for key, full in plain.items():
        value = getattr(recipe, key)
        short = full
        if key == "layers":
            short = [to_text(layer) for layer in value]
        elif isinstance(full, str) and dataclasses.is_dataclass(value) and key != "estimator":
            short = to_text(value)
        if _makes(plain | {key: short}, recipe):
            plain[key] = short
    for key in list(plain):
        fewer = {k: v for k, v in plain.items() if k != key}
        if key not in ("name", "optimizer", "epochs") and _makes(fewer, recipe):
            plain = fewer
    return plain


def _makes(table: Mapping[str, Any], recipe: Recipe) -> bool:
    with contextlib.suppress(SpecError):
        return from_dict(table) == recipe
    return False


def sweep_table(sweep: Sweep) -> dict[str, Any]:
    """The sweep as what `handlens.study` takes, which reads it back equal."""
    table: dict[str, Any] = {}
    groups: list[dict[str, list[Any]]] = []
    for axis in sweep:
        columns = {
            key: [_plain(value) for value in values]
            for key, values in zip(axis.keys, zip(*axis.settings, strict=True), strict=True)
        }
        # The table's keys come before its groups, also where there is one key in a group.
        if len(columns) == 1 and not groups:
            table |= columns
        else:
            groups.append(columns)
    return table | ({"zip": groups} if groups else {})


def _plain(value: Any) -> Any:
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value


def _default(name: str) -> Any:
    return next(f.default for f in dataclasses.fields(Study) if f.name == name)


def _settings(study: Study) -> dict[str, Any]:
    """The fields, beyond names, recipes and sweep, that are no default; how often, how chosen is always
    said."""
    said = ("name", "title", "dataset", "recipes", "sweep")
    always = ("replicates", "seed", "split")
    return {
        f.name: getattr(study, f.name)
        for f in dataclasses.fields(study)
        if f.name not in said and (f.name in always or getattr(study, f.name) != f.default)
    }


def literal(value: Any, indent: int = 0, before: int = 0) -> str:
    """A value as Python code, on one line where it fits, else an entry a line.

    Args:
        indent: of the line that it begins on.
        before: characters of that line that stand before and behind it.
    """
    flat = repr(value)
    if indent + before + len(flat) <= WIDTH or not isinstance(value, dict | list | tuple) or not value:
        return flat
    inner, pad = indent + INDENT, " " * (indent + INDENT)
    if isinstance(value, dict):
        entries = [f"{k!r}: {literal(v, inner, len(repr(k)) + 3)}" for k, v in value.items()]
    else:
        entries = [literal(v, inner, 1) for v in value]
    opened, closed = (
        ("{", "}") if isinstance(value, dict) else ("[", "]") if isinstance(value, list) else ("(", ")")
    )
    return "\n".join([opened, *(f"{pad}{entry}," for entry in entries), " " * indent + closed])
