"""Copies between the parts of a data set and inside its training part: words, tables, pairs of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images
from handlens.evaluate.leaks import KINDS, MEANING
from handlens.report import formats
from handlens.report.pictures import Grid, Tile, grid
from handlens.report.topic import Table, Topic
from handlens.studies.judging.audit import PARTS, TEST, TRAINING, VALIDATION, Audit

SIDE, GAP = 176, 2  # CSS pixels of a pair's longer side; image pixels between its two images
MOST = 24  # pairs or families shown
LISTED = 200  # pairs in `plain` of each kind of place


@dataclass(frozen=True)
class Place:
    """Where copies lie: pairs of an image of `part` with one of `other`."""

    part: int
    other: int
    title: str

    @property
    def name(self) -> str:
        return f"{PARTS[self.part]}-{PARTS[self.other]}"


PLACES = (
    Place(TRAINING, TEST, "Training and test images"),
    Place(VALIDATION, TEST, "Validation and test images"),
    Place(TRAINING, VALIDATION, "Training and validation images"),
    Place(TRAINING, TRAINING, "Inside the training images"),
    Place(VALIDATION, VALIDATION, "Inside the validation images"),
    Place(TEST, TEST, "Inside the test images"),
)
SHOWN = PLACES[:4]


def leaks(found: Audit) -> Topic:
    """What an audit found of copies; pairs are shown, those between training and test images first."""
    there = [place for place in PLACES if _between(found, place).any()]
    return Topic(
        "leaks",
        "Leaks",
        tuple(filter(None, (_finding(found), _inside(found), _contradicting(found), _meaning(found)))),
        tables=(_table(found, there),) if there else (),
        grids=tuple(made for place in SHOWN if (made := _grid(found, place)) is not None),
        plain=_plain(found),
    )


def _between(found: Audit, place: Place) -> NDArray[np.bool_]:
    return found.duplicates.between(place.part, place.other)


def leaked_tests(found: Audit) -> NDArray[np.bool_]:
    """bool [m]: test images with a copy among training or validation images."""
    seen = found.duplicates.leaked(TEST, into=TRAINING) | found.duplicates.leaked(TEST, into=VALIDATION)
    return np.asarray(seen[len(found.dataset.train) :])


def _copies(found: Audit) -> str:
    return "copies" if found.near else "identical copies"


def _finding(found: Audit) -> str:
    tests, leaked = len(found.dataset.test), int(leaked_tests(found).sum())
    if not leaked and not found.near:
        return f"No test image has an identical copy among the training images, of {tests:,}."
    if not leaked:
        return f"No test image has a copy among the training images, of {tests:,}: the test is not leaked."
    share = formats.percent(leaked / tests, 2 if leaked < tests / 100 else 1)
    verb = "has a copy" if leaked == 1 else f"have {_copies(found)}"
    return (
        f"{leaked:,} of {tests:,} test images ({share} %) {verb} among the training images. A model may know "
        "them by heart, so its test score is too good by up to that much: leave them out, or judge by the "
        "score "
        "without them (--run RUN shows both)."
    )


def _inside(found: Audit) -> str:
    """What copies inside the training part do to the choice by validation images."""
    leaked = int(found.duplicates.leaked(VALIDATION, into=TRAINING).sum())
    sizes = np.bincount(found.training_families, minlength=1)
    several = sizes[sizes > 1]
    if not len(several):
        return f"The training part holds no {_copies(found)} of its own images."
    said = (
        f"The training part holds {formats.plural(len(several), 'family', 'families')} of {_copies(found)}, "
        f"{int(several.sum()):,} images together, the largest of {int(several.max()):,}."
    )
    if leaked:
        whose = " that a study sets apart unless told otherwise" if found.usual else ""
        said += (
            f" {leaked:,} of the {len(found.validation):,} validation images{whose} "
            f"{'has' if leaked == 1 else 'have'} a copy among the images that are trained on, which flatters "
            "validation scores: keep families together when splitting."
        )
    return said


def _contradicting(found: Audit) -> str:
    count = int(found.duplicates.contradictions.sum())
    if not count:
        return ""
    pairs = formats.plural(count, "pair of copies has", "pairs of copies have")
    return f"{pairs} different labels: one of each two must be wrong. They are marked with both labels."


def _meaning(found: Audit) -> str:
    if not found.near:
        return (
            "Only identical copies were looked for (--quick): the full audit, without --quick, looks for "
            "changed ones too (moved, turned, brighter, noisy)."
        )
    kinds = [kind for kind in KINDS if kind in found.duplicates.counts]
    return "; ".join(f"{kind}: {MEANING[kind]}" for kind in kinds).capitalize() + "." if kinds else ""


def _table(found: Audit, there: list[Place]) -> Table:
    kinds = np.asarray(found.duplicates.kinds, dtype=object)
    used = [kind for kind in KINDS if kind in found.duplicates.counts]
    rows = []
    for place in there:
        here = kinds[_between(found, place)]
        counts = [int((here == kind).sum()) for kind in used]
        rows.append((place.title, *(f"{count:,}" for count in counts), f"{len(here):,}"))
    columns = ("Between", *used, "pairs")
    return Table("Pairs of copies", columns, tuple(rows), frozenset(range(1, len(columns))))


def _picked(found: Audit, place: Place) -> NDArray[np.int64]:
    """The pairs to show: contradictions first, then each kind in turn, so that none is left out; the pairs
    least alike of a kind first, which are those to doubt."""
    duplicates = found.duplicates
    here = np.flatnonzero(_between(found, place))
    kinds = np.asarray([KINDS.index(duplicates.kinds[k]) for k in here], dtype=np.int64)
    turn = np.empty(len(here), dtype=np.int64)
    for kind in np.unique(kinds):
        mine = np.flatnonzero(kinds == kind)
        turn[mine[np.argsort(duplicates.scores[here[mine]], kind="stable")]] = np.arange(len(mine))
    order = np.lexsort((kinds, turn, ~duplicates.contradictions[here]))[:MOST]
    return here[order]


def _grid(found: Audit, place: Place) -> Grid | None:
    picked = _picked(found, place)
    if not len(picked):
        return None
    pairs = [_sorted_pair(found, int(k), place) for k in picked]
    tiles = [_tile(found, int(k), pair) for k, pair in zip(picked, pairs, strict=True)]
    total = int(_between(found, place).sum())
    title = f"{place.title}: {formats.plural(total, 'pair')} of copies"
    if len(picked) < total:
        title += f", {len(picked)} shown"
    side_by_side = pair_images(image_at(found, pairs, 0), image_at(found, pairs, 1))
    return grid(f"leaks-{place.name}", title, side_by_side, tiles, SIDE)


def _sorted_pair(found: Audit, number: int, place: Place) -> tuple[int, int]:
    """Both images of a pair, that of the place's first part on the left."""
    first, second = (int(i) for i in found.duplicates.pairs[number])
    turned = found.duplicates.parts[first] != place.part
    return (second, first) if turned else (first, second)


def image_at(found: Audit, pairs: list[tuple[int, int]], side: int) -> Images:
    """The left (0) or right (1) images, uint8 [n, height, width, channels], of positions counted on."""
    n = len(found.dataset.train)
    train, test = found.dataset.train.images, found.dataset.test.images
    return np.stack([np.asarray(train[i] if i < n else test[i - n]) for i in (p[side] for p in pairs)])


def pair_images(left: Images, right: Images) -> Images:
    """Two images as one, side by side with a gap: uint8 [n, height, 2 width + GAP, channels]."""
    gap = np.full((*left.shape[:2], GAP, left.shape[3]), 128, dtype=np.uint8)
    return np.concatenate([left, gap, right], axis=2)


def _tile(found: Audit, number: int, pair: tuple[int, int]) -> Tile:
    duplicates, classes = found.duplicates, found.dataset.classes
    kind = duplicates.kinds[number]
    words = [_where(found, i) for i in pair]
    names = [classes[_label(found, i)] for i in pair]
    head = f"{kind}, {names[0]}" if names[0] == names[1] else f"{kind}, {names[0]} or {names[1]}?"
    alt = f"{words[0]} ({names[0]}) and {words[1]} ({names[1]}): {MEANING[kind]}"
    return Tile((head, *words), alt)


def _where(found: Audit, image: int) -> str:
    """`training 412`; validation images are counted among the training part's, as a split does."""
    part, n = int(found.duplicates.parts[image]), len(found.dataset.train)
    return f"{PARTS[part]} {image - n if part == TEST else image}"


def _label(found: Audit, image: int) -> int:
    n = len(found.dataset.train)
    train, test = found.dataset.train.labels, found.dataset.test.labels
    return int(train[image] if image < n else test[image - n])


def _plain(found: Audit) -> dict[str, Any]:
    duplicates, sizes = found.duplicates, np.bincount(found.training_families, minlength=1)
    return {
        "near": found.near,
        "test_images": len(found.dataset.test),
        "leaked_test_images": np.flatnonzero(leaked_tests(found)).tolist(),
        "validation_images": len(found.validation),
        "leaked_validation_images": np.flatnonzero(duplicates.leaked(VALIDATION, into=TRAINING)).tolist(),
        "training_families": int((sizes > 1).sum()),
        "images_in_training_families": int(sizes[sizes > 1].sum()),
        "contradictions": int(duplicates.contradictions.sum()),
        "pairs": {place.name: _plain_pairs(found, place) for place in PLACES},
    }


def _plain_pairs(found: Audit, place: Place) -> dict[str, Any]:
    """How many pairs of each kind; the first `LISTED` of them, positions in their parts of the data set."""
    here, n = np.flatnonzero(_between(found, place)), len(found.dataset.train)
    kinds = [found.duplicates.kinds[k] for k in here]
    listed = []
    for k in here[:LISTED]:
        pair = _sorted_pair(found, int(k), place)
        positions = [i if i < n else i - n for i in pair]
        score = round(float(found.duplicates.scores[k]), 4)
        labels = [found.dataset.classes[_label(found, i)] for i in pair]
        said = {"positions": positions, "kind": found.duplicates.kinds[k], "score": score, "labels": labels}
        listed.append(said)
    return {"count": len(here), "kinds": {kind: kinds.count(kind) for kind in KINDS if kind in kinds}} | {
        "first": listed
    }
