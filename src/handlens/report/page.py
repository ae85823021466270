"""Pages: a template, its words and its charts in one file that asks nothing of the network."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handlens.errors import HandlensError
from handlens.report import templates
from handlens.report.charts.figure import PAGE_CONFIG, Figure
from handlens.report.files import put
from handlens.report.pictures import Grid

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write(template: str, context: dict[str, Any], figures: Sequence[Figure], path: Path) -> None:
    """Fill a template and write it.

    Raises:
        HandlensError: the file cannot be written.
    """
    html = render(template, context, figures)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, html)
    except OSError as error:
        raise _unwritable(path, error) from None


def write_charts(figures: Sequence[Figure], grids: Sequence[Grid], folder: Path) -> None:
    """Every figure and grid as PNG and SVG into a folder, which is made if need be.

    Raises:
        HandlensError: the folder or a file in it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure in figures:
            figure.write(folder)
        for grid in grids:
            grid.write(folder)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(path: Path, error: OSError) -> HandlensError:
    return HandlensError(
        f"cannot be written ({error.strerror or error})", where=path, remedy="choose another place"
    )


def render(template: str, context: dict[str, Any], figures: Sequence[Figure]) -> str:
    """The page as text.

    Its Content-Security-Policy allows no address but `data:` and no script but the two that the page came
    with, known by their sha256; Vega runs its expressions in its own interpreter, so nothing is evaluated.
    """
    scripts = [_vega(), (templates.FOLDER / "charts.js").read_text(encoding="utf-8")]
    inline = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return (
        templates.environment()
        .get_template(template)
        .render(
            context
            | {
                "specs": {"config": PAGE_CONFIG, "charts": {f.name: f.page_spec() for f in figures}},
                "scripts": scripts,
                "style": (templates.FOLDER / "page.css").read_text(encoding="utf-8"),
                "policy": f"{POLICY}; script-src {inline}",
            }
        )
    )


@functools.cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script (0.9 MB) that defines `vegaEmbed`."""
    import vl_convert

    script = str(vl_convert.javascript_bundle(snippet="window.vegaEmbed = vegaEmbed;"))
    return script.replace("</script", "<\\/script")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
