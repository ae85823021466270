"""Confusion matrices of configurations, each class's scores, and the images of a cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.serve import grids
from handlens.serve.refusal import Refusal
from handlens.serve.site import Site, member
from handlens.studies.storage.result import Member

VALIDATION, TEST = "validation", "test"


@dataclasses.dataclass(frozen=True, eq=False)
class Said:
    """What a configuration's replicates said about one part of the images.

    Attributes:
        part: `validation` or `test`.
        probabilities: float [n, k] a replicate.
        labels: int64 [n].
        positions: int64 [n], in the training part or the test part of the data set.
    """

    part: str
    probabilities: tuple[NDArray[Any], ...]
    labels: NDArray[np.int64]
    positions: NDArray[np.int64]


def said(m: Member, part: str | None) -> Said:
    """What a configuration said; about the test images where these were opened, unless asked otherwise.

    Raises:
        Refusal: the test images are sealed.
    """
    part = part or (TEST if m.tests else VALIDATION)
    if part == TEST:
        if not m.tests:
            raise Refusal(409, f"the test images were not opened for {m.name!r}; ask for part=validation")
        labels = m.tests[0].labels
        return Said(part, tuple(t.probabilities for t in m.tests), labels, np.arange(len(labels)))
    first = m.predictions[0]
    return Said(part, tuple(p.probabilities for p in m.predictions), first.labels, first.indices)


def matrix(site: Site, name: str, model: str | None, part: str | None) -> dict[str, Any]:
    """A configuration's confusion matrix over its replicates, and each class's scores."""
    _, result = site.result(name)
    m = member(result, model)
    found, classes = said(m, part), m.runs[0].classes
    k = len(classes)
    total = np.zeros((k, k), np.int64)
    for given in found.probabilities:
        total += np.bincount(found.labels * k + given.argmax(axis=1), minlength=k * k).reshape(k, k)
    return {
        "model": m.name,
        "part": found.part,
        "classes": list(classes),
        "images": len(found.labels),
        "replicates": len(found.probabilities),
        "matrix": total.tolist(),
        "scores": _scores(total, classes, len(found.probabilities)),
    }


def _scores(total: NDArray[np.int64], classes: Sequence[str], replicates: int) -> list[dict[str, Any]]:
    """Precision, recall and their harmonic mean F1 of each class; None where nothing is to divide by."""
    right, shown, given = np.diag(total), total.sum(axis=1), total.sum(axis=0)
    return [
        {
            "class": name,
            "images": int(shown[i]) // replicates,
            "precision": float(right[i] / given[i]) if given[i] else None,
            "recall": float(right[i] / shown[i]) if shown[i] else None,
            "f1": float(2 * right[i] / (given[i] + shown[i])) if given[i] + shown[i] else None,
        }
        for i, name in enumerate(classes)
    ]


def cell(
    site: Site, name: str, model: str | None, part: str | None, pair: tuple[int, int], page: int, size: int
) -> dict[str, Any]:
    """A page of the images of class `pair[0]` that replicates took for class `pair[1]`, the surest first."""
    shelf, result = site.result(name)
    m = member(result, model)
    found, classes = said(m, part), m.runs[0].classes
    shown, given = pair
    if not (0 <= shown < len(classes) > given >= 0):
        raise Refusal(422, f"classes are counted from 0 to {len(classes) - 1}")
    took = np.stack([p.argmax(axis=1) == given for p in found.probabilities])  # [replicates, n]
    sure = np.stack([p[:, given] for p in found.probabilities])
    times = took.sum(axis=0)
    where = np.flatnonzero((found.labels == shown) & (times > 0))
    mean = (sure * took).sum(axis=0)[where] / times[where]
    order = np.argsort(-mean, kind="stable")
    chosen = order[page * size : (page + 1) * size]
    places = found.positions[where[chosen]]
    data = shelf.images()
    images = (data.test if found.part == TEST else data.train).images[places]
    lines = [(f"{100 * mean[i]:.0f} %", f"{classes[shown]} taken for {classes[given]}") for i in chosen]
    title = f"{classes[shown]} taken for {classes[given]}"
    return {
        "model": m.name,
        "part": found.part,
        "total": len(where),
        "page": page,
        "size": size,
        "grid": grids.sheet(title, images, lines),
        "images": [
            {
                "position": int(place),
                "label": shown,
                "given": given,
                "probability": round(float(mean[i]), 6),
                "replicates": int(times[where[i]]),
            }
            for i, place in zip(chosen, places, strict=True)
        ],
    }
