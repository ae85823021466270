"""Parquet: encoded pictures, lists of pixels, a column a pixel; and what is wrong with a file."""

import io
import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handlens.data.formats import Options, read
from handlens.errors import MissingExtra

pyarrow = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'handlens[parquet]'")
parquet = pytest.importorskip("pyarrow.parquet")

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 4, 4), np.uint8)
LABELS = [3, 0, 3, 1, 1, 0, 5]


def png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def table_bytes(columns, metadata=None) -> bytes:
    stream = io.BytesIO()
    table = pyarrow.table(columns).replace_schema_metadata(metadata)
    parquet.write_table(table, stream, row_group_size=3)
    return stream.getvalue()


PICTURES = [png(image) for image in IMAGES]
LAYOUTS = {
    "bytes": {"image": PICTURES},
    "hugging face": {"image": [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate(PICTURES)]},
    "list": {"pixels": [image.ravel().tolist() for image in IMAGES]},
    "nested list": {"pixels": [image.tolist() for image in IMAGES]},
    "fixed list": {
        "pixels": pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(IMAGES.ravel()), 16),
    },
    "columns": {f"p{i}": IMAGES.reshape(7, 16)[:, i] for i in range(16)},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(put, layout):
    source = read(put("x.parquet", table_bytes({"label": LABELS, **LAYOUTS[layout]})))
    part = source.parts["all"]
    assert source.format == "parquet"
    np.testing.assert_array_equal(part.images[..., 0], IMAGES)
    assert part.labels.tolist() == LABELS


def test_pictures_are_resized(put):
    path = put("x.parquet", table_bytes({"label": LABELS, "image": PICTURES}))
    assert read(path, Options(size=(5, 6))).parts["all"].images.shape == (7, 5, 6, 1)


def test_class_names_of_hugging_face(put):
    names = ["T-shirt", "Trouser", "Coat", "Bag", "x", "y"]
    info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    data = table_bytes({"label": LABELS, "image": PICTURES}, {"huggingface": json.dumps(info)})
    assert read(put("x.parquet", data)).parts["all"].labels.tolist() == [names[i] for i in LABELS]


def test_shards_make_one_part(put, fresh):
    folder = fresh()
    for i in range(2):
        columns = {"label": LABELS[i::2], "image": PICTURES[i::2]}
        put(f"train-{i:05}-of-00002.parquet", table_bytes(columns), folder)
    put("test-00000-of-00001.parquet", table_bytes({"label": LABELS, "image": PICTURES}), folder)
    parts = read(folder).parts
    assert parts["train"].labels.tolist() == LABELS[0::2] + LABELS[1::2]
    assert len(parts["test"].labels) == 7


def test_unreadable_pictures(put, refusal):
    pictures = [*PICTURES[:2], b"no", None, *PICTURES[4:]]
    path = put("x.parquet", table_bytes({"label": LABELS, "image": pictures}))
    refusal(path, "x.parquet: 2 of 7 pictures cannot be read: row 2", "row 3", "--skip-bad")
    source = read(path, Options(skip_bad=True))
    assert source.parts["all"].labels.tolist() == [3, 0, 1, 0, 5]
    assert source.notes[0].startswith("2 unreadable pictures left out: row 2")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"kind": LABELS, "image": PICTURES},
            ["no column that is called a label, only kind, image", "--label"],
        ),
        ({"label": [0] * 6 + [-1], "image": PICTURES}, ["column 'label': the label of image 6 is -1"]),
        ({"label": [0.5] * 7, "image": PICTURES}, ["column 'label': the label of image 0 is 0.5"]),
        ({"label": [0, None] + [1] * 5, "image": PICTURES}, ["column 'label': the label of image 1 is -1"]),
        ({"label": [0] * 7, "x": [[1, 2, 3, 4]] * 6 + [[1]]}, ["rows differ in their number of pixels"]),
        (
            {"label": [0] * 7, "x": [[1, 2, 3, 4]] * 3 + [[1] * 9] * 4},
            ["rows differ in their number of pixels"],
        ),
        ({"label": [0] * 7, "x": [[1, 2, 3]] * 7}, ["3 pixels an image are no square", "--shape"]),
        ({"label": [0] * 7, "x": [[1, 2, 3, 256]] * 7}, ["pixels run from 1 to 256"]),
        ({"label": [0] * 7, "x": [[1, 2, 3, None]] * 7}, ["pixels"]),
        (
            {"label": [0] * 7, "x": ["a"] * 7, "x2": ["b"] * 7, "x3": ["b"] * 7, "x4": ["b"] * 7},
            ["pixels are"],
        ),
        ({"label": [0] * 7}, ["no column of images"]),
        ({"label": [], "x": []}, ["holds no images"]),
        ({"label": [[1, 2]] * 7, "x": [[1, 2, 3, 4]] * 7}, ["column 'label': labels of two dimensions"]),
    ],
)
def test_message_names_file_and_place(put, refusal, columns, words):
    refusal(put("digits.parquet", table_bytes(columns)), "digits.parquet", *words)


def test_no_such_label(put, refusal):
    path = put("x.parquet", table_bytes({"label": LABELS, "image": PICTURES}))
    refusal(
        path,
        "x.parquet: has no column 'lable'",
        "did you mean 'label'".capitalize(),
        options=Options(label="lable"),
    )


def test_more_than_memory_allows(put, refusal, monkeypatch):
    monkeypatch.setattr("handlens.data.formats.contract.MAX_BYTES", 10)
    refusal(put("x.parquet", table_bytes({"label": LABELS, **LAYOUTS["columns"]})), "GiB of pixels")


def test_truncated(put, refusal):
    data = table_bytes({"label": LABELS, "image": PICTURES})
    refusal(put("x.parquet", data[:-9]), "x.parquet: the Parquet data are damaged", "again")


@settings(max_examples=150, deadline=None)
@given(data=st.data(), layout=st.sampled_from(["bytes", "list", "columns"]))
def test_damaged_files_are_read_or_refused(put, survives, data, layout):
    whole = bytearray(table_bytes({"label": LABELS, **LAYOUTS[layout]}))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    survives(put("x.parquet", bytes(whole)))


def test_columns_of_unequal_length_are_refused(put, survives):
    """One byte in a page's head can make pyarrow give fewer rows of pixels than labels."""
    whole = table_bytes({"label": LABELS, **LAYOUTS["list"]})
    for place in range(100, 340):
        for byte in (1, 6):
            survives(put("x.parquet", whole[:place] + bytes([byte]) + whole[place + 1 :]))


def test_without_pyarrow(put, monkeypatch):
    path = put("x.parquet", table_bytes({"label": LABELS, "image": PICTURES}))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pyarrow is not installed\. Install it with: pip install"):
        read(path)
