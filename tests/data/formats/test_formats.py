"""Finding what a path holds: one file, a folder of data files, or a folder of pictures."""

import gzip
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handlens.data.formats import FORMATS, list_files, read
from handlens.data.formats.names import natural, part_of
from handlens.errors import DataError

GOOD = "label,a,b,c,d\n3,0,1,2,255\n7,9,8,7,6\n"


@settings(max_examples=200, deadline=None)
@given(
    start=st.sampled_from(
        [b"", b"\0\0\x08\x03", b"PK\x03\x04", b"PAR1", b"\x1f\x8b\x08", b"1,2,3,4,5\n", b"\x89PNG"]
    ),
    rest=st.binary(max_size=200),
    packed=st.booleans(),
)
def test_random_bytes_are_read_or_refused(put, survives, start, rest, packed):
    survives(put("x.bin", gzip.compress(start + rest) if packed else start + rest))


def test_content_counts_not_the_name(put, idx):
    assert read(put("digits.npz", GOOD)).format == "csv"
    path = put("images.csv", idx(np.zeros((1, 2, 2))))
    put("labels.csv", idx([3]), path.parent)
    assert read(path).format == "idx"


def test_one_file_has_the_part_of_its_name(put):
    assert list(read(put("sign_mnist_train.csv", GOOD)).parts) == ["train"]
    assert list(read(put("contest.csv", GOOD)).parts) == ["all"]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("sign_mnist_train.csv", "train"),
        ("train-00000-of-00002.parquet", "train"),
        ("Training", "train"),
        ("t10k-images-idx3-ubyte.gz", "test"),
        ("x_test.npz", "test"),
        ("terrain.csv", "all"),
        ("latest.csv", "all"),
        ("validation", "validation"),
        ("values.csv", "all"),
    ],
)
def test_part_of(name, part):
    assert part_of(name) == part


@given(st.lists(st.text(max_size=6), unique=True))
def test_natural_order_is_one_order(names):
    assert natural(names) == natural(reversed(names))


def test_natural_order():
    assert natural(["a10", "10", "b", "2", "a2", "A3"]) == ["2", "10", "a2", "A3", "a10", "b"]


def test_nothing_there(fresh, refusal):
    refusal(fresh() / "gone", "gone: does not exist", "Check the path")


def test_empty_file(put, refusal):
    refusal(put("x.npz", b""), "x.npz: is empty", "again")


def test_unknown_format(put, refusal):
    refusal(
        put("x.pdf", b"%PDF-1.4 something"), "x.pdf: is of no known format", "25 50 44 46", "IDX", "Parquet"
    )
    refusal(put("x.gz", b"\x1f\x8bnonsense"), "x.gz: is of no known format", "damaged gzip")


def test_several_formats_in_one_folder(put, fresh, idx, refusal):
    folder = fresh()
    put("train.csv", GOOD, folder)
    put("train-images-idx3-ubyte", idx(np.zeros((1, 2, 2))), folder)
    refusal(folder, "data files of several formats: idx, csv", "Name one file")


def test_several_tables_without_a_part(put, fresh, refusal):
    folder = fresh()
    put("a.csv", GOOD, folder)
    put("b.csv", GOOD, folder)
    refusal(folder, "2 files could be the all images: a.csv, b.csv", "Name the file itself")


def test_notes_beside_pictures_are_no_data(put, fresh):
    folder = fresh()
    put("classes.csv", "a,b,c\n1,2,3\n", folder)
    for name in ("a", "b"):
        (folder / name).mkdir()
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(folder / name / "1.png")
    assert read(folder).format == "folder"
    assert len(list_files(folder)) == 2


def test_unreadable_file(put, refusal, monkeypatch):
    path = put("x.csv", GOOD)

    def denied(*_args, **_more):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("handlens.data.formats.bundle.head_of", denied)
    refusal(path, "x.csv: cannot be read (Permission denied)", "permissions")
    with pytest.raises(DataError, match="Permission denied"):
        list_files(path)


def test_every_format_has_its_own_name():
    assert len({candidate.NAME for candidate in FORMATS}) == len(FORMATS)


def test_importing_the_readers_imports_nothing_heavy():
    program = (
        "import sys, handlens.data.formats, handlens.data.pictures\n"
        "print(sorted({'PIL', 'pandas', 'pyarrow', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
