"""What the labs published, as data: `published.toml`."""

from __future__ import annotations

import functools
import importlib.resources
import tomllib
from dataclasses import dataclass
from typing import Any, Literal

from handlens.errors import SpecError, did_you_mean

Metric = Literal["accuracy", "macro F1", "error", "loss"]


@dataclass(frozen=True)
class Lab:
    """One lab.

    Attributes:
        name: its letter.
        studies: the names of its study files.
        keras: whether its networks are trained by Keras too, but those of the studies `scratch_only`.
        data, other_data: the studies whose images the lab looks at; empty: it looks at none.
        reference: the accuracy that it asks its readers to reach.
    """

    name: str
    title: str
    studies: tuple[str, ...]
    keras: bool
    scratch_only: tuple[str, ...] = ()
    data: str = ""
    other_data: str = ""
    reference: float | None = None

    def by_keras(self, study: str) -> bool:
        """Whether the networks of that study are trained by Keras too."""
        return self.keras and study not in self.scratch_only


@dataclass(frozen=True)
class Row:
    """A figure that a lab printed, or a row of ours that it asks for.

    Attributes:
        recipe: the configuration of the study that reproduces it.
        value: of the metric, on test images: a share (0-1), or the loss in nats; None: none was printed.
        parameters: trained numbers that the lab printed; `outputs`: of its network, where ours has others.
        runs: how many trainings the value is the mean of; `deviation` over them (of the population).
        times: seconds of training, and on what.
        continued: whether the lab went on from the weights of the row before in its chain.
        hint: the value is advice, no measurement.
    """

    study: str
    recipe: str
    metric: Metric
    value: float | None = None
    parameters: int | None = None
    outputs: int | None = None
    runs: int = 1
    deviation: float | None = None
    times: tuple[tuple[float, str], ...] = ()
    note: str = ""
    continued: bool = False
    hint: bool = False


@dataclass(frozen=True)
class Chain:
    """Recipes of a study that the lab trained one after the other without fresh weights between."""

    study: str
    recipes: tuple[str, ...]


@dataclass(frozen=True)
class Published:
    """All that the labs printed; `images`: of each study's whole data set, training and test images."""

    labs: tuple[Lab, ...]
    rows: tuple[Row, ...]
    chains: tuple[Chain, ...]
    images: dict[str, tuple[int, int]]

    def lab(self, name: str) -> Lab:
        """The lab of that letter.

        Raises:
            SpecError: there is none.
        """
        known = {lab.name: lab for lab in self.labs}
        if name.upper() not in known:
            raise SpecError(f"no lab is called {name!r}", remedy=did_you_mean(name.upper(), known))
        return known[name.upper()]

    def of_study(self, study: str) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.study == study)


@functools.cache
def published() -> Published:
    """The file of this package."""
    text = importlib.resources.files("handlens.labs").joinpath("published.toml").read_text(encoding="utf-8")
    plain = tomllib.loads(text)
    return Published(
        labs=tuple(Lab(**_tuples(table)) for table in plain["lab"]),
        rows=tuple(Row(**_tuples(table)) for table in plain["row"]),
        chains=tuple(Chain(**_tuples(table)) for table in plain["chain"]),
        images={study: (train, test) for study, (train, test) in plain["images"].items()},
    )


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    """Lists as tuples, also within lists."""

    def frozen(value: Any) -> Any:
        return tuple(map(frozen, value)) if isinstance(value, list) else value

    return {key: frozen(value) for key, value in table.items()}
