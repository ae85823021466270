"""The data sets that handlens knows by name, as plain data, and where their files are looked for."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from handlens.errors import DataError, did_you_mean


@dataclass(frozen=True)
class File:
    """A published file: its name, size in bytes (0: unknown) and hashes (empty: unknown).

    `sha256` is that of the file as published, `content` that of what is inside its gzip wrapping. In an
    archive, `folder` is where the members lie.
    """

    name: str
    size: int = 0
    sha256: str = ""
    content: str = ""
    folder: str = ""


@dataclass(frozen=True, eq=False)
class Entry:
    """A data set of the catalogue.

    Attributes:
        classes: the name of each label that may occur.
        files: what to read; relative to the package's folder where `package` is named.
        mirrors: addresses that a file name is appended to, in the order in which they are tried.
        archive: the file that holds `files`, where they are not published one by one.
        package: the installed package that ships the files.
        brightest: the pixel value that stands for 255.
        transposed: whether the files hold images with rows and columns exchanged.
    """

    name: str
    title: str
    page: str
    licence: str
    citation: str
    classes: Mapping[int, str]
    files: tuple[File, ...]
    mirrors: tuple[str, ...] = ()
    archive: File | None = None
    package: str = ""
    brightest: int = 255
    transposed: bool = False


@cache
def catalogue() -> Mapping[str, Entry]:
    """All entries by name, in the order of `catalogue.toml`."""
    with Path(__file__).with_name("catalogue.toml").open("rb") as file:
        return MappingProxyType({name: _entry(name, table) for name, table in tomllib.load(file).items()})


def entry(name: str) -> Entry:
    """The entry of that name.

    Raises:
        DataError: there is none; the message names the nearest.
    """
    try:
        return catalogue()[name]
    except KeyError:
        raise DataError(f"unknown data set {name!r}", remedy=did_you_mean(name, catalogue())) from None


def _entry(name: str, table: dict[str, Any]) -> Entry:
    first, classes = table.pop("first_label", 0), table.pop("classes")
    archive = table.pop("archive", None)
    return Entry(
        name,
        classes=MappingProxyType({i: name for i, name in enumerate(classes, start=first) if name}),
        files=tuple(File(**file) for file in table.pop("files")),
        mirrors=tuple(table.pop("mirrors", ())),
        archive=File(**archive) if archive else None,
        **table,
    )


def data_folders() -> tuple[Path, ...]:
    """The folders of the setting `HANDLENS_DATA`, a list like that of PATH."""
    return tuple(Path(folder) for folder in os.environ.get("HANDLENS_DATA", "").split(os.pathsep) if folder)


def find_shipped(entry: Entry) -> tuple[Path, ...]:
    """The files of an entry that an installed package ships; the package itself is not imported.

    Raises:
        DataError: the package or its file is missing.
    """
    spec = find_spec(entry.package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        paths = tuple(Path(folder, file.name) for file in entry.files)
        if all(path.is_file() for path in paths):
            return paths
    raise DataError(
        f"{entry.name} is shipped with the package {entry.package}, which is missing or lacks it",
        remedy=f"install it with: pip install {entry.package.replace('sklearn', 'scikit-learn')}",
    )


def find_files(entry: Entry, folders: Sequence[Path]) -> tuple[Path, ...] | None:
    """The files of an entry in the first folder that has all of them, or None.

    A folder may have them in a sub-folder named like the entry, or in itself. The latter counts only where
    the folder is named like the entry or no other entry has files of these names: `train-images-idx3-ubyte`
    alone does not tell MNIST from Fashion-MNIST. A gzip file may lie there unpacked.
    """
    alone = not any(_names(entry) & _names(e) for e in catalogue().values() if e.name != entry.name)
    for folder in folders:
        for place in (folder / entry.name, folder):
            if place != folder or alone or folder.resolve().name == entry.name:
                paths = tuple(_present(place, file.name) for file in entry.files)
                if all(paths):
                    return tuple(path for path in paths if path)
    return None


def entry_of_files(paths: Sequence[Path]) -> Entry | None:
    """The one entry with files of these names; of several, the one that their folder is named after."""
    found = {bare_name(path.name) for path in paths}
    candidates = [e for e in catalogue().values() if not e.package and found & _names(e)]
    if len(candidates) > 1:
        folders = {path.resolve().parent.name for path in paths}
        candidates = [e for e in candidates if e.name in folders]
    return candidates[0] if len(candidates) == 1 else None


def bare_name(name: str) -> str:
    """A file name without the ending of its gzip wrapping."""
    return name.removesuffix(".gz")


def _names(entry: Entry) -> set[str]:
    return {bare_name(file.name) for file in entry.files}


def _present(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / bare_name(name)) if path.is_file()), None)
