"""A digit drawn on a pad with the mouse, in a page or in a frame of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Places of one stroke, as shares of the pad's sides.
THREE = (
    (0.30, 0.25), (0.50, 0.17), (0.68, 0.27), (0.64, 0.42), (0.48, 0.48),
    (0.66, 0.54), (0.71, 0.70), (0.52, 0.83), (0.30, 0.76),
)  # fmt: skip


def draw(page: Any, points: Sequence[tuple[float, float]] = THREE, frame: Any = None) -> None:
    """One stroke on the page's pad, or on that of a frame in it."""
    box = (frame or page).locator(".pad-canvas").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()
