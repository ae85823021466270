"""One door for images: a name of the catalogue or a path becomes a `Dataset`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data import arrange, cache
from handlens.data.catalogue import Entry, bare_name, catalogue, entry, entry_of_files
from handlens.data.formats import Options, Part, Source, list_files, read
from handlens.data.images import Dataset, ImageSet
from handlens.data.labels import Names, encode, fits
from handlens.data.published import find_or_download, read_published
from handlens.data.split import count_of, stratified
from handlens.errors import DataError, did_you_mean
from handlens.seeds import generator

TEST_SEED = 0  # part of what a data set without test images *is*: a change of it changes every digest


def load(
    source: str | Path,
    options: Options | None = None,
    *,
    classes: str | Names | None = None,
    test: float | str | Path = 0.2,
    progress: bool | None = None,
) -> Dataset:
    """Load a data set of the catalogue by name, or any file or folder that `formats` can read.

    Args:
        source: a name such as "mnist", or a path; a path of the same name as a data set needs a slash in it.
            Behind a colon: how its images are cut anew (`handlens.data.arrange`), e.g. "mnist:pooled".
        options: what to know about a file of one's own: label column, shape, size.
        classes: what the labels stand for: a data set of the catalogue, names of labels 0, 1, 2, ... (each
            must have images), or a mapping from label to name. Without it, labels are their own names, except
            in files that are called like those of a data set and whose labels fit it.
        test: where there are no test images, the share (or count) of images, stratified and with a fixed
            seed, that becomes them; or a path to them.
        progress: whether to draw a progress bar for a download; None: if stderr is a terminal.

    The arrays are memory-mapped from a converted copy in the cache; the first load makes it.

    Raises:
        DataError: an unknown name, a damaged file, a class without training images, fewer than two classes,
            no images, training and test images of different sizes, a download that failed.
    """
    source, arrangement = arrange.asked(source)
    request = _request(source, options or Options(), classes, test)
    given = find_or_download(request.entry, progress) if request.entry else _files(request.path)
    tests = _files(request.test) if isinstance(request.test, Path) else ()
    try:
        key = cache.copy_key((*request.recipe(), *filter(None, [arrangement])), (*given, *tests))
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=error.filename or source) from error
    if found := cache.find(key):
        return found
    built = _build(request, given)
    return cache.keep(key, arrange.ARRANGEMENTS[arrangement](built) if arrangement else built)


@dataclass(frozen=True)
class _Request:
    """What was asked for: an entry of the catalogue, or a path."""

    path: Path
    entry: Entry | None
    options: Options
    names: Names | None
    test: float | Path

    def recipe(self) -> tuple[object, ...]:
        """All that shapes the data set but its files, as what `repr` tells apart."""
        place = "" if self.entry else (str(self.path), os.path.abspath(self.path))  # noqa: PTH100
        names = list(self.names.items()) if isinstance(self.names, Mapping) else self.names
        return place, self.entry, self.options, names, self.test


def _request(
    source: str | Path, options: Options, classes: str | Names | None, test: float | str | Path
) -> _Request:
    named = isinstance(source, str) and "/" not in source and os.sep not in source
    found = catalogue().get(str(source)) if named else None
    if named and found is None and not Path(source).exists():
        remedy = did_you_mean(str(source), catalogue())
        raise DataError(f"unknown data set {str(source)!r}, and no such file", remedy=remedy)
    names = entry(classes).classes if isinstance(classes, str) else classes
    return _Request(Path(source), found, options, names, Path(test) if isinstance(test, str) else test)


def _files(place: Path) -> tuple[Path, ...]:
    """The files whose change changes what is read from a place; a folder stands for all that is in it."""
    return (place,) if place.is_dir() else list_files(place)


def _build(request: _Request, given: Sequence[Path]) -> Dataset:
    """Read, name the classes, and split off test images where there are none."""
    e = request.entry
    source = read_published(e, given) if e else read(request.path, request.options)
    name = e.name if e else _name(request.path)
    train, test, notes = _parts(source, request, name)
    present = [train, test] if test else [train]
    names, named_after = _names(request, source, [part.labels for part in present])
    labels, classes = encode([part.labels for part in present], names, name)
    if test:
        train_set, test_set = (ImageSet(p.images, y, classes) for p, y in zip(present, labels, strict=True))
    else:
        train_set, test_set, how = _split_off(ImageSet(train.images, labels[0], classes), request.test, name)
        notes = (*notes, how)
    if request.options.size and source.format not in ("folder", "parquet"):
        notes = (*notes, f"the size was not used: {source.format} holds pixels, not pictures")
    absent = [name for name, count in zip(classes, test_set.counts(), strict=True) if not count]
    if absent:
        notes = (*notes, f"no test images of {', '.join(absent)}")
    return Dataset(
        name,
        train_set,
        test_set,
        title=e.title if e else "",
        source=e.page if e else str(request.path),
        licence=e.licence if e else "",
        citation=e.citation if e else "",
        notes=(*source.notes, *named_after, *notes),
    )


def _name(path: Path) -> str:
    """The name of a folder, or of a file without its endings."""
    name = path.resolve().name
    return name if path.is_dir() else Path(bare_name(name)).stem


def _parts(source: Source, request: _Request, name: str) -> tuple[Part, Part | None, tuple[str, ...]]:
    """Training images, test images if there are any, and notes."""
    found = source.parts
    train = next(found[part] for part in ("train", "all", "test") if part in found)
    test = found.get("test") if train is not found.get("test") else None
    notes: tuple[str, ...] = ()
    if train is found.get("test"):
        notes = ("there is only a test part: training and test images are both taken from it",)
    if isinstance(request.test, Path):
        if test is not None:
            raise DataError("has test images already", where=name, remedy="leave out the path to others")
        other = read(request.test, request.options).parts
        test = next(other[part] for part in ("test", "all", "train") if part in other)
        notes = (f"the test images are those of {request.test}",)
    if test is not None and test.images.shape[1:] != train.images.shape[1:]:
        raise DataError(
            f"training images are {list(train.images.shape[1:])}, test images {list(test.images.shape[1:])}",
            where=name,
            expected="one height, width and number of channels",
            remedy="name the size that pictures are to have (--size), or convert one part",
        )
    return train, test, notes


def _names(
    request: _Request, source: Source, labels: Sequence[NDArray[Any]]
) -> tuple[Names | None, tuple[str, ...]]:
    """What the labels stand for, and a note where that was guessed from the names of files."""
    if request.names is not None:
        return request.names, ()
    if request.entry is not None:
        return request.entry.classes, ()
    alike = entry_of_files(source.files)
    if alike is None or not fits(labels, alike.classes):
        return None, ()
    return alike.classes, (f"the class names are those of {alike.name}, whose files are called the same",)


def _split_off(images: ImageSet, share: float | Path, name: str) -> tuple[ImageSet, ImageSet, str]:
    """Training images, test images, and a note on how these were chosen."""
    assert not isinstance(share, Path)
    count = count_of(images.labels, share, f"{name}: test")
    chosen = stratified(images.labels, count, generator(TEST_SEED, "test images"))
    rest = np.setdiff1d(np.arange(len(images)), chosen, assume_unique=True)
    note = (
        f"the source has no test images: {count:,} of its {len(images):,} images, stratified by class and "
        "always the same, are the test images"
    )
    return images.take(rest), images.take(chosen), note
