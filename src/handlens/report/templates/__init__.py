"""Templates of pages, fragments and grids; every value that is put into one is escaped."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from handlens.report import formats
from handlens.report.charts.figure import PARTS

if TYPE_CHECKING:
    import jinja2

FOLDER = Path(__file__).parent


@functools.cache
def environment() -> jinja2.Environment:
    """Where templates are found, and the filters that they know."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    made.globals["part_key"] = lambda parts: [(part, PARTS[part]) for part in parts]
    made.filters["whole"] = formats.whole
    made.filters["percent"] = formats.percent
    return made
