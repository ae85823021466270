"""Pictures out of a request's body: a file, many files, or pixels as JSON; nothing in it is trusted."""

from __future__ import annotations

import base64
import binascii
import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.formats.decoding import decode_quietly, measure_quietly
from handlens.data.images import Images
from handlens.errors import HandlensError
from handlens.serve import limits
from handlens.serve.refusal import Refusal

if TYPE_CHECKING:
    from starlette.requests import Request

SHAPES = "[height][width], [n][height][width] or [n][height][width][1 or 3]"
LIGHT = 20_000  # bytes of JSON: read at once rather than in another thread
_one_large = threading.Lock()  # decoding 40 megapixels takes half a gigabyte


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was sent: uint8 [height, width, 1 or 3]."""

    name: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class _File:
    name: str
    content: bytes


async def pictures(request: Request, most: int = limits.PICTURES) -> list[Picture]:
    """What a request brings.

    Raises:
        Refusal: nothing, too much, or what is no picture.
    """
    import asyncio

    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        files = await _files(request, most)
        return await asyncio.to_thread(_decoded, files, most)
    body = await request.body()
    if not body:
        raise Refusal(400, "the request has no body; send a picture, a form with files, or JSON")
    if kind == "application/json":
        if len(body) <= LIGHT and b"pictures" not in body:  # which may hold more than they weigh
            return from_json(body, most)
        return await asyncio.to_thread(from_json, body, most)
    if kind.startswith("image/") or kind == "application/octet-stream":
        return await asyncio.to_thread(_decoded, [_File("picture", body)], most)
    raise Refusal(
        415, f"pictures do not come as {kind[:60]!r}; expected multipart/form-data, an image's type, or JSON"
    )


async def _files(request: Request, most: int) -> list[_File]:
    """The files of a form."""
    from starlette.datastructures import UploadFile
    from starlette.exceptions import HTTPException
    from starlette.formparsers import MultiPartException

    found = []
    try:
        async with request.form(max_files=most, max_fields=20, max_part_size=limits.BYTES) as form:
            for _, part in form.multi_items():
                if isinstance(part, UploadFile):
                    found.append(_File((part.filename or "picture")[:200], await part.read()))
    except HTTPException as error:
        raise Refusal(400, f"the form cannot be read: {error.detail}") from None
    except (MultiPartException, ValueError, KeyError, AssertionError) as error:
        raise Refusal(400, f"the form cannot be read: {error}") from None
    if not found:
        raise Refusal(400, "the form has no file; send one or more, each as a part with a file name")
    return found


def from_json(body: bytes, most: int = limits.PICTURES) -> list[Picture]:
    """The pictures in a JSON object with `pixels` or `pictures`, and perhaps `names`.

    Raises:
        Refusal: not such an object.
    """
    said = _object(body)
    if ("pixels" in said) == ("pictures" in said):
        raise Refusal(422, "expected an object with either 'pixels' or 'pictures'")
    names = said.get("names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refusal(422, "'names' is no list of texts")
    if "pictures" in said:
        found = _decoded(_data_addresses(said["pictures"], most), most)
        images = [picture.pixels for picture in found]
    else:
        images = list(_pixels(said["pixels"], said.get("shape"), most))
    if names and len(names) != len(images):
        raise Refusal(422, f"there are {len(names)} names for {len(images)} pictures")
    return [Picture(names[i][:200] if names else "", image) for i, image in enumerate(images)]


def _object(body: bytes) -> dict[str, Any]:
    def refuse(name: str) -> Any:
        raise Refusal(422, f"{name} is no pixel; expected numbers from 0 to 255")

    try:
        said = json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise Refusal(400, f"the body is not JSON: {reason}") from None
    if not isinstance(said, dict):
        raise Refusal(422, 'the body is no JSON object; expected {"pixels": ...} or {"pictures": ...}')
    return said


def _data_addresses(said: object, most: int) -> list[_File]:
    if not isinstance(said, list) or not all(isinstance(text, str) for text in said):
        raise Refusal(422, "'pictures' is no list of texts in base64")
    _check_count(len(said), most)
    return [_File("", _base64(text.partition(",")[2] if text.startswith("data:") else text)) for text in said]


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(422, f"a text is not base64: {error}") from None


def _pixels(said: object, shape: object, most: int) -> Images:
    """uint8 [n, height, width, channels] of numbers in lists, or of bytes in base64."""
    if isinstance(said, str):
        return _checked_shape(_raw(said, shape), most)
    if not isinstance(said, list):
        raise Refusal(422, f"'pixels' are no list; expected {SHAPES}, or base64 with a 'shape'")
    try:
        # A given type: texts among the numbers must not decide how much memory is taken.
        values = np.array(said, dtype=np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Refusal(422, f"'pixels' are not numbers of one shape; expected {SHAPES}") from None
    values = _checked_shape(values, most)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 255:
        raise Refusal(422, "'pixels' are not all between 0 and 255")
    return np.rint(values).astype(np.uint8)


def _raw(text: str, shape: object) -> NDArray[np.uint8]:
    whole = isinstance(shape, list) and all(type(side) is int and 0 < side <= limits.PIXELS for side in shape)
    if not isinstance(shape, list) or not whole or not 2 <= len(shape) <= 4:
        raise Refusal(422, "pixels in base64 need a 'shape' of whole numbers: [n, height, width, channels]")
    data = _base64(text)
    if len(data) != math.prod(shape):
        raise Refusal(422, f"there are {len(data)} bytes of pixels, but a shape of {shape}")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _checked_shape(values: NDArray[Any], most: int) -> NDArray[Any]:
    """As [n, height, width, channels]."""
    if values.ndim == 2:
        values = values[None]
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or not values.size or values.shape[3] not in (1, 3):
        raise Refusal(422, f"'pixels' have the shape {list(values.shape)}; expected {SHAPES}")
    _check_count(len(values), most)
    return values


def _check_count(count: int, most: int) -> None:
    if count == 0:
        raise Refusal(422, "there is no picture")
    if count > most:
        said = "one picture at a time" if most == 1 else f"at most {most:,} pictures in a request"
        raise Refusal(413, f"there are {count:,} pictures; expected {said}")


def _decoded(files: Sequence[_File], most: int) -> list[Picture]:
    """The files as pictures; how large they are together is seen in their heads, before any is decoded."""
    _check_count(len(files), most)
    total = 0
    for file in files:
        size = measure_quietly(file.content)
        if size is None:
            _decode(file)  # says what is wrong
            raise Refusal(422, f"{file.name or 'a picture'} cannot be read")
        total += size[0] * size[1]
        if total > limits.PIXELS:
            raise Refusal(
                413, f"more than {limits.PIXELS // 10**6} megapixels; send fewer or smaller pictures"
            )
    if total <= limits.LARGE:
        return [_decode(file) for file in files]
    with _one_large:
        return [_decode(file) for file in files]


def _decode(file: _File) -> Picture:
    try:
        return Picture(file.name, decode_quietly(file.content))
    except HandlensError as error:
        error.where = file.name or error.where
        raise Refusal(422, str(error)) from None
