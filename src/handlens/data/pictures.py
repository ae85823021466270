"""Any picture, turned into what a model was trained on: the contract of its training images, and the fitting.

Training sets such as MNIST show one thing on a flat background, of one size and centred. A user's picture,
larger, off-centre, dark on light, is brought to the same: background removed, cropped, scaled, centred.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from handlens.data.content import (
    FAINT,
    ROBUST,
    Content,
    Floats,
    background_of,
    border_of,
    density_of,
    find,
    grey_of,
    strongest_of,
    thicken,
    thickness_of,
)
from handlens.data.formats.decoding import decode, resize
from handlens.data.inputs import FLAT, InputContract, contract_of
from handlens.errors import DataError

__all__ = ["InputContract", "contract_of", "decode", "fit_picture", "resize"]

WORKING_SIDE = 400
SLACK = 0.06  # share of a side
SLIM = 0.75  # share of the thinnest strokes' width below which strokes are too thin


def fit_picture(
    picture: NDArray[np.uint8], contract: InputContract
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """A uint8 [H, W, 1 or 3] picture as uint8 [height, width, channels] of the contract, and what was done.

    A picture that is already as the training images are comes back as it is, without notes.
    """
    image, notes = with_channels(picture, contract.channels)
    if not contract.uniform_background:
        image, more = _crop_middle(image, contract.height / contract.width)
        if image.shape[:2] != (contract.height, contract.width):
            more += (f"resized from {image.shape[0]} x {image.shape[1]}",)
        return resize(image, (contract.height, contract.width)), notes + more
    if _conforms(image, contract):
        return image, notes
    fitted, more = _fit_content(working(image), contract)
    return fitted, notes + more


def working(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The uint8 [H, W, c] image, no longer than `WORKING_SIDE` pixels: more tells nothing of 28 x 28."""
    longest = max(image.shape[:2])
    if longest <= WORKING_SIDE:
        return image
    height, width = (max(1, side * WORKING_SIDE // longest) for side in image.shape[:2])
    return resize(image, (height, width))


def separate(image: NDArray[np.uint8]) -> tuple[Floats, Content | None]:
    """The contrast to the background, float [H, W, c], and what stands out of it in uint8 [H, W, c]."""
    contrast = image - background_of(image.astype(np.float64))  # [H, W, c]
    grey = grey_of(contrast)
    quiet = 3 * ROBUST * np.median(np.abs(border_of(grey)))
    contrast[np.abs(grey) <= quiet] = 0
    return contrast, find(grey)


def sign_of(contrast: Floats, content: Content) -> float:
    """1 where the content is lighter than its background, -1 where it is darker."""
    return float(np.sign(strongest_of(grey_of(contrast) * content.mask)))


def _fit_content(
    image: NDArray[np.uint8], contract: InputContract
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The content of `image` on the contract's background, in its size and place."""
    contrast, content = separate(image)
    if content is None:
        size = (contract.height, contract.width)
        return resize(image, size), ("nothing stands out from its background: the picture was only resized",)
    notes: list[str] = []
    wanted = np.sign(contract.ink - contract.background)
    if wanted and sign_of(contrast, content) != wanted:
        contrast = -contrast
        notes.append("inverted")
    if contract.drawn:
        contrast, more = _drawn(contrast * wanted, content, contract)
        notes += more
        contrast *= wanted
    contrast = place(contrast, content, contract)
    notes.append("cropped to its content and centred")
    if wanted:
        contrast = _strengthen(contrast, contract)
    return np.clip(np.rint(contrast + contract.background), 0, 255).astype(np.uint8), tuple(notes)


def _drawn(contrast: Floats, content: Content, contract: InputContract) -> tuple[Floats, tuple[str, ...]]:
    """The strokes alone of a positive [H, W, c] contrast, thickened where thinner than in training."""
    from scipy import ndimage

    margin = 1 + max(contrast.shape[:2]) // 100
    near = ndimage.binary_dilation(content.mask, iterations=margin)
    contrast = np.maximum(contrast, 0) * near[:, :, np.newaxis]
    scale = content.share((contract.height, contract.width)) / contract.content
    width = thickness_of(grey_of(contrast))
    if width >= SLIM * contract.thinnest * scale:
        return contrast, ()
    return thicken(contrast, contract.thickness * scale - width), ("thin strokes thickened",)


def _strengthen(contrast: Floats, contract: InputContract) -> Floats:
    """The contrast of faint ink raised, and of strong ink cut, to that of the training images."""
    most = contract.ink - contract.background
    grey = grey_of(contrast)
    reached = abs(strongest_of(grey))
    if contract.drawn:
        reached *= density_of(grey) / contract.density
    if reached:
        contrast = contrast * min(abs(most) / reached, 255 / FAINT)
    if contract.drawn:
        return np.clip(contrast, min(most, 0), max(most, 0))
    return contrast


def place(contrast: Floats, content: Content, contract: InputContract) -> Floats:
    """Scale and move the content to where the contract has it: float [height, width, c].

    One resampling does both: the contract's frame, seen in the picture's pixels, is the part that is resized.
    """
    from PIL import Image

    size = np.array([contract.height, contract.width])
    scale = content.share((contract.height, contract.width)) / contract.content
    frame = size * scale
    corner = np.array(content.centre(contract.centring)) - frame * [contract.centre_y, contract.centre_x]
    before = np.maximum(0, np.ceil(-corner)).astype(int)
    after = np.maximum(0, np.ceil(corner + frame - contrast.shape[:2])).astype(int)
    padded = np.pad(contrast, [(before[0], after[0]), (before[1], after[1]), (0, 0)])
    top, left = corner + before
    box = (left, top, min(left + frame[1], padded.shape[1]), min(top + frame[0], padded.shape[0]))
    planes = [
        np.asarray(
            Image.fromarray(padded[:, :, channel].astype(np.float32)).resize(
                (contract.width, contract.height), Image.Resampling.BICUBIC, box=box
            )
        )
        for channel in range(padded.shape[2])
    ]
    return np.stack(planes, axis=2).astype(np.float64)


def _conforms(image: NDArray[np.uint8], contract: InputContract) -> bool:
    """Whether an image has the size, background, content and place that training images have."""
    shape = (contract.height, contract.width)
    grey = grey_of(image)
    if image.shape[:2] != shape or abs(np.median(border_of(grey)) - contract.background) > FLAT:
        return False
    content = find(grey - contract.background)
    if content is None:
        return True
    centre = np.array(content.centre(contract.centring)) / shape
    away = np.abs(centre - [contract.centre_y, contract.centre_x]).max()
    in_place = away <= contract.wander + SLACK
    share = content.share(shape)
    return bool(in_place and contract.content_low - SLACK <= share <= contract.content_high + SLACK)


def with_channels(picture: NDArray[np.uint8], channels: int) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """A picture in grey or colour as grey or colour, uint8 [H, W, channels], and what was done."""
    if picture.ndim != 3 or picture.shape[2] not in (1, 3) or not picture.size:
        raise DataError(f"the picture is an array {list(picture.shape)}", expected="[height, width, 1 or 3]")
    if picture.shape[2] == channels:
        return picture, ()
    if channels == 3:
        return np.repeat(picture, 3, axis=2), ()
    return np.rint(grey_of(picture)).astype(np.uint8)[:, :, np.newaxis], ("converted to grey",)


def _crop_middle(image: NDArray[np.uint8], aspect: float) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The largest middle part whose height is `aspect` times its width."""
    height, width = image.shape[:2]
    rows, columns = min(height, max(1, round(width * aspect))), min(width, max(1, round(height / aspect)))
    if abs(height - rows) <= 1 and abs(width - columns) <= 1:
        return image, ()
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[top : top + rows, left : left + columns], ("cropped to its middle",)
