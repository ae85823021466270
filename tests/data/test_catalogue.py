"""The catalogue as data, and where the files of an entry are looked for."""

import os
from importlib import import_module

import pytest

from handlens.data.catalogue import catalogue, data_folders, entry, entry_of_files, find_files, find_shipped
from handlens.errors import DataError

IDX = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"]
IDX += ["t10k-labels-idx1-ubyte.gz"]


def put(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_the_names():
    assert list(catalogue()) == [
        "mnist-5k",
        "digits",
        "mnist",
        "fashion-mnist",
        "kmnist",
        "emnist-letters",
        "sign-mnist",
    ]


@pytest.mark.parametrize("name", catalogue())
def test_every_entry_is_whole(name):
    e = entry(name)
    assert e.name == name
    assert all([e.title, e.page.startswith("http"), e.licence, e.citation, e.files])
    assert len(set(e.classes.values())) == len(e.classes) >= 10
    assert all(mirror.endswith("/") for mirror in e.mirrors)
    downloaded = ((e.archive,) if e.archive else e.files) if e.mirrors else ()
    assert all(len(file.sha256) == 64 and file.size > 0 for file in downloaded)
    assert all(set(file.sha256 + file.content) <= set("0123456789abcdef") for file in e.files)


def test_a_misspelt_name():
    with pytest.raises(DataError, match="Did you mean 'fashion-mnist'"):
        entry("fasion-mnist")


@pytest.mark.parametrize("name", ["mnist-5k", "digits"])
def test_what_packages_ship_is_there(name):
    assert all(path.is_file() for path in find_shipped(entry(name)))


def test_a_package_that_is_missing(monkeypatch):
    monkeypatch.setattr(import_module("handlens.data.catalogue"), "find_spec", lambda _: None)
    with pytest.raises(DataError, match="pip install scikit-learn"):
        find_shipped(entry("digits"))


def test_the_setting_is_a_list_like_that_of_path(monkeypatch, tmp_path):
    monkeypatch.setenv("HANDLENS_DATA", os.pathsep.join([str(tmp_path), "", "here"]))
    assert [str(folder) for folder in data_folders()] == [str(tmp_path), "here"]
    monkeypatch.delenv("HANDLENS_DATA")
    assert data_folders() == ()


def test_files_in_a_folder_of_the_name_in_the_first_folder_that_has_all(tmp_path):
    put(tmp_path / "a" / "mnist", IDX[:3])
    whole = put(tmp_path / "b" / "mnist", IDX)
    put(tmp_path / "c" / "mnist", IDX)
    found = find_files(entry("mnist"), [tmp_path / "none", tmp_path / "a", tmp_path / "b", tmp_path / "c"])
    assert found == tuple(whole / name for name in IDX)


def test_unpacked_files_count(tmp_path):
    put(tmp_path / "mnist", [name.removesuffix(".gz") for name in IDX])
    assert [path.suffix for path in find_files(entry("mnist"), [tmp_path])] == [""] * 4


def test_names_that_several_data_sets_use_say_nothing_in_a_common_folder(tmp_path):
    put(tmp_path / "data", [*IDX, "sign_mnist_train.csv", "sign_mnist_test.csv"])
    assert find_files(entry("mnist"), [tmp_path / "data"]) is None
    assert find_files(entry("sign-mnist"), [tmp_path / "data"]) is not None
    put(tmp_path / "kmnist", IDX)
    assert find_files(entry("kmnist"), [tmp_path / "kmnist"]) is not None
    assert find_files(entry("mnist"), [tmp_path / "kmnist"]) is None


def test_the_entry_of_files(tmp_path):
    assert entry_of_files([tmp_path / "sign_mnist_train.csv"]) is entry("sign-mnist")
    assert entry_of_files([tmp_path / "emnist-letters-test-images-idx3-ubyte"]) is entry("emnist-letters")
    assert entry_of_files([tmp_path / IDX[0]]) is None
    assert entry_of_files([tmp_path / "fashion-mnist" / IDX[0]]) is entry("fashion-mnist")
    assert entry_of_files([tmp_path / "mine.csv"]) is None
