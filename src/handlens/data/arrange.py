"""Other cuts of a data set into training and test images than the published one, asked for behind its name.

`mnist:pooled` puts all 70,000 images together and cuts a fifth of them off as test images;
`sign-mnist:halved` keeps the second half of the test images and puts the first half behind the training
images, where a study takes it as validation images by `validation = "last 3586"`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from handlens.data.images import Dataset, ImageSet
from handlens.data.split import stratified
from handlens.errors import DataError, did_you_mean
from handlens.pages import parts
from handlens.seeds import generator

POOLED_SHARE = 0.2
SEED = 0  # part of what a pooled data set *is*: a change of it changes its digest


def pooled(dataset: Dataset) -> Dataset:
    """All images together; a fifth, stratified by class and always the same, are the test images."""
    whole = _joined(dataset.train, dataset.test)
    count = round(POOLED_SHARE * len(whole))
    chosen = stratified(whole.labels, count, generator(SEED, "pooled"))
    rest = np.setdiff1d(np.arange(len(whole)), chosen, assume_unique=True)
    note = (
        f"training and test images were put together and cut anew: {count:,} of {len(whole):,}, stratified "
        "by class and always the same, are the test images"
    )
    return _arranged(dataset, "pooled", whole.take(rest), whole.take(chosen), note)


def halved(dataset: Dataset) -> Dataset:
    """The first half of the test images comes last among the training images; the second half is the test.

    Raises:
        DataError: fewer than two test images.
    """
    half = len(dataset.test) // 2
    if not half:
        raise DataError(
            f"{len(dataset.test)} test image", where=dataset.name, expected="two at least, to halve them"
        )
    order = np.arange(len(dataset.test))
    train = _joined(dataset.train, dataset.test.take(order[:half]))
    note = f"the last {half:,} training images are the first half of the published test images"
    return _arranged(dataset, "halved", train, dataset.test.take(order[half:]), note)


ARRANGEMENTS: dict[str, Callable[[Dataset], Dataset]] = {"pooled": pooled, "halved": halved}


def asked(source: str | Path) -> tuple[str | Path, str]:
    """A source without its arrangement, and the arrangement's name; empty where none is asked for.

    Raises:
        DataError: an unknown arrangement of something that is no file.
    """
    if not isinstance(source, str) or ":" not in source or Path(source).exists():
        return source, ""
    base, _, name = source.rpartition(":")
    if name in ARRANGEMENTS:
        return base, name
    if len(base) < 2 or "/" in source or "\\" in source:  # a path, or an address
        return source, ""
    remedy = did_you_mean(name, ARRANGEMENTS)
    raise DataError(f"unknown arrangement {name!r}", where=source, remedy=remedy)


def _joined(first: ImageSet, second: ImageSet) -> ImageSet:
    images = np.concatenate([*parts(first.images), *parts(second.images)])
    return ImageSet(images, np.concatenate([first.labels, second.labels]), first.classes)


def _arranged(dataset: Dataset, name: str, train: ImageSet, test: ImageSet, note: str) -> Dataset:
    return dataclasses.replace(
        dataset,
        name=f"{dataset.name}:{name}",
        title=f"{dataset.title or dataset.name}, {name}",
        train=train,
        test=test,
        notes=(*dataset.notes, note),
    )
