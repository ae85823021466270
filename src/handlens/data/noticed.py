"""Pictures that are unlike what a model was trained on, inverted, off centre or too small, and put right.

What is wrong is told by where nearly all training images have their content (`InputContract`), so that an
ordinary image is hardly ever accused. Of photographs, without one flat background, nothing is said.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlens.data.content import EDGE, FINE, Content, Floats, border_of, find, grey_of, whole
from handlens.data.inputs import FLAT, InputContract
from handlens.data.pictures import (
    SLACK,
    fit_picture,
    place,
    resize,
    separate,
    sign_of,
    with_channels,
    working,
)

Picture = NDArray[np.uint8]
INVERTED, OFF_CENTRE, SMALL, LARGE = CAUSES = ("inverted", "off centre", "too small", "too large")
TOLERANCE = 0.85  # content so much smaller than nearly all is too small; so much larger, too large


@dataclass(frozen=True, eq=False)
class Noticed:
    """A picture twice, uint8 [height, width, channels] of the contract, and why.

    Attributes:
        as_given: only resized, with its whole frame, to the size of the training images.
        corrected: put right; equal to `as_given` where nothing was wrong.
        causes: of `CAUSES`; what is unlike the training images in `as_given`.
        notes: what was done to get `corrected`, in words.
    """

    as_given: Picture
    corrected: Picture
    causes: tuple[str, ...]
    notes: tuple[str, ...]


def notice(picture: Picture, contract: InputContract) -> Noticed:
    """What is wrong with a uint8 [H, W, 1 or 3] picture for a model of the contract, and it put right.

    A picture of the training images' size keeps its pixels as far as it can: it is reversed, and moved by
    whole pixels; only a wrong size makes it resampled. So does a larger one, resized, where nothing is drawn
    whose strokes might be too thin. Any other one is fitted by `fit_picture`.

    Raises:
        DataError: the array is no picture.
    """
    if not contract.uniform_background:
        fitted, notes = fit_picture(picture, contract)
        return Noticed(fitted, fitted, (), notes)
    image, notes = with_channels(picture, contract.channels)
    size = (contract.height, contract.width)
    if image.shape[:2] == size and _is_plain(image, contract):
        return _like_training(image, contract, notes)
    image = working(image)
    contrast, _ = separate(image)
    content = find(grey_of(contrast), _usual(contract).edge)
    causes = () if content is None else _causes(contrast, content, contract)
    given = resize(_framed(image, contract), size)
    if not contract.drawn and _is_plain(given, contract) and not {SMALL, LARGE} & set(causes):
        height, width = picture.shape[:2]
        return _like_training(given, contract, (*notes, f"resized from {height} x {width}"))
    corrected, notes = fit_picture(picture, contract)
    return Noticed(given, corrected, causes, notes)


def _level(image: Picture) -> float:
    """The grey of the background, 0-255."""
    return float(np.median(border_of(grey_of(image))))


def _is_plain(image: Picture, contract: InputContract) -> bool:
    """Whether the background is that of the training images, or its negative."""
    level = _level(image)
    return min(abs(level - contract.background), abs(255 - level - contract.background)) <= FLAT


def _like_training(image: Picture, contract: InputContract, notes: tuple[str, ...]) -> Noticed:
    """An image of the right size whose background is that of the training images, or its negative."""
    usual, contrast = _usual(contract), image.astype(np.float64) - _level(image)
    content = find(grey_of(contrast), usual.edge)
    if content is None:
        return Noticed(image, image, (), notes)
    content = whole(content, usual.content, contrast.shape)
    causes = _causes(contrast, content, contract)
    if not causes:
        return Noticed(image, image, (), notes)
    if INVERTED in causes:
        contrast, notes = -contrast, (*notes, INVERTED)
    if SMALL in causes or LARGE in causes:
        contrast = place(contrast, content, dataclasses.replace(contract, content=usual.content))
        notes += ("cropped to its content and centred",)
    elif OFF_CENTRE in causes:
        away = _away(content, contrast.shape, contract) * contrast.shape[:2]
        contrast = _moved(contrast, -np.rint(away).astype(int), drawn=contract.drawn)
        notes += ("centred",)
    corrected = np.clip(np.rint(contrast + contract.background), 0, 255).astype(np.uint8)
    return Noticed(image, corrected, causes, notes)


@dataclass(frozen=True)
class _Usual:
    """Of nearly all training images: longer side of the content, lowest and highest, distance from its place.

    All are shares of a side; `edge` is that of `content.find` by which they were measured.
    """

    edge: float
    content: float
    low: float
    high: float
    away: float


def _usual(contract: InputContract) -> _Usual:
    c = contract
    if c.usual is None or c.usual_low is None or c.usual_high is None or c.usual_away is None:
        low, high = (c.content_low - SLACK) / TOLERANCE, (c.content_high + SLACK) * TOLERANCE
        return _Usual(EDGE, c.content, low, high, c.wander + SLACK)
    return _Usual(FINE, c.usual, c.usual_low, c.usual_high, c.usual_away)


def _causes(contrast: Floats, content: Content, contract: InputContract) -> tuple[str, ...]:
    """What is unlike nearly all training images; the frame is the whole picture, widened to their shape."""
    usual, wanted = _usual(contract), np.sign(contract.ink - contract.background)
    share = content.share(_frame(contrast.shape, contract)[2:])
    found = {
        INVERTED: wanted != 0 and sign_of(contrast, content) != wanted,
        OFF_CENTRE: np.abs(_away(content, contrast.shape, contract)).max() > max(usual.away, SLACK),
        SMALL: share < TOLERANCE * usual.low,
        LARGE: share > usual.high / TOLERANCE,
    }
    return tuple(cause for cause in CAUSES if found[cause])


def _away(content: Content, shape: tuple[int, ...], contract: InputContract) -> Floats:
    """How far the centre lies from its usual place, down and to the right, as shares of the frame's sides."""
    top, left, height, width = _frame(shape, contract)
    y, x = content.centre(contract.centring)
    return np.array([(top + y) / height - contract.centre_y, (left + x) / width - contract.centre_x])


def _moved(contrast: Floats, by: NDArray[np.int_], *, drawn: bool) -> Floats:
    """[h, w, c] moved down and to the right by whole pixels.

    What comes in repeats the outermost row or column, so that what was cut off goes on as it was cut; where
    things are drawn it is background, since strokes do not go on straight.
    """
    result = contrast
    for axis, (length, distance) in enumerate(zip(contrast.shape, by, strict=False)):
        source = np.arange(length) - distance
        result = result.take(np.clip(source, 0, length - 1), axis)
        if drawn:
            outside = (source < 0) | (source >= length)
            result[outside if axis == 0 else (slice(None), outside)] = 0
    return result


def _frame(shape: tuple[int, ...], contract: InputContract) -> tuple[int, int, int, int]:
    """The smallest frame of the contract's shape around a picture: pixels above and left of it, its sides."""
    height, width = shape[:2]
    high = max(height, round(width * contract.height / contract.width))
    wide = max(width, round(height * contract.width / contract.height))
    return (high - height) // 2, (wide - width) // 2, high, wide


def _framed(image: Picture, contract: InputContract) -> Picture:
    """uint8 [H, W, c] widened to the contract's shape by the median of its border."""
    top, left, high, wide = _frame(image.shape, contract)
    border = [image[0], image[-1], image[:, 0], image[:, -1]]
    made = np.empty((high, wide, image.shape[2]), np.uint8)
    made[:] = np.median(np.concatenate(border), axis=0)
    made[top : top + image.shape[0], left : left + image.shape[1]] = image
    return made
