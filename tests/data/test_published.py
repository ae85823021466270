"""The files of the catalogue as users bring them, and the real ones where they are."""

import gzip
import hashlib
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from handlens.data import load
from handlens.data.catalogue import entry
from handlens.errors import DataError

pytestmark = pytest.mark.usefixtures("cache")


def idx(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    body = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)


def bring(folder: Path, name: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Files of the data set `name`, with these images in both parts."""
    for file in entry(name).files:
        idx(folder / name / file.name, labels if "-labels-" in file.name else images)


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDLENS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def pictures(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 4, 4), dtype=np.uint8)


def test_files_that_are_not_the_published_ones_are_used_and_told(brought: Path) -> None:
    bring(brought, "fashion-mnist", pictures(20), np.arange(20) % 10)
    data = load("fashion-mnist")
    assert data.classes[9] == "Ankle boot"
    assert len([note for note in data.notes if "is not the published file" in note]) == 4


def test_files_whose_content_is_not_known_are_used_and_told(brought: Path) -> None:
    bring(brought, "kmnist", pictures(20), np.arange(20) % 10)
    assert all("was not compared with the published file" in note for note in load("kmnist").notes)


def test_files_as_they_were_published_have_no_note(brought: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(brought, "kmnist", pictures(20), np.arange(20) % 10)
    e = entry("kmnist")
    files = tuple(
        replace(file, sha256=hashlib.sha256((brought / "kmnist" / file.name).read_bytes()).hexdigest())
        for file in e.files
    )
    known = {"kmnist": replace(e, files=files)}
    monkeypatch.setattr(import_module("handlens.data.load"), "catalogue", lambda: known)
    assert load("kmnist").notes == ()


def test_members_of_a_downloaded_archive_are_trusted(cache: Path) -> None:
    bring(cache / "downloads", "emnist-letters", pictures(26), np.arange(1, 27))
    assert load("emnist-letters").notes == ()


def test_members_from_elsewhere_are_not(brought: Path) -> None:
    bring(brought, "emnist-letters", pictures(26), np.arange(1, 27))
    assert len(load("emnist-letters").notes) == 4


def test_unpacked_files_got_by_hand(cache: Path) -> None:
    for file in entry("mnist").files:
        array = np.arange(20) % 10 if "-labels-" in file.name else pictures(20)
        idx(cache / "downloads" / "mnist" / file.name.removesuffix(".gz"), array)
    assert len(load("mnist").train) == 20


def test_emnist_stands_upright_and_counts_from_one(brought: Path) -> None:
    images = pictures(26)
    bring(brought, "emnist-letters", images, np.arange(1, 27))
    data = load("emnist-letters")
    assert (data.train.images[..., 0] == images.transpose(0, 2, 1)).all()
    assert [data.classes[i] for i in data.train.labels[[0, 25]]] == ["A", "Z"]


def test_damaged_files_are_named(brought: Path) -> None:
    bring(brought, "mnist", pictures(20), np.arange(20) % 10)
    path = brought / "mnist" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte\.gz"):
        load("mnist")


def test_a_file_of_no_known_kind_is_named(brought: Path) -> None:
    bring(brought, "mnist", pictures(20), np.arange(20) % 10)
    (brought / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: is damaged"):
        load("mnist")


@pytest.mark.parametrize(
    ("table", "outcome"),
    [(b"1,2,3\n1,2\n", "is damaged"), (b"1,2,3,4,0\n5,6,7,8,1\n" * 5, "ships other data")],
)
def test_a_package_that_ships_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: bytes, outcome: str
) -> None:
    path = tmp_path / "mnist_5k.csv.gz"
    path.write_bytes(gzip.compress(table))
    monkeypatch.setattr(import_module("handlens.data.published"), "find_shipped", lambda _: (path,))
    try:
        told = " ".join(load("mnist-5k").notes)
    except DataError as error:
        told = str(error)
    assert outcome in told


def test_a_data_set_behind_a_login_says_where_to_put_its_files() -> None:
    with pytest.raises(
        DataError, match=r"sign_mnist_train\.csv, sign_mnist_test\.csv from https://www\.kaggle"
    ):
        load("sign-mnist")


def test_the_place_for_files_got_by_hand_works() -> None:
    with pytest.raises(DataError) as caught:
        load("sign-mnist")
    folder = Path(str(caught.value).split("put them into ")[1].split(", or into")[0])
    folder.mkdir(parents=True)
    for file in entry("sign-mnist").files:
        rows = [",".join(map(str, [i % 3, *[i] * 16])) for i in range(9)]
        header = "label," + ",".join(f"pixel{i}" for i in range(16))
        (folder / file.name).write_text("\n".join([header, *rows]))
    assert load("sign-mnist").classes == ("A", "B", "C")


@pytest.mark.parametrize(("name", "last"), [("mnist", "9"), ("fashion-mnist", "Ankle boot")])
def test_the_real_ones(real_data: Path, monkeypatch: pytest.MonkeyPatch, name: str, last: str) -> None:
    monkeypatch.setenv("HANDLENS_DATA", str(real_data))
    data = load(name)
    assert (len(data.train), len(data.test), data.shape) == (60_000, 10_000, (28, 28, 1))
    assert data.notes == ()
    assert data.classes[-1] == last
    assert data.test.labels[0] == {"mnist": 7, "fashion-mnist": 9}[name]


def test_the_real_signs(real_data: Path) -> None:
    path = real_data / "sign-mnist-sample" / "sign_mnist_train.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    data = load(path)
    assert "".join(data.classes) == "ABCDEFGHIKLMNOPQRSTUVWXY"
    assert len(data.train) + len(data.test) == 188
