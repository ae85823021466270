"""A chart with its words, and how it becomes a specification, a PNG or an SVG.

Text and lines have the colour `currentColor`: on a page they follow the page, light or dark, on screen or on
paper; in a file of their own they are black on white.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

INK = "currentColor"

# Mid-tones with at least 3:1 contrast on white and on near-black; told apart by lightness as well as by hue.
COLOURS = (
    "#2f74d0",
    "#d9700f",
    "#16927e",
    "#a45fc7",
    "#cf4352",
    "#8a8514",
    "#7a6a5f",
    "#d265a0",
    "#4f9a3a",
    "#3f95b8",
    "#6a5acd",
    "#a0522d",
)
PARTS = {"training": "#7d8a99", "validation": "#c98a1b", "test": "#2f74d0"}
RIGHT, WRONG = "#2f74d0", "#d2500f"

CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "labelFontSize": 11,
        "labelOpacity": 0.8,
        "titleColor": INK,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titleOpacity": 0.8,
        "titlePadding": 8,
        "gridColor": INK,
        "gridOpacity": 0.1,
        "domainColor": INK,
        "domainOpacity": 0.35,
        "tickColor": INK,
        "tickOpacity": 0.35,
    },
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "orient": "bottom",
        "symbolOpacity": 1,
        "columns": 3,
        "labelLimit": 220,
    },
    "title": {"color": INK, "fontSize": 13, "fontWeight": 600, "anchor": "start", "offset": 12},
    "text": {"color": INK},
}
# On the page legends are words of the page, which wrap and need no chart's width.
PAGE_CONFIG = CONFIG | {"legend": {"disable": True}}


def recipe_colours(names: Sequence[str]) -> dict[str, str]:
    """One colour a recipe, the same in every chart and table."""
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}


def scale(colours: dict[str, str]) -> alt.Scale:
    """The colour scale that gives every name its colour."""
    import altair as alt

    return alt.Scale(domain=list(colours), range=list(colours.values()))


def epoch_axis(first: int, last: int, most: int = 7) -> alt.Axis:
    """An axis of epochs with whole numbers only, `most` of them.

    They are listed: of few epochs Vega ticks the halves too, though the least step be 1, and says `2` twice.
    """
    import altair as alt

    steps = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    step = next(step for step in steps if last // step - (first - 1) // step <= most)
    values = [epoch for epoch in range(first, last + 1) if epoch % step == 0]
    return alt.Axis(values=values, format="d", grid=False)


@dataclass(frozen=True, eq=False)
class Figure:
    """A chart and what it shows.

    Attributes:
        name: of its files and its place on the page.
        title: what is seen.
        caption: how to read it; may be empty.
        chart: width and height not set.
        width, height: of the plot in a file of its own, in CSS pixels; on a page it is as wide as its place.
    """

    name: str
    title: str
    caption: str
    chart: alt.Chart | alt.LayerChart
    width: int
    height: int

    def page_spec(self) -> dict[str, Any]:
        """The Vega-Lite specification for a page, as wide as its place; shown with `PAGE_CONFIG`."""
        words = f"{self.title}. {self.caption}" if self.caption else self.title
        return self._spec("container") | {"description": words}

    def file_spec(self) -> dict[str, Any]:
        """The Vega-Lite specification that stands alone: its size, title, legends and white ground."""
        spec = self._spec(self.width) | {"title": self.title, "padding": 12, "description": self.caption}
        spec["config"] = CONFIG | {"background": "white"}
        return spec

    def _spec(self, width: int | str) -> dict[str, Any]:
        spec = self.chart.properties(width=width, height=self.height).to_dict()
        spec.pop("config", None)
        return dict(spec)

    def svg(self, *, white: bool = True) -> str:
        """The chart as SVG text; without the white ground it takes the colours of the page around it."""
        import vl_convert

        spec = self.file_spec()
        if not white:
            spec["config"] = CONFIG
        return str(vl_convert.vegalite_to_svg(spec, vl_version=_version(), allowed_base_urls=[]))

    def write(self, folder: Path) -> None:
        """`<name>.svg` and `<name>.png` (twice the size in CSS pixels) into an existing folder."""
        import vl_convert

        svg = self.svg()
        (folder / f"{self.name}.svg").write_text(svg, encoding="utf-8")
        (folder / f"{self.name}.png").write_bytes(vl_convert.svg_to_png(svg, scale=2))


def _version() -> str:
    """The Vega-Lite version that Altair writes: `6.1` of `v6.1.0`."""
    import altair as alt

    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def data(rows: list[dict[str, Any]]) -> alt.InlineData:
    """Rows inside the specification."""
    import altair as alt

    return alt.InlineData(values=rows)


def layered(*charts: alt.Chart) -> alt.LayerChart:
    """Charts on top of each other, the last one uppermost."""
    import altair as alt

    return alt.LayerChart(layer=list(charts))


def label_angle(names: Sequence[str], *, narrow: bool = False) -> int:
    """How names stand below an axis, degrees: level, aslant, or upright where many share little room."""
    if max(map(len, names), default=0) <= 3:
        return 0
    return -45 if len(names) <= (6 if narrow else 15) else -90
