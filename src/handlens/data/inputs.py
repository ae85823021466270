"""What a model's training images have in common, so that a user's picture can be brought to the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.data.content import (
    FINE,
    Content,
    Floats,
    border_of,
    density_of,
    find,
    grey_of,
    strongest_of,
    thickness_of,
    whole,
)
from handlens.errors import DataError

SAMPLE = 2000
FLAT, FLAT_SHARE, NEARLY_ALL = 16, 0.6, 0.95  # grey levels; share of a border; share of images
UNUSUAL = 0.005  # share of the training images
DRAWN = 0.08  # deviation of density between images: 0.04 in MNIST, 0.13 in Fashion-MNIST


@dataclass(frozen=True)
class InputContract:
    """What a model's training images have in common; plain numbers, to be kept beside the model.

    Attributes:
        height, width, channels: of every image, in pixels.
        background: median grey of the border pixels, 0-255.
        uniform_background: the border of nearly all images is this one grey; the rest is only used if so.
        ink: grey, 0-255, of what stands out most; equal to `background` where it is now darker, now lighter.
        content: typical longer side of the content's bounding box, as a share of the image's side.
        content_low, content_high: the smallest and largest such share.
        centring: "mass" or "box", whichever centre of the content moves less from image to image.
        centre_y, centre_x: where that centre lies, as shares of height and width from the upper left corner.
        wander: farthest that it lies from there, as a share of the side.
        drawn: the content is strokes of one ink, as in writing: its density hardly varies between images.
        density: median over images of the mean contrast within the content, as a share of the ink's.
        thickness, thinnest: median width of strokes, and that of the thinnest hundredth, in pixels.
        usual: typical longer side as in `content`, of all that is not quite background (`content.FINE`),
            cut-off parts reckoned in; None, as the next three, in records of earlier versions.
        usual_low, usual_high: the same of all but the most unusual images (`UNUSUAL`).
        usual_away: farthest, of all but these, that the centre lies from its place.
    """

    height: int
    width: int
    channels: int
    background: float
    uniform_background: bool
    ink: float
    content: float
    content_low: float
    content_high: float
    centring: str
    centre_y: float
    centre_x: float
    wander: float
    drawn: bool
    density: float
    thickness: float
    thinnest: float
    usual: float | None = None
    usual_low: float | None = None
    usual_high: float | None = None
    usual_away: float | None = None


def contract_of(images: NDArray[np.uint8]) -> InputContract:
    """What uint8 [n, height, width, channels] training images have in common, from at most 2,000 of them."""
    if not len(images):
        raise DataError("no training images to learn the input contract from")
    sample = images[np.unique(np.linspace(0, len(images) - 1, SAMPLE).astype(int))]
    grey = np.stack([grey_of(image) for image in sample])
    borders = np.stack([border_of(image) for image in grey])
    background = float(np.median(borders))
    flat = (np.abs(borders - background) <= FLAT).mean(axis=1) >= FLAT_SHARE
    contrast = grey - background
    strongest = np.array([strongest_of(image) for image in contrast])
    one_way = abs(np.sign(strongest).mean()) > 2 * NEARLY_ALL - 1
    ink = background + float(np.median(strongest)) if one_way else background
    found = [content for image in contrast if (content := find(image)) is not None]
    shape = images.shape[1:3]
    widths = np.array([thickness_of(image) for image in contrast])
    densities = np.array([density_of(image) for image in contrast])
    shares = np.array([content.share(shape) for content in found] or [1.0])
    centring, centre, wander = _centring(found, shape)
    usual = _usual(contrast, centring, centre)
    return InputContract(
        height=images.shape[1],
        width=images.shape[2],
        channels=images.shape[3],
        background=background,
        uniform_background=bool(flat.mean() >= NEARLY_ALL and found),
        ink=ink,
        content=float(np.median(shares)),
        content_low=float(shares.min()),
        content_high=float(shares.max()),
        centring=centring,
        centre_y=float(centre[0]),
        centre_x=float(centre[1]),
        wander=wander,
        drawn=bool(one_way and densities.std() < DRAWN),
        density=float(np.median(densities)),
        thickness=float(np.median(widths)),
        thinnest=float(np.quantile(widths, 0.01)),
        usual=usual[0],
        usual_low=usual[1],
        usual_high=usual[2],
        usual_away=usual[3],
    )


def _centring(found: list[Content], shape: tuple[int, ...]) -> tuple[str, Floats, float]:
    """Which centre moves less, its mean place and how far from there it gets, as shares of the side."""
    best = ("box", np.array([0.5, 0.5]), 0.0)
    least = np.inf
    for centring in ("box", "mass") if found else ():
        centres = np.array([content.centre(centring) for content in found]) / shape
        if (moves := centres.std(axis=0).sum()) < least:
            middle = centres.mean(axis=0)
            best, least = (centring, middle, float(np.abs(centres - middle).max())), moves
    return best


def _usual(contrast: Floats, centring: str, centre: Floats) -> tuple[float, float, float, float]:
    """Of contrasts [n, h, w]: median, low and high longer side; farthest usual distance from `centre`."""
    shape = contrast.shape[1:]
    found = [content for image in contrast if (content := find(image, FINE)) is not None]
    typical = float(np.median([content.share(shape) for content in found] or [1.0]))
    found = [whole(content, typical, shape) for content in found]
    shares = np.array([content.share(shape) for content in found] or [1.0])
    centres = np.array([content.centre(centring) for content in found]).reshape(-1, 2) / shape
    away = np.append(np.abs(centres - centre).max(axis=1), [] if found else [0.0])
    low, high = (float(np.quantile(shares, share)) for share in (UNUSUAL, 1 - UNUSUAL))
    return typical, low, high, float(np.quantile(away, 1 - UNUSUAL))
