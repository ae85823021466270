"""What the pages show of data and of a chosen model, ready for the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Dataset, Images
from handlens.report import formats, pictures
from handlens.report.charts.figure import Figure
from handlens.report.charts.images import by_class_figures, class_counts, feature_figures
from handlens.report.mistakes import Mistake, surest_mistakes
from handlens.studies.storage.result import Member


@dataclass(frozen=True, eq=False)
class DataSection:
    """One image a class, counts and features; `facts` are name and value."""

    facts: tuple[tuple[str, str], ...]
    grid: pictures.Grid
    counts: Figure
    count_table: tuple[tuple[str, tuple[str, ...]], ...]
    count_parts: tuple[str, ...]
    features: tuple[Figure, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (self.counts, *self.features)


def data_section(dataset: Dataset, validation: NDArray[np.int64] | None = None) -> DataSection:
    """The data; `validation` are the positions of validation images in the training part, if known."""
    from handlens.data.features import features

    train, test = features(dataset.train.images), features(dataset.test.images)
    counts = part_counts(dataset, validation)
    table = tuple(
        (name, tuple(formats.whole(int(of_part[i])) for of_part in counts.values()))
        for i, name in enumerate(dataset.classes)
    )
    return DataSection(
        facts=facts(dataset, counts),
        grid=pictures.class_grid(dataset.train),
        counts=class_counts(counts, dataset.classes),
        count_table=table,
        count_parts=tuple(counts),
        features=(
            *feature_figures({"training": train, "test": test}),
            *by_class_figures(train, dataset.train.labels, dataset.classes),
        ),
    )


def part_counts(
    dataset: Dataset, validation: NDArray[np.int64] | None = None
) -> dict[str, NDArray[np.int64]]:
    """Images of each class by part, int64 [k] each: training, validation (if known), test."""
    counts = {"training": dataset.train.counts()}
    if validation is not None:
        held = np.bincount(dataset.train.labels[validation], minlength=len(dataset.classes))
        counts = {"training": counts["training"] - held, "validation": held}
    return counts | {"test": dataset.test.counts()}


def facts(dataset: Dataset, counts: Mapping[str, NDArray[np.int64]]) -> tuple[tuple[str, str], ...]:
    """Sizes, shape, pixel range and origin as pairs of name and value."""
    height, width, channels = dataset.shape
    low, high = pixel_range(dataset)
    known = [
        ("Images", ", ".join(f"{formats.whole(int(n.sum()))} {part}" for part, n in counts.items())),
        ("Classes", str(len(dataset.classes))),
        ("Height × width", f"{height} × {width} pixels, {'grey' if channels == 1 else 'colour (RGB)'}"),
        ("Pixel values", f"{low} to {high}"),
        ("Source", dataset.source),
        ("Licence", dataset.licence),
        ("Citation", dataset.citation),
        ("Digest", dataset.digest[:20]),
    ]
    return tuple((name, value) for name, value in known if value)


def pixel_range(dataset: Dataset) -> tuple[int, int]:
    """The smallest and the largest pixel value of both parts; 0 and 0 without images."""
    parts: list[Images] = [part.images for part in (dataset.train, dataset.test) if part.images.size]
    if not parts:
        return 0, 0
    return min(int(p.min()) for p in parts), max(int(p.max()) for p in parts)


def mistake_grid(member: Member, dataset: Dataset, limit: int = 24) -> pictures.Grid | None:
    """The test images that the first replicate got most confidently wrong.

    None if it got all of them right, or has not seen them.
    """
    mistakes = surest_mistakes(member.tests, limit) if member.tests else []
    if not mistakes:
        return None
    tiles = [_tile(mistake, dataset.classes, len(member.runs)) for mistake in mistakes]
    images = dataset.test.images[[mistake.position for mistake in mistakes]]
    return pictures.grid("mistakes", f"{member.name}: surest mistakes", images, tiles)


def _tile(mistake: Mistake, classes: tuple[str, ...], replicates: int) -> pictures.Tile:
    true, given = classes[mistake.true], classes[mistake.given]
    sure = formats.percent(mistake.probability)
    lines = [f"{true} → {given}", f"{sure} %", f"#{mistake.position}"]
    words = f"Test image {mistake.position}: shows {true}, taken for {given} with probability {sure} %"
    if replicates > 1:
        lines.append(f"{mistake.wrong} of {replicates}")
        words += f"; wrong in {mistake.wrong} of {replicates} replicates"
    return pictures.Tile(tuple(lines), words)


def environment(member: Member) -> tuple[tuple[str, str], ...]:
    """Versions and machine of the member's first run, as pairs of name and value."""
    made: Any = member.runs[0].environment
    return (
        *((name, version) for name, version in sorted(made.versions.items())),
        ("platform", made.platform),
        ("processor", made.processor),
        ("cores", str(made.cores)),
    )
