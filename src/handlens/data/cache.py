"""Converted copies of data sets: arrays that are memory-mapped, so that a second load takes no reading.

A copy is a folder `<recipe>-<state>`: one hash of what was asked for, one of the files that it was made from
(paths, sizes, times of change). It is written beside and then renamed, so it is whole or not there; a damaged
one counts as absent and is made again. A newer copy of the same recipe replaces the older. Everything in the
cache can be deleted at any time. A cache that cannot be written (read-only, full) costs time, never a result.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from handlens.data.images import Dataset, Images, ImageSet
from handlens.errors import DataError
from handlens.pages import parts

VERSION = 1  # goes up when the layout of a copy, or what readers make of a file, changes
_DEPTH = 2  # folders of parts, and of classes in them
_PARTS = ("train", "test")
_TEXTS = ("name", "title", "source", "licence", "citation")


def cache_folder() -> Path:
    """Where downloads and copies are kept: the setting `HANDLENS_CACHE`, or the system's cache folder."""
    if chosen := os.environ.get("HANDLENS_CACHE"):
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("handlens"))


def copy_key(recipe: Iterable[object], paths: Iterable[Path]) -> str:
    """The key of the copy made by a recipe from the files and folders at these paths, as they are now."""
    asked = hashlib.sha256(repr((VERSION, *recipe)).encode()).hexdigest()[:24]
    state = hashlib.sha256()
    for path in paths:
        for line in _state(os.path.abspath(path)):  # noqa: PTH100
            state.update(f"{line}\n\n".encode(errors="surrogateescape"))
    return f"{asked}-{state.hexdigest()[:24]}"


def _state(path: str) -> Iterator[str]:
    """Paths, sizes and times of change of a file, or of all files that a folder of pictures may consist of.

    Written for speed, with text and `os`: 70,000 files must take less than a quarter of a second.
    """
    if not os.path.isdir(path):  # noqa: PTH112
        found = os.stat(path)  # noqa: PTH116
        yield f"{path}/{found.st_size}/{found.st_mtime_ns}"
        return
    todo = [(path, 0)]
    while todo:
        folder, depth = todo.pop()
        files, folders = [], []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    folders.append((entry.path, depth + 1))
                    continue
                try:
                    found = entry.stat()
                    files.append(f"{entry.name}/{found.st_size}/{found.st_mtime_ns}")
                except FileNotFoundError:
                    files.append(f"{entry.name}/a link that leads nowhere")
        yield "\n".join([folder, *sorted(files)])
        todo += sorted(folders) if depth < _DEPTH else []


def find(key: str) -> Dataset | None:
    """The copy of that key, memory-mapped read-only, or None if there is no sound one."""
    folder = _converted() / key
    try:
        about = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        train, test = (_open_part(folder, part, tuple(about["classes"])) for part in _PARTS)
        name, title, source, licence, citation = (str(about[text]) for text in _TEXTS)
        dataset = Dataset(name, train, test, title, source, licence, citation, tuple(about["notes"]))
        # Fills the cached property, so that the pixels need not be hashed again. It is no field, so a changed
        # copy of the data set does not inherit it.
        dataset.__dict__["digest"] = str(about["digest"])
        return dataset
    except (OSError, ValueError, TypeError, KeyError, EOFError, DataError):
        shutil.rmtree(folder, ignore_errors=True)
        return None


def keep(key: str, dataset: Dataset) -> Dataset:
    """Write a copy and return it memory-mapped; where that fails, warn and return the data set itself."""
    try:
        _converted().mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".new-", dir=_converted()))
    except OSError as error:
        return _without(error, dataset)
    try:
        _write(beside, dataset)
        if not (_converted() / key).exists():
            beside.rename(_converted() / key)
        for older in _converted().glob(f"{key.split('-')[0]}-*"):
            if older.name != key:
                shutil.rmtree(older, ignore_errors=True)
    except OSError as error:
        # Another process may have put the same copy there first: then it serves, and there is nothing to say.
        return find(key) or _without(error, dataset)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return find(key) or dataset


def prune(most_bytes: int = 0) -> int:
    """Delete the oldest converted copies until the rest takes at most `most_bytes`; the bytes set free."""
    freed, kept = 0, 0
    folders = [folder for folder in _converted().glob("*") if folder.is_dir()]
    for folder in sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True):
        size = sum(file.stat().st_size for file in folder.iterdir())
        if kept + size > most_bytes:
            shutil.rmtree(folder, ignore_errors=True)
            freed += size
        else:
            kept += size
    return freed


def _converted() -> Path:
    return cache_folder() / "converted"


def _without(error: OSError, dataset: Dataset) -> Dataset:
    warnings.warn(
        f"the cache {cache_folder()} cannot be written ({error.strerror}): {dataset.name} is read anew every "
        "time; set HANDLENS_CACHE to a folder that can be written",
        stacklevel=3,
    )
    return dataset


def _write(folder: Path, dataset: Dataset) -> None:
    for part in _PARTS:
        images: ImageSet = getattr(dataset, part)
        _save(folder / f"{part}-images.npy", images.images)
        np.save(folder / f"{part}-labels.npy", images.labels, allow_pickle=False)
    about: dict[str, Any] = {text: getattr(dataset, text) for text in _TEXTS}
    about |= {"classes": dataset.classes, "notes": dataset.notes, "digest": dataset.digest}
    (folder / "dataset.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")


def _save(path: Path, images: Images) -> None:
    """As `np.save`, a part at a time: what is memory-mapped is never in memory as a whole."""
    header = {"descr": images.dtype.str, "fortran_order": False, "shape": images.shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts(images):
            file.write(np.ascontiguousarray(part).data)


def _open_part(folder: Path, part: str, classes: tuple[str, ...]) -> ImageSet:
    mapped = np.load(folder / f"{part}-images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / f"{part}-labels.npy", allow_pickle=False)
    return ImageSet(np.asarray(mapped), labels, classes)
