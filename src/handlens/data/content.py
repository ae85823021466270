"""What stands out in a picture: the content, its place, and the background behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FAINT = 12  # grey levels: less contrast than this is no content
EDGE = 0.3  # share of the strongest contrast from which a pixel belongs to the content
FINE = 0.1  # the same where the background is known to be flat: dark parts of clothes belong to them too
MOST_CUT = 0.3  # share of the usual length that may lie beyond a border
SPECK = 0.03  # share of the largest connected piece below which a piece is dirt
GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601 luma, as Pillow's "L"
ROBUST = 1.4826  # the median distance from the median, times this, is a normal distribution's deviation

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Content:
    """Where something stands out: bool [H, W], bounding box (top, left, bottom, right), centre of mass."""

    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]
    mass: tuple[float, float]

    def centre(self, centring: str) -> tuple[float, float]:
        top, left, bottom, right = self.box
        return self.mass if centring == "mass" else ((top + bottom) / 2, (left + right) / 2)

    def share(self, shape: tuple[int, ...]) -> float:
        """The longer side of the box as a share of the image's side."""
        top, left, bottom, right = self.box
        return max((bottom - top) / shape[0], (right - left) / shape[1])


def find(contrast: Floats, edge: float = EDGE) -> Content | None:
    """What stands out in a [H, W] contrast to the background, dirt left aside; None where nothing does.

    `edge`: share of the strongest contrast from which a pixel belongs to it.
    """
    from scipy import ndimage

    weights = np.abs(contrast)
    if weights.max() < FAINT:
        return None
    mask = weights > edge * weights.max()
    pieces, count = ndimage.label(mask, structure=np.ones((3, 3)))
    if count > 1:
        areas = np.bincount(pieces.ravel())
        areas[0] = 0
        mask = (areas >= SPECK * areas.max())[pieces]
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    weights = weights * mask
    total = weights.sum()
    mass = (
        float(weights.sum(axis=1) @ (np.arange(weights.shape[0]) + 0.5) / total),
        float(weights.sum(axis=0) @ (np.arange(weights.shape[1]) + 0.5) / total),
    )
    return Content(mask, (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1), mass)


def whole(content: Content, usual: float, shape: tuple[int, ...]) -> Content:
    """The content of an image [h, w] with its box drawn out beyond the border that cut it off.

    Content that reaches one border and not the opposite one, and is shorter both ways than the `usual` share
    of a side, but not by more than `MOST_CUT` of it, is taken to go on there as far as that.
    """
    sides = np.array(shape[:2])
    box = np.array(content.box).reshape(2, 2)  # [first or behind last, vertical or horizontal]
    before, after = box[0], sides - box[1]
    length = np.rint(usual * sides).astype(int)
    missing = length - (box[1] - box[0])
    cut = (np.minimum(before, after) == 0) & (np.maximum(before, after) > 0)
    if missing.min() <= 0 or not (cut & (missing <= MOST_CUT * length)).any():
        return content
    axis = int(np.where(cut, missing, sides.max() + 1).argmin())
    if before[axis] == 0:
        box[0, axis] -= missing[axis]
    else:
        box[1, axis] += missing[axis]
    top, left, bottom, right = (int(edge) for edge in box.ravel())
    return replace(content, box=(top, left, bottom, right))


def background_of(image: Floats) -> Floats:
    """The background of [H, W, c]: the border's median, or a plane or quadric where light falls off.

    A surface is fitted to the pixels near it, at first those near the median; it is taken only where it
    explains the border clearly better than what is simpler, since content that fills a picture is none.
    """
    height, width, channels = image.shape
    down, right = np.mgrid[0:height, 0:width]
    y, x = down / height - 0.5, right / width - 0.5
    terms = np.stack([np.ones((height, width)), y, x, y * y, x * y, x * x], axis=2)  # [H, W, 6]
    sparse = (slice(None, None, height // 64 + 1), slice(None, None, width // 64 + 1))
    result = np.empty_like(image)
    for channel in range(channels):
        values = image[:, :, channel]
        best = np.full((height, width), np.median(border_of(values)))
        least = np.median(np.abs(border_of(values - best)))
        for count in (3, 6):
            surface, left_over = best, least
            for _ in range(6):
                near = np.abs(values - surface)[sparse] <= 3 * ROBUST * left_over + FAINT / 2
                known = terms[sparse][near][:, :count]
                surface = terms[:, :, :count] @ np.linalg.lstsq(known, values[sparse][near], rcond=None)[0]
                left_over = np.median(np.abs(border_of(values - surface)))
            if left_over < 0.5 * least:
                best, least = surface, left_over
        result[:, :, channel] = best
    return result


def thickness_of(contrast: Floats) -> float:
    """The width in pixels of the strokes in [H, W], as of a line whose pixels lie as far from its edge.

    Across a line w pixels wide the mean distance to the outside is w / 4 + 1 / 2. Zero where all is flat.
    """
    from scipy import ndimage

    weights = np.abs(contrast)
    mask = np.pad(weights > EDGE * weights.max(), 1)
    distances = ndimage.distance_transform_edt(mask)
    return float(4 * distances[mask].mean() - 2) if mask.any() else 0.0


def density_of(contrast: Floats) -> float:
    """The mean contrast within the content of [H, W], as a share of the strongest; 1 where all is flat."""
    weights = np.abs(contrast)
    strongest = weights.max()
    return float(weights[weights > EDGE * strongest].mean() / strongest) if strongest else 1.0


def thicken(contrast: Floats, pixels: float) -> Floats:
    """[H, W, c] whose positive strokes are `pixels` wider, rounded to whole pixels on each side."""
    from scipy import ndimage

    radius = round(pixels / 2)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = (y * y + x * x <= radius * radius + 0.5)[:, :, np.newaxis]
    return np.asarray(ndimage.grey_dilation(contrast, footprint=disk), np.float64)


def grey_of(image: NDArray[np.uint8] | Floats) -> Floats:
    """[H, W] luma of [H, W, 1 or 3]."""
    if image.shape[2] == 1:
        return image[:, :, 0].astype(np.float64)
    return np.asarray(image @ GREY, np.float64)


def border_of(image: Floats) -> Floats:
    """The outermost pixels of [H, W], each once or, in the corners, twice."""
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def strongest_of(contrast: Floats) -> float:
    """The value farthest from zero."""
    return float(contrast.flat[np.abs(contrast).argmax()])
