"""One picture: every mode becomes 8-bit grey or RGB; hostile ones are refused before they cost anything."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handlens.data.formats.decoding import ORIENTATION, decode, decode_quietly, measure_quietly, resize
from handlens.errors import DataError

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)


def encoded(picture, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    picture.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_lossless_kinds(kind):
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(decode(encoded(GREY, kind, **options))[..., 0], GREY)
    if kind != "GIF":
        np.testing.assert_array_equal(decode(encoded(COLOUR, kind, **options)), COLOUR)


def test_jpeg_is_near():
    smooth = np.full((16, 16), 90, np.uint8)
    assert np.abs(decode(encoded(smooth, "JPEG")).astype(int) - 90).max() <= 2


def test_first_frame_of_an_animation():
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode(data)[..., 0], GREY)


def test_rgb_without_colour_becomes_grey():
    assert decode(encoded(np.stack([GREY] * 3, axis=2))).shape == (6, 8, 1)


def test_palette_and_one_bit():
    palette = Image.fromarray(COLOUR).quantize(256)
    np.testing.assert_array_equal(decode(encoded(palette)), np.asarray(palette.convert("RGB")))
    bits = Image.fromarray(GREY > 100)
    np.testing.assert_array_equal(decode(encoded(bits))[..., 0], (GREY > 100) * 255)


def test_transparent_shows_white():
    rgba = np.dstack([COLOUR, np.zeros_like(GREY)])
    rgba[0, 0, 3] = 255
    image = decode(encoded(rgba))
    np.testing.assert_array_equal(image[0, 0], COLOUR[0, 0])
    assert (image.reshape(-1, 3)[1:] == 255).all()
    grey_alpha = Image.fromarray(np.dstack([GREY, np.full_like(GREY, 128)]), "LA")
    expected = np.rint((GREY * 128.0 + 255 * 127) / 255)
    np.testing.assert_allclose(decode(encoded(grey_alpha))[..., 0], expected, atol=1)
    transparent_grey = encoded(Image.fromarray(GREY), transparency=int(GREY[0, 1]))
    assert decode(transparent_grey)[0, 1, 0] == 255


def test_16_bits_keep_black_and_white():
    wide = np.array([[0, 257, 65535, 32896]], np.uint16)
    assert decode(encoded(wide)).ravel().tolist() == [0, 1, 255, 128]
    assert decode(encoded(wide, "TIFF")).ravel().tolist() == [0, 1, 255, 128]


def test_floats_and_wide_integers():
    shares = np.array([[0, 0.5, 1]], np.float32)
    assert decode(encoded(shares, "TIFF")).ravel().tolist() == [0, 128, 255]
    integers = np.array([[0, 7, 255]], np.int32)
    assert decode(encoded(integers, "TIFF")).ravel().tolist() == [0, 7, 255]
    with pytest.raises(DataError, match="pixels run from -1 to 7"):
        decode(encoded(np.array([[-1, 7]], np.int32), "TIFF"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_upright_as_exif_says(orientation, kind):
    turned = {
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: np.rot90(GREY, -1),
        7: GREY[::-1, ::-1].T,
        8: np.rot90(GREY),
    }[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(GREY, kind, exif=exif)
    np.testing.assert_allclose(decode(data)[..., 0], turned, atol=30 if kind == "JPEG" else 0)
    assert measure_quietly(data) == turned.shape


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize(("width", "height"), [(10_000, 9_000), (20_000, 10_000), (2**31 - 1, 2**31 - 1)])
def test_decompression_bomb_is_refused_by_its_header(width, height):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    with pytest.raises(DataError, match=r"(at most|more than) 40 megapixels"):
        decode(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))


def test_truncated_picture(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(encoded(np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8))[:1500])
    with pytest.raises(DataError, match=r"broken\.png: is damaged \(.*\)\. Replace the picture") as caught:
        decode(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n", b"P5 2 2 255 abcd"])
def test_no_picture(data):
    with pytest.raises(DataError, match=r"is no picture that can be read|is damaged"):
        decode(data)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"gone\.png: cannot be opened"):
        decode(tmp_path / "gone.png")


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"]))
def test_damaged_pictures_are_decoded_or_refused(data, kind):
    whole = bytearray(encoded(COLOUR, kind))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except DataError:
        return
    assert image.dtype == np.uint8
    assert image.shape[2] in (1, 3)


def test_resize():
    image = np.zeros((40, 20, 3), np.uint8)
    image[:, 10:] = (200, 100, 50)
    small = resize(image, (4, 6))
    assert small.shape == (4, 6, 3)
    assert small[:, 0].max() <= 10
    np.testing.assert_allclose(small[2, 5], (200, 100, 50), atol=10)
    assert resize(image, (40, 20)) is image
    assert resize(image[..., :1], (1, 1)).shape == (1, 1, 1)


def test_large_jpeg_is_reduced_while_decoding():
    y, x = np.mgrid[0:1200, 0:900] / 8
    picture = np.rint(x + y / 2).astype(np.uint8)
    data = encoded(picture, "JPEG", quality=95)
    quick = decode_quietly(data, (30, 20))
    full = resize(decode(data), (30, 20))
    assert np.abs(quick.astype(int) - full).max() <= 4
