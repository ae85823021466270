"""What a notebook shows, by MIME type: a chart with the same as a picture beside it, a grid, Markdown."""

from __future__ import annotations

import base64
import dataclasses
import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handlens.report.charts.figure import CONFIG, Figure
from handlens.report.pictures import Grid

MARKDOWN, SVG, PNG, PLAIN = "text/markdown", "image/svg+xml", "image/png", "text/plain"
VEGALITE = "application/vnd.vegalite."
SCALE = 2  # pixels of a picture for each of CSS
MARGIN, LETTER = 60, 5.3  # CSS pixels beside a plot, and of a letter of a caption
MOST_COLUMNS, CHARACTERS = 10, 130  # of a legend below several charts


@dataclass(frozen=True, eq=False)
class Shown:
    """Something to look at: Jupyter takes the richest of `bundle` that it knows."""

    bundle: dict[str, Any]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return self.bundle


def words(text: str) -> Shown:
    """Markdown."""
    return Shown({MARKDOWN: text, PLAIN: text})


def chart(figures: Sequence[Figure], width: int | None = None) -> Shown:
    """One figure, or several side by side, as Altair shows charts, with a picture for those who cannot.

    Args:
        width: of each plot in CSS pixels, its height to scale; None: the figure's own.
    """
    import altair as alt

    said = list(dict.fromkeys(figure.caption for figure in figures))
    captions = " ".join(text for text in said if not any(text in other for other in said if other != text))
    specs = [_sized(figure, width or figure.width).file_spec() for figure in figures]
    spec = _side_by_side(specs, captions)
    alternative = f"{'. '.join(figure.title for figure in figures)}. {captions}".strip()
    kind = f"{VEGALITE}v{alt.SCHEMA_VERSION.removeprefix('v').split('.')[0]}+json"
    return Shown({kind: spec, PNG: _png(svg_of(spec)), PLAIN: alternative})


def _sized(figure: Figure, width: int) -> Figure:
    return dataclasses.replace(figure, width=width, height=round(figure.height * width / figure.width))


def _side_by_side(specs: Sequence[dict[str, Any]], caption: str) -> dict[str, Any]:
    """One specification with what only the outermost one may have, and a caption below all."""
    room = sum(spec["width"] + MARGIN for spec in specs)
    outer = {key: specs[0][key] for key in ("$schema", "padding") if key in specs[0]}
    longest = max((len(name) for spec in specs for name in _coloured(spec)), default=0)
    columns = max(1, min(MOST_COLUMNS, CHARACTERS // (longest + 4)))
    legend = CONFIG["legend"] | {"columns": columns, "labelLimit": 0}
    inner = ("config", "padding", "$schema", "datasets", "description")
    lines = textwrap.wrap(caption, max(40, int(room / LETTER)))
    below = {"text": lines, "orient": "bottom", "fontSize": 11, "fontWeight": "normal", "offset": 14}
    return (
        outer
        | ({"title": below} if lines else {})
        | {
            "description": caption,
            "config": CONFIG | {"background": "white", "legend": legend},
            "datasets": {name: rows for spec in specs for name, rows in spec.get("datasets", {}).items()},
            "spacing": 28,
            "hconcat": [{key: value for key, value in spec.items() if key not in inner} for spec in specs],
        }
    )


def _coloured(spec: dict[str, Any]) -> list[str]:
    """The names in a chart's legend of colours."""
    scales = (
        layer.get("encoding", {}).get("color", {}).get("scale") or {} for layer in spec.get("layer", ())
    )
    return [str(name) for scale in scales for name in scale.get("domain", ())]


def pictures(grid: Grid) -> Shown:
    """A grid of images."""
    svg = grid.svg()
    return Shown({SVG: svg, PNG: _png(svg), PLAIN: grid.title})


def svg_of(spec: dict[str, Any]) -> str:
    """A Vega-Lite specification as SVG; nothing is fetched from anywhere."""
    import altair as alt
    from vl_convert import vegalite_to_svg

    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return str(vegalite_to_svg(spec, vl_version=version, allowed_base_urls=[]))


def _png(svg: str) -> str:
    """A drawing as PNG in base64, of 256 colours: a third of the size, and no eye sees the difference."""
    from PIL import Image
    from vl_convert import svg_to_png

    drawn = Image.open(io.BytesIO(svg_to_png(svg, scale=SCALE))).convert("RGB")
    out = io.BytesIO()
    drawn.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode()
