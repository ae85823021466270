"""Pictures and charts as the page wants them: plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handlens.data.images import Images
from handlens.report.charts.figure import PAGE_CONFIG, Figure
from handlens.report.insides import LayerPictures
from handlens.report.pictures import COLUMNS, Grid, Tile, grid
from handlens.report.topic import Table, Topic


def plain(made: Grid) -> dict[str, Any]:
    """A grid of pictures."""
    return {
        "title": made.title,
        "sheet": made.uri,
        "columns": min(COLUMNS, max(1, len(made.tiles))),
        "width": made.images.shape[2],
        "height": made.images.shape[1],
        "scale": made.scale,
        "tiles": [{"lines": list(tile.lines), "alt": tile.alt} for tile in made.tiles],
    }


def sheet(title: str, images: Images, words: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Images with a line and a description each."""
    tiles = [Tile((line,) if line else (), alt) for line, alt in words]
    return plain(grid("images", title, images, tiles))


def pictures(made: LayerPictures) -> dict[str, Any]:
    """A grid and the words that say how to read it."""
    return {"title": made.title, "words": made.words, "grid": plain(made.grid)}


def charts(figures: Sequence[Figure]) -> dict[str, Any]:
    """Charts and the configuration that they are shown with."""
    return {"config": PAGE_CONFIG, "charts": [chart(figure) for figure in figures]}


def chart(figure: Figure) -> dict[str, Any]:
    """A chart."""
    return {
        "name": figure.name,
        "title": figure.title,
        "caption": figure.caption,
        "spec": figure.page_spec(),
    }


def topic(made: Topic) -> dict[str, Any]:
    """A part of a page."""
    return {
        "name": made.name,
        "title": made.title,
        "words": list(made.words),
        "tables": [table(one) for one in made.tables],
        "charts": [chart(figure) for figure in made.figures],
        "grids": [plain(one) for one in made.grids],
        "colours": [list(pair) for pair in made.colours],
        "plain": made.plain,
    }


def table(made: Table) -> dict[str, Any]:
    """Texts in columns."""
    return {
        "title": made.title,
        "columns": list(made.columns),
        "rows": [list(row) for row in made.rows],
        "numbers": sorted(made.numbers),
    }
