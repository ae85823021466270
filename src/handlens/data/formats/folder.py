"""A folder of pictures: `train/<class>/*.png` and `test/<class>/*.png`, or `<class>/*.png`.

What is a picture is told by content. Classes have the folders' names, in the order in which people count.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from handlens.data.formats.contract import Options, Part, Source
from handlens.data.formats.names import natural, part_of, settle
from handlens.data.formats.stacking import BATCH, Pictures, stack
from handlens.errors import DataError

NAME = "folder"
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
OWN = {"runs", "reports"}  # what handlens writes where it is called, perhaps among the classes
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")


@dataclass(frozen=True)
class Tree:
    """Part to class to the paths of its files, and notes on what was left aside."""

    parts: dict[str, dict[str, list[str]]]
    notes: tuple[str, ...] = field(default=())


def holds_pictures(root: Path) -> bool:
    """Whether `root` has folders of classes (perhaps below parts) with a file named like a picture."""
    return any(
        path.lower().endswith(SUFFIXES)
        for classes in _folders(root, root).values()
        for inner in (classes, *_folders(Path(classes), root).values())
        for path in islice(_files(inner, root), 20)
    )


def files(root: Path) -> tuple[Path, ...]:
    """Every file that `read` would decode."""
    return tuple(Path(path) for path in _flat(scan(root)))


def read(root: Path, options: Options) -> Source:
    """All pictures below `root`, as one size, labelled with the names of their folders.

    Raises:
        DataError: no class folders, a class without pictures, unreadable pictures (unless `skip_bad`).
    """
    tree = scan(root)
    paths = _flat(tree)

    def batches() -> Iterator[Pictures]:
        for i in range(0, len(paths), BATCH):
            yield [Path(path) for path in paths[i : i + BATCH]]

    stacked = stack(batches, len(paths), lambda i: os.path.relpath(paths[i], root), options, root)
    found, at, filled = {}, 0, 0
    for part, classes in tree.parts.items():
        names = np.repeat(list(classes), [len(members) for members in classes.values()])
        readable = stacked.readable[at : at + len(names)]
        names = names[readable]
        at += len(readable)
        found[part] = Part(stacked.images[filled : filled + len(names)], names)
        filled += len(names)
        for missing in set(classes) - set(names.tolist()):
            raise _empty(root / missing if part == "all" else root / part / missing)
    return Source(NAME, found, tuple(Path(path) for path in paths), tree.notes + stacked.notes)


def scan(root: Path) -> Tree:
    """The classes below `root` and their files, without opening any.

    Raises:
        DataError: no class folders, or one without pictures.
    """
    # A class may be called "train" too: a part is what holds folders itself.
    folders = {name: path for name, path in _folders(root, root).items() if _folders(Path(path), root)}
    by_part, notes = settle({part_of(name): path for name, path in folders.items()})
    if not by_part.keys() & {"train", "test"}:
        by_part, notes = {"all": str(root)}, ()
    parts = {}
    for part, path in sorted(by_part.items(), key=lambda item: item[0] != "train"):
        classes = _folders(Path(path), root)
        parts[part] = {name: sorted(_files(classes[name], root)) for name in natural(classes)}
        for name in OWN & {name for name, members in parts[part].items() if not members}:
            del parts[part][name]
        for name, members in parts[part].items():
            if not members:
                raise _empty(Path(classes[name]))
        if not parts[part]:
            raise DataError(
                "holds no images: no data file and no folders of classes",
                where=path,
                expected="one folder a class, with its pictures",
            )
    return Tree(parts, notes)


def _empty(path: Path) -> DataError:
    return DataError(
        "is a class without pictures", where=path, remedy="put pictures into the folder or remove it"
    )


def _flat(tree: Tree) -> list[str]:
    return [path for classes in tree.parts.values() for members in classes.values() for path in members]


def _folders(folder: Path, root: Path) -> dict[str, str]:
    """Name to path of the folders in `folder`."""
    with os.scandir(folder) as entries:
        return {e.name: e.path for e in entries if e.is_dir() and _stays(e, root)}


def _files(folder: str, root: Path) -> Iterator[str]:
    """Paths of the files in `folder` that may be pictures."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file() and _stays(entry, root) and _may_be_picture(entry):
                yield entry.path


def _may_be_picture(entry: os.DirEntry[str]) -> bool:
    """Whether a file is named like a picture or, if not (notes, thumbnails' caches), begins like one."""
    if entry.name.lower().endswith(SUFFIXES):
        return True
    with Path(entry.path).open("rb") as stream:
        return stream.read(4).startswith(MAGIC)


def _stays(entry: os.DirEntry[str], root: Path) -> bool:
    """Whether an entry is visible and, if a symbolic link, leads to a place below `root`."""
    if entry.name.startswith((".", "__")):
        return False
    return not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(root.resolve())
