"""The engine from scratch: a recipe becomes a `handlens.nn` network and is trained."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens import nn
from handlens.data.images import Images, ImageSet
from handlens.data.prepare import Preparation, fit_preparation
from handlens.engines.contract import Model, OnEpoch, ignore_epoch
from handlens.errors import HandlensError, StoreError
from handlens.evaluate import accuracy, macro_f1
from handlens.records import Epoch
from handlens.seeds import generator
from handlens.spec import Dense, NetworkRecipe

VERSION = 2

AUGMENTATIONS = {"Augmentation": nn.augment.Augmentation}
Labelled = tuple[NDArray[Any], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class ScratchModel:
    """A trained network behind the preparation of its images."""

    network: nn.Network
    preparation: Preparation
    history: tuple[Epoch, ...]
    notes: tuple[str, ...] = ()

    def predict_proba(self, images: Images) -> NDArray[np.floating[Any]]:
        return self.network.predict_proba(
            images, offset=self.preparation.offset, scale=self.preparation.scale
        )

    def count_params(self) -> int | None:
        return self.network.count_params()

    def save(self, folder: Path) -> None:
        self.network.save(folder)
        (folder / "preparation.json").write_text(json.dumps(self.preparation.to_dict()), encoding="utf-8")


class ScratchEngine:
    name = "scratch"

    @property
    def numerics(self) -> str:
        return f"scratch-{VERSION}"

    def check(self, recipe: NetworkRecipe, shape: tuple[int, int, int], classes: int) -> None:
        build(recipe, shape, classes, np.random.default_rng(0))

    def fit(
        self,
        recipe: NetworkRecipe,
        train: ImageSet,
        validation: ImageSet,
        seed: int,
        on_epoch: OnEpoch = ignore_epoch,
    ) -> Model:
        preparation = fit_preparation(recipe.prepare, train.images)
        network = build(recipe, train.shape, len(train.classes), generator(seed, "weights"))
        history = learn(
            network,
            recipe,
            (train.images, train.labels),
            (validation.images, validation.labels),
            offset=preparation.offset,
            scale=preparation.scale,
            seed=seed,
            on_epoch=on_epoch,
        )
        return ScratchModel(network, preparation, history)

    def load(self, folder: Path) -> Model:
        try:
            facts = json.loads((folder / "preparation.json").read_text(encoding="utf-8"))
            return ScratchModel(nn.Network.load(folder), Preparation.from_dict(facts), ())
        except (OSError, ValueError, KeyError, TypeError, HandlensError) as error:
            raise StoreError(
                f"the model cannot be read ({error})",
                where=folder,
                remedy="remove the run's folder and run again",
            ) from error


def learn(
    network: nn.Network,
    recipe: NetworkRecipe,
    train: Labelled,
    validation: Labelled | None,
    *,
    offset: Any,
    scale: Any,
    seed: int,
    on_epoch: OnEpoch = ignore_epoch,
    threads: int | None = None,
) -> tuple[Epoch, ...]:
    """Train the network in place as the recipe says, on `x = (images - offset) * scale`; gives its history.

    Args:
        train, validation: uint8 or floating images [n, height, width, channels], or rows [n, features], and
            their labels int64 [n].
        offset, scale: numbers, or arrays of one image's shape.
    """
    watch = Watch(recipe, network, on_epoch)
    nn.training.fit(
        network,
        *train,
        offset=offset,
        scale=scale,
        optimizer=part(nn.optimizers.REGISTRY, recipe.optimizer),
        schedule=part(nn.schedules.REGISTRY, recipe.schedule),
        loss=part(nn.losses.REGISTRY, recipe.loss),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        validation=validation,
        rng=generator(seed, "training"),
        reduction=recipe.reduction,
        clip_norm=recipe.clip_norm,
        ema=recipe.ema,
        augment=None if recipe.augment is None else part(AUGMENTATIONS, recipe.augment),
        on_epoch=watch,
        threads=threads,
    )
    watch.finish()
    return tuple(watch.history)


class Watch:
    """Follows the epochs: makes their records, keeps the best weights, says when to stop."""

    def __init__(self, recipe: NetworkRecipe, network: nn.Network, on_epoch: OnEpoch) -> None:
        self.recipe, self.network, self.on_epoch = recipe, network, on_epoch
        self.history: list[Epoch] = []
        self.best = -np.inf
        self.best_epoch = 0
        self.best_state: Any = None

    def __call__(self, seen: nn.training.Epoch) -> bool:
        """Note an epoch; true when training should stop."""
        before = self.history[-1].seconds if self.history else 0.0
        epoch = record(seen, before)
        self.history.append(epoch)
        self.on_epoch(epoch)
        value = getattr(epoch, f"validation_{self.recipe.monitor}")
        if value is None:
            return False
        value = -value if self.recipe.monitor == "loss" else value
        if value > self.best:
            self.best, self.best_epoch = value, epoch.epoch
            if self.recipe.keep == "best":
                self.best_state = self.network.state()
        return self.recipe.patience is not None and epoch.epoch - self.best_epoch >= self.recipe.patience

    def finish(self) -> None:
        """Put the best epoch's weights back where the recipe asks for them."""
        if self.best_state is not None:
            self.network.restore(self.best_state)


def record(seen: nn.training.Epoch, before: float) -> Epoch:
    """An epoch's record from its losses and confusion matrices; `before`: seconds of the epochs before."""
    against = seen.validation_confusion
    return Epoch(
        epoch=seen.epoch,
        loss=seen.loss,
        accuracy=accuracy(seen.confusion),
        macro_f1=macro_f1(seen.confusion),
        validation_loss=seen.validation_loss,
        validation_accuracy=None if against is None else accuracy(against),
        validation_macro_f1=None if against is None else macro_f1(against),
        seconds=before + seen.seconds,
    )


def build(
    recipe: NetworkRecipe,
    shape: tuple[int, ...],
    classes: int,
    rng: np.random.Generator,
    dtype: str = "float32",
) -> nn.Network:
    """The recipe's layers and the head that gives one logit a class, with fresh weights."""
    layers = [part(nn.layers.REGISTRY, layer) for layer in (*recipe.layers, Dense(classes))]
    return nn.Network(layers, input_shape=shape, rng=rng, dtype=dtype)


def part(registry: dict[str, Any], description: Any) -> Any:
    """The object of `registry` that a description describes: same name, same arguments."""
    arguments = {f.name: getattr(description, f.name) for f in dataclasses.fields(description)}
    for name in ("layers", "shortcut"):  # a residual block's own layers
        if name in arguments:
            arguments[name] = tuple(part(registry, inner) for inner in arguments[name])
    return registry[type(description).__name__](**arguments)
