"""The images of a study: counted, sorted by class and by what is measured of them, a page at a time."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data import Dataset, Features, ImageSet, features, split
from handlens.data.images import Images
from handlens.report.pictures import picture
from handlens.serve import grids
from handlens.serve.confusions import TEST, VALIDATION, said
from handlens.serve.library import Kept
from handlens.serve.refusal import Refusal
from handlens.serve.shelf import Shelf
from handlens.serve.site import Site, member

TRAINING = "training"
PARTS = (TRAINING, VALIDATION, TEST)
MEASURED = ("mean", "deviation", "entropy")
LARGEST = 2048  # pixels that a side is enlarged to
Floats = NDArray[np.float64]
_features = Kept(8)  # of the data sets that were sorted lately, 32 bytes an image


@dataclass(frozen=True)
class Asked:
    """A page of images: for the fields see `docs/serve-api.md`."""

    part: str = TRAINING
    label: int | None = None
    sort: str = "position"
    descending: bool = False
    low: float | None = None
    high: float | None = None
    model: str | None = None
    page: int = 0
    size: int = 64


def about(site: Site, name: str) -> dict[str, Any]:
    """A study's data set and how many images each class has."""
    shelf = site.library.shelf(name)
    data = shelf.images()
    height, width, channels = data.shape
    parts = {}
    for part in PARTS:
        where = positions(shelf, data, part)
        labels = _set(data, part).labels[where]
        parts[part] = {
            "images": len(where),
            "counts": np.bincount(labels, minlength=len(data.classes)).tolist(),
        }
    return {
        "study": shelf.name,
        "dataset": data.name,
        "title": data.title,
        "source": data.source,
        "licence": data.licence,
        "citation": data.citation,
        "notes": list(data.notes),
        "classes": list(data.classes),
        "height": height,
        "width": width,
        "channels": channels,
        "parts": parts | {TEST: parts[TEST] | {"sealed": sealed(shelf)}},
    }


def sealed(shelf: Shelf) -> bool:
    """Whether no run of the study has seen the test images."""
    return not any(shelf.store.opened(hash) for hash in shelf.hashes())


def positions(shelf: Shelf, data: Dataset, part: str) -> NDArray[np.int64]:
    """Where the images of a part lie in the data set's training or test images."""
    if part == TEST:
        return np.arange(len(data.test))
    parts = split(data.train.labels, shelf.split.validation, shelf.split.seed)
    return parts.validation if part == VALIDATION else parts.train


def _set(data: Dataset, part: str) -> ImageSet:
    return data.test if part == TEST else data.train


def page(site: Site, name: str, asked: Asked) -> dict[str, Any]:
    """A page of images.

    Raises:
        Refusal: the test images are sealed; what cannot be sorted by.
    """
    shelf = site.library.shelf(name)
    data = shelf.images()
    if asked.part == TEST and sealed(shelf):
        raise Refusal(409, "the test images are sealed until a run of this study has been tested on them")
    images, where = _set(data, asked.part), positions(shelf, data, asked.part)
    if asked.label is not None:
        if asked.label >= len(data.classes):
            raise Refusal(422, f"classes are counted from 0 to {len(data.classes) - 1}")
        where = where[images.labels[where] == asked.label]
    doubt = _doubts(site, name, asked) if asked.sort == "doubt" else None
    value = _value(data, asked, doubt)
    keep = np.ones(len(where), bool)
    if asked.low is not None:
        keep &= value[where] >= asked.low
    if asked.high is not None:
        keep &= value[where] <= asked.high
    where = where[keep]
    order = np.argsort(-value[where] if asked.descending else value[where], kind="stable")
    chosen = where[order[asked.page * asked.size : (asked.page + 1) * asked.size]]
    measured = features(images.images[chosen])
    words = [
        (data.classes[label], f"{data.classes[label]}: {asked.part} image {place}")
        for label, place in zip(images.labels[chosen], chosen, strict=True)
    ]
    return {
        "total": len(where),
        "page": asked.page,
        "size": asked.size,
        "sort": asked.sort,
        "grid": grids.sheet(f"{asked.part} images", images.images[chosen], words),
        "images": [
            {
                "position": int(place),
                "label": int(images.labels[place]),
                "class": data.classes[images.labels[place]],
                **{one: round(float(getattr(measured, one)[i]), 4) for one in MEASURED},
                "doubt": None if doubt is None else round(float(doubt[place]), 6),
            }
            for i, place in enumerate(chosen)
        ],
    }


def _value(data: Dataset, asked: Asked, doubt: Floats | None) -> Floats:
    """What images are sorted by, at every position of their set: float64 [n]."""
    images = _set(data, asked.part)
    if doubt is not None:
        return doubt
    if asked.sort in MEASURED:
        make: Callable[[], Features] = lambda: features(images.images)  # noqa: E731
        return np.asarray(getattr(_features.get((data.digest, asked.part == TEST), make), asked.sort))
    return np.arange(len(images), dtype=np.float64)


def _doubts(site: Site, name: str, asked: Asked) -> Floats:
    """1 minus the true class's probability, the mean over a configuration's replicates; NaN if unknown."""
    if asked.part == TRAINING:
        raise Refusal(422, "doubt is known of validation and test images; models were trained on the others")
    shelf, result = site.result(name)
    found = said(member(result, asked.model), asked.part)
    true = np.mean([p[np.arange(len(found.labels)), found.labels] for p in found.probabilities], axis=0)
    doubt = np.full(len(_set(shelf.images(), asked.part)), np.nan)
    doubt[found.positions] = 1 - true.astype(np.float64)
    return doubt


def png(site: Site, name: str, part: str, position: int, scale: int) -> bytes:
    """One image as a PNG, each pixel `scale` times as wide and high.

    Raises:
        Refusal: no such image, or a sealed one.
    """
    shelf = site.library.shelf(name)
    if part == TEST and sealed(shelf):
        raise Refusal(409, "the test images are sealed until a run of this study has been tested on them")
    images = _set(shelf.images(), part).images
    if position >= len(images):
        raise Refusal(404, f"there is no image {position}; they are counted from 0 to {len(images) - 1}")
    scale = min(scale, max(1, LARGEST // max(images.shape[1:3])))
    image: Images = images[position].repeat(scale, axis=0).repeat(scale, axis=1)
    out = io.BytesIO()
    picture(image).save(out, "PNG")
    return out.getvalue()
