"""One picture from an untrusted file: bounded, upright, 8 bits, grey or RGB."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handlens.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

KINDS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
MAX_PIXELS = 40_000_000
ORIENTATION = 0x0112
"""The EXIF tag that says how the camera was held (EXIF 2.32, 4.6.4)."""


def decode(data: bytes | Path) -> NDArray[np.uint8]:
    """The picture in a file or its bytes: uint8 [height, width, 1], or [height, width, 3] in colour.

    PNG, JPEG, GIF (first frame), BMP, WebP and TIFF, told by content. Turned upright as EXIF says; what is
    transparent shows white, as on a page; 16 bits become 8; RGB without any colour becomes grey.

    Raises:
        DataError: no picture, a damaged one, or more than 40 megapixels (refused before it is decoded).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return decode_quietly(data)


def decode_quietly(data: bytes | Path, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """`decode`, then `resize` to `size`, for threads: the caller silences Pillow's warnings for all."""
    where = _where(data)
    try:
        with _open(data) as picture:
            _check_pixels(picture.size, where)
            if size is not None:  # lets the JPEG decoder leave out detail that resizing would
                picture.draft(None, (2 * max(size), 2 * max(size)))
            image = _to_array(_upright(picture))
    except DataError:
        raise
    except Exception as error:  # Pillow's decoders raise almost any exception on damaged files
        raise DataError(_reason(error), where=where, remedy="replace the picture or leave it out") from error
    return image if size is None else resize(image, size)


def measure_quietly(data: bytes | Path) -> tuple[int, int] | None:
    """Height and width from the header alone, upright; None where there is no readable header."""
    try:
        with _open(data) as picture:
            width, height = picture.size
            return (width, height) if _orientation(picture) >= 5 else (height, width)
    except Exception:  # as above; decoding will say why
        return None


def resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """uint8 [h, w, c] resampled to height and width `size`, bicubic and anti-aliased, not cropped."""
    if image.shape[:2] == size:
        return image
    from PIL import Image

    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    return _with_channels(np.asarray(picture.resize(size[::-1], Image.Resampling.BICUBIC)))


def _open(data: bytes | Path) -> Image.Image:
    from PIL import Image

    return Image.open(io.BytesIO(data) if isinstance(data, bytes) else data, formats=KINDS)


def _where(data: bytes | Path) -> str:
    return "the picture" if isinstance(data, bytes) else str(data)


def _check_pixels(size: tuple[int, int], where: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise DataError(
            f"has {width:,} x {height:,} pixels",
            where=where,
            expected=f"at most {MAX_PIXELS // 10**6} megapixels",
            remedy="make the picture smaller",
        )


def _reason(error: Exception) -> str:
    """What is wrong with a picture, in a few words."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return f"is no picture that can be read ({', '.join(KINDS)})"
    if isinstance(error, Image.DecompressionBombError):
        return f"has more than {MAX_PIXELS // 10**6} megapixels"
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return f"cannot be opened ({error.strerror})"
    return f"is damaged ({' '.join(str(error).split())[:80] or type(error).__name__})"


def _orientation(picture: Image.Image) -> int:
    """1 to 8 as EXIF numbers them; 1 where nothing is said."""
    # Pillow turns a TIFF itself; a PNG's getexif() would decode it to look for a chunk behind the pixels.
    if picture.format == "TIFF" or (picture.format == "PNG" and "exif" not in picture.info):
        return 1
    value = picture.getexif().get(ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def _upright(picture: Image.Image) -> Image.Image:
    from PIL import Image

    picture.load()
    turn = Image.Transpose
    turns = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }
    orientation = _orientation(picture)
    return picture.transpose(turns[orientation]) if orientation in turns else picture


def _to_array(picture: Image.Image) -> NDArray[np.uint8]:
    """uint8 [h, w, 1 or 3] from any of Pillow's modes."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _with_channels(_to_8_bits(np.asarray(picture)))
    if picture.has_transparency_data:
        picture = _on_white(picture)
    if picture.mode in ("1", "L"):
        return _with_channels(np.array(picture.convert("L")))
    image = np.array(picture.convert("RGB"))
    if (image[:, :, :1] == image[:, :, 1:]).all():
        return np.ascontiguousarray(image[:, :, :1])
    return image


def _on_white(picture: Image.Image) -> Image.Image:
    from PIL import Image

    picture = picture.convert("RGBA")
    page = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(page, picture).convert("RGB")


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Pixels of 16 or 32 bits, or floats, as 8 bits.

    16 bits are divided by 257, so that white stays white; wider ones are taken as 0-1, 0-255 or 0-65535,
    whichever their largest value fits.
    """
    values = np.asarray(values, np.float64) if values.dtype.kind != "u" else values
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 65535):
        raise DataError(f"its pixels run from {low:g} to {high:g}", expected="0 to 65535")
    if values.dtype == np.uint16 or high > 255:
        scale = 1 / 257
    else:
        scale = 255.0 if high <= 1 and values.dtype.kind == "f" else 1.0
    return np.rint(values * scale).astype(np.uint8)


def _with_channels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image[:, :, np.newaxis] if image.ndim == 2 else image
