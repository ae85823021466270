"""Small pictures out of half blocks, two pixels to a character, for terminals with colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import ImageSet
from handlens.report.pictures import first_of_each, picture

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

WIDTH = 14  # characters; half as many lines, since a character is about twice as high as it is wide
MOST = 12
GAP = 2


@dataclass(frozen=True, eq=False)
class Pictures:
    """The first image of each of the first `MOST` classes; nothing where there are no colours."""

    images: ImageSet

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        if console.color_system is None or options.ascii_only or options.max_width < WIDTH:
            return
        chosen = first_of_each(self.images)
        across = max(1, (options.max_width + GAP) // (WIDTH + GAP))
        shown = chosen[:MOST]
        for start in range(0, len(shown), across):
            row = shown[start : start + across]
            drawn = [list(half_blocks(small(self.images.images[at]))) for _, at in row]
            for lines in zip(*drawn, strict=True):
                yield Text(" " * GAP).join(lines)
            names = [self.images.classes[label][:WIDTH].center(WIDTH) for label, _ in row]
            yield Text((" " * GAP).join(names), style="dim")
        if len(chosen) > MOST:
            yield Text(f"and {len(chosen) - MOST} more classes", style="dim")
        yield Text()


def small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image [h, w, c] as RGB [2 * lines, WIDTH, 3], its proportions kept."""
    from PIL import Image

    height, width, _ = image.shape
    lines = max(1, min(WIDTH, round(WIDTH * height / width / 2)))
    filtered = Image.Resampling.BOX if width > WIDTH else Image.Resampling.NEAREST
    return np.asarray(picture(image).convert("RGB").resize((WIDTH, 2 * lines), filtered), dtype=np.uint8)


def half_blocks(image: NDArray[np.uint8]) -> Iterator[Text]:
    """Lines of upper half blocks: the foreground is the upper pixel, the background the lower one."""
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    for upper, lower in zip(image[::2], image[1::2], strict=True):
        line = Text(end="")
        for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
            line.append("▀", Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
        yield line
