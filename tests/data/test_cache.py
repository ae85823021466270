"""Converted copies: whole or absent, found again, made anew when the source changes, never in the way."""

import errno
import json
import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from handlens.data import cache as copies
from handlens.data.images import Dataset, ImageSet


def dataset(seed: int = 0, n: int = 12) -> Dataset:
    rng = np.random.default_rng(seed)

    def part(n: int) -> ImageSet:
        images = rng.integers(0, 256, (n, 4, 5, 3), dtype=np.uint8)
        return ImageSet(images, np.arange(n, dtype=np.int64) % 3, ("a", "ß", "c/d"))

    return Dataset("mine", part(n), part(3), "A title", "here", "free", "nobody", ("one", "two"))


def folders(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "converted").iterdir())


@pytest.mark.usefixtures("cache")
def test_a_copy_is_the_same_data_set() -> None:
    original = dataset()
    kept = copies.keep("r-s", original)
    for copy in (kept, copies.find("r-s")):
        assert copy is not None
        for name in ("name", "title", "source", "licence", "citation", "notes", "classes", "shape"):
            assert getattr(copy, name) == getattr(original, name)
        for part in ("train", "test"):
            assert (getattr(copy, part).images == getattr(original, part).images).all()
            assert (getattr(copy, part).labels == getattr(original, part).labels).all()
        assert copy.digest == original.digest


@pytest.mark.usefixtures("cache")
def test_a_copy_is_mapped_and_read_only() -> None:
    kept = copies.keep("r-s", dataset())
    assert isinstance(kept.train.images.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        kept.train.images[0] = 0


def test_the_digest_is_not_hashed_again_nor_inherited_by_a_changed_data_set(cache: Path) -> None:
    copies.keep("r-s", dataset())
    path = cache / "converted" / "r-s" / "dataset.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"digest": "as stored"}))
    found = copies.find("r-s")
    assert found is not None
    assert found.digest == "as stored"
    changed = replace(found, test=found.test.take([0, 1]))
    assert changed.digest == replace(dataset(), test=dataset().test.take([0, 1])).digest


def test_what_is_not_there_is_not_found(cache: Path) -> None:
    assert copies.find("r-s") is None
    assert not cache.exists()


def _shorten(folder: Path) -> None:
    path = folder / "train-images.npy"
    path.write_bytes(path.read_bytes()[:-1])


def _lose(folder: Path) -> None:
    (folder / "test-labels.npy").unlink()


def _spoil_text(folder: Path) -> None:
    (folder / "dataset.json").write_text("{")


def _lose_key(folder: Path) -> None:
    (folder / "dataset.json").write_text("{}")


def _spoil_labels(folder: Path) -> None:
    np.save(folder / "train-labels.npy", np.full(12, 99))


def _pickle(folder: Path) -> None:
    np.save(folder / "train-labels.npy", np.array([{}] * 12), allow_pickle=True)


@pytest.mark.parametrize("harm", [_shorten, _lose, _spoil_text, _lose_key, _spoil_labels, _pickle])
def test_a_damaged_copy_counts_as_absent_and_is_made_again(cache: Path, harm) -> None:
    copies.keep("r-s", dataset())
    harm(cache / "converted" / "r-s")
    assert copies.find("r-s") is None
    again = copies.keep("r-s", dataset())
    assert isinstance(again.train.images.base, np.memmap)
    assert copies.find("r-s") is not None


def test_a_newer_copy_replaces_the_older_of_its_recipe_alone(cache: Path) -> None:
    for name in ("r-1", "other-1", "r-2"):
        copies.keep(name, dataset())
    assert folders(cache) == ["other-1", "r-2"]


def test_what_another_process_put_there_first_serves(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = dataset(1)
    copies.keep("r-s", first)
    assert copies.keep("r-s", dataset(2)).digest == first.digest
    # The same, but put there between the look and the renaming.
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert copies.keep("r-s", dataset(2)).digest == first.digest
    assert folders(cache) == ["r-s"]


def test_a_cache_that_cannot_be_made_costs_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HANDLENS_CACHE", str(tmp_path / "file"))
    original = dataset()
    assert copies.find("r-s") is None
    with pytest.warns(UserWarning, match="mine is read anew every time; set HANDLENS_CACHE"):
        assert copies.keep("r-s", original) is original


def test_a_full_disk_costs_no_result(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    original = dataset()
    monkeypatch.setattr(np, "save", full)
    with pytest.warns(UserWarning, match="No space left"):
        assert copies.keep("r-s", original) is original
    assert folders(cache) == []


def test_pruning_removes_the_oldest(cache: Path) -> None:
    for i, name in enumerate(("a-1", "b-1", "c-1")):
        copies.keep(name, dataset())
        os.utime(cache / "converted" / name, (i, i))
    size = sum(file.stat().st_size for file in (cache / "converted" / "a-1").iterdir())
    assert copies.prune(2 * size) == size
    assert folders(cache) == ["b-1", "c-1"]
    assert copies.prune() == 2 * size
    assert copies.prune() == 0


def test_the_key_follows_the_recipe_and_the_files(tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    (folder / "train" / "cat").mkdir(parents=True)
    picture = folder / "train" / "cat" / "1.png"
    for path in (file, picture):
        path.write_bytes(b"one")
    keys = [copies.copy_key(["recipe"], [file, folder])]
    assert copies.copy_key(["recipe"], [file, folder]) == keys[0]
    keys.append(copies.copy_key(["another"], [file, folder]))
    file.write_bytes(b"longer")
    keys.append(copies.copy_key(["recipe"], [file, folder]))
    os.utime(picture, (1, 1))
    keys.append(copies.copy_key(["recipe"], [file, folder]))
    (folder / "train" / "cat" / "2.png").touch()
    keys.append(copies.copy_key(["recipe"], [file, folder]))
    (folder / "train" / "dog").mkdir()
    keys.append(copies.copy_key(["recipe"], [file, folder]))
    assert len(set(keys)) == len(keys)
    assert keys[0].split("-")[0] == keys[2].split("-")[0] != keys[1].split("-")[0]


def test_links_that_lead_nowhere_or_round_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")
    (tmp_path / "round").symlink_to(tmp_path)
    assert copies.copy_key([], [tmp_path]) == copies.copy_key([], [tmp_path])


def test_the_folder_of_the_system_where_none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANDLENS_CACHE", raising=False)
    assert import_module("handlens.data.cache").cache_folder().name == "handlens"
