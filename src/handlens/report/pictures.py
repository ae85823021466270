"""Grids of small images: one PNG for a whole grid, and a captioned picture of it for a file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images, ImageSet

if TYPE_CHECKING:
    from PIL import Image

LARGE, SMALL = 112, 84  # CSS pixels that a picture is enlarged or reduced to, at most
COLUMNS = 8
CHARACTERS = 24  # of a line below a picture in a file


@dataclass(frozen=True)
class Tile:
    """One picture's words: the lines below it, and what it is for somebody who cannot see it."""

    lines: tuple[str, ...]
    alt: str


@dataclass(frozen=True, eq=False)
class Grid:
    """Pictures of one size, `COLUMNS` to a row.

    Attributes:
        name: of its file; `title`: what is seen.
        images: uint8 [n, height, width, channels].
        tiles: n words, in the order of the pictures.
        scale: CSS pixels to show for each of them, a whole number so that pixels stay square.
    """

    name: str
    title: str
    images: Images
    tiles: tuple[Tile, ...]
    scale: int

    @cached_property
    def uri(self) -> str:
        """All pictures on one sheet as a `data:` address."""
        return uri(sprite(self.images))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a picture on the page, CSS pixels."""
        height, width = self.images.shape[1:3]
        return width * self.scale, height * self.scale

    def place(self, number: int) -> tuple[int, int]:
        """Left and top of picture `number` on the enlarged sprite, CSS pixels."""
        row, col = divmod(number, COLUMNS)
        return col * self.size[0], row * self.size[1]

    @property
    def sheet(self) -> tuple[int, int]:
        """Width and height of the enlarged sprite, CSS pixels."""
        rows = -(-len(self.tiles) // COLUMNS)
        return min(COLUMNS, max(1, len(self.tiles))) * self.size[0], rows * self.size[1]

    def svg(self, *, white: bool = True) -> str:
        """The grid with its title and words as SVG; without the white ground it takes the page's colours."""
        from handlens.report import templates

        shown = [
            [line if len(line) <= CHARACTERS else line[: CHARACTERS - 1] + "…" for line in t.lines]
            for t in self.tiles
        ]
        lines = max(map(len, shown), default=0)
        across = max([self.size[0], *(round(6.4 * len(line)) for words in shown for line in words)]) + 14
        down = self.size[1] + 14 * lines + 18
        tiles = []
        for n, words in enumerate(shown):
            row, column = divmod(n, COLUMNS)
            place = {"x": 12 + across * column, "y": 38 + down * row}
            tiles.append(place | {"lines": words, "alt": self.tiles[n].alt, "uri": uri(self.images[n])})
        return (
            templates.environment()
            .get_template("grid.svg")
            .render(
                grid=self,
                tiles=tiles,
                width=max(24 + across * min(COLUMNS, len(tiles)), 24 + 8 * len(self.title)),
                height=38 + down * -(-len(tiles) // COLUMNS),
                ground="white" if white else "",
                ink="black" if white else "currentColor",
            )
        )

    def write(self, folder: Path) -> None:
        """`<name>.svg` and `<name>.png` with title and words into an existing folder."""
        import vl_convert

        svg = self.svg()
        (folder / f"{self.name}.svg").write_text(svg, encoding="utf-8")
        (folder / f"{self.name}.png").write_bytes(vl_convert.svg_to_png(svg, scale=2))


def grid(name: str, title: str, images: Images, tiles: Sequence[Tile], side: int = LARGE) -> Grid:
    """A grid of uint8 images [n, height, width, channels], each shown no larger than `side` CSS pixels."""
    images = reduced(images, side)
    scale = max(1, side // max(images.shape[1:3]))
    return Grid(name, title, images, tuple(tiles), scale)


def reduced(images: Images, most: int) -> Images:
    """The images with their longer side cut to `most` pixels by averaging; smaller ones as they are."""
    from PIL import Image

    n, height, width, channels = images.shape
    if max(height, width) <= most or not n:
        return images
    factor = most / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = [
        np.asarray(picture(image).resize(size, Image.Resampling.BOX), dtype=np.uint8).reshape(
            size[1], size[0], channels
        )
        for image in images
    ]
    return np.stack(small)


def sprite(images: Images) -> NDArray[np.uint8]:
    """All images on one sheet, `COLUMNS` to a row, empty places black: uint8 [rows * h, columns * w, c]."""
    n, height, width, channels = images.shape
    columns = min(COLUMNS, max(1, n))
    rows = max(1, -(-n // columns))
    sheet = np.zeros((rows * columns, height, width, channels), dtype=np.uint8)
    sheet[:n] = images
    laid = sheet.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return laid.reshape(rows * height, columns * width, channels)


def picture(image: NDArray[np.uint8]) -> Image.Image:
    """A uint8 image [height, width, channels] as a Pillow image, grey or RGB."""
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(image[:, :, 0] if image.shape[2] == 1 else image))


def uri(image: NDArray[np.uint8]) -> str:
    """A uint8 image [height, width, channels] as a `data:` address of its PNG."""
    out = io.BytesIO()
    picture(image).save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def first_of_each(images: ImageSet) -> list[tuple[int, int]]:
    """The first image of each class that has one: (class, position), by class."""
    labels, positions = np.unique(images.labels, return_index=True)
    return [(int(label), int(position)) for label, position in zip(labels, positions, strict=True)]


def class_grid(images: ImageSet) -> Grid:
    """One training image of each class, by class."""
    chosen = first_of_each(images)
    tiles = [
        Tile((images.classes[label],), f"Class {images.classes[label]}: training image {position}")
        for label, position in chosen
    ]
    positions = [position for _, position in chosen]
    return grid("classes", "One image of each class", images.images[positions], tiles, SMALL)
