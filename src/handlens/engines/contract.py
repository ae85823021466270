"""What every engine does: `fit` makes a model of a recipe and images; a model predicts, saves and counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images, ImageSet
from handlens.errors import StoreError
from handlens.records import Epoch

OnEpoch = Callable[[Epoch], None]


def ignore_epoch(epoch: Epoch) -> None:
    """The `on_epoch` of somebody who does not want to know."""


@dataclass(frozen=True)
class Phases:
    """Seconds that are no training, and where it was.

    Attributes:
        warm_up_s: until images and weights lay where they are computed with.
        compile_s: of compiling programs.
        share: the part of the clock's time that was this training's own, where several shared a program.
        device: in words; empty for the processor's cores that NumPy uses.
    """

    warm_up_s: float = 0.0
    compile_s: float = 0.0
    share: float = 1.0
    device: str = ""


HERE = Phases()  # of an engine of NumPy's: nothing to compile, nowhere else to be


class Model(Protocol):
    """A trained classifier; `notes` are what a reader of its results should know, such as warnings."""

    @property
    def history(self) -> tuple[Epoch, ...]: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def phases(self) -> Phases: ...

    def predict_proba(self, images: Images) -> NDArray[np.floating[Any]]:
        """Class probabilities, float [n, k], of uint8 images [n, height, width, channels]."""
        ...

    def count_params(self) -> int | None:
        """Trained numbers; None where the notion does not apply."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model into an existing empty folder, without pickle."""
        ...


def unreadable(folder: Path, why: object) -> StoreError:
    """The error of a model in a run's folder that cannot be read."""
    return StoreError(
        f"the model cannot be read ({why})", where=folder, remedy="remove the run's folder and run again"
    )


class Engine(Protocol):
    """Trains recipes of one kind.

    `numerics` names the version of all that decides results beyond recipe, data and seed; it goes up whenever
    a change of code changes results, so that a stored run never stands for what today's code would give.
    """

    name: str

    @property
    def numerics(self) -> str: ...

    def check(self, recipe: Any, shape: tuple[int, int, int], classes: int) -> None:
        """Raise `SpecError` if the recipe cannot be built for such images, before anything is trained."""
        ...

    def fit(
        self,
        recipe: Any,
        train: ImageSet,
        validation: ImageSet,
        seed: int,
        on_epoch: OnEpoch = ignore_epoch,
        *,
        checkpoint: Path | None = None,
        threads: int | None = None,
    ) -> Model:
        """Train from scratch; the same recipe, images and seed give the same model.

        Args:
            on_epoch: is told each epoch that is trained now; those before a checkpoint are in the model's
                `history` only.
            checkpoint: a folder where a long training keeps its state after an epoch, to go on from there if
                it is broken off; removed when the training is over. What it holds of another training, or
                damaged, is not used. An engine without epochs leaves it alone.
            threads: that share the work; as many as there are processors unless given.
        """
        ...

    def load(self, folder: Path) -> Model:
        """A model that `save` wrote; the files are not trusted."""
        ...
