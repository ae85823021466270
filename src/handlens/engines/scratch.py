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
from handlens.engines.checkpoint import CHECKPOINT_SECONDS, Checkpoint, name_of
from handlens.engines.contract import HERE, Model, OnEpoch, Phases, ignore_epoch, unreadable
from handlens.engines.watch import Watch
from handlens.errors import HandlensError, SpecError
from handlens.records import Epoch
from handlens.seeds import generator
from handlens.spec import Dense, NetworkRecipe, to_text

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
    threads: int | None = None
    phases: Phases = HERE

    def predict_proba(self, images: Images) -> NDArray[np.floating[Any]]:
        offset, scale = self.preparation.offset, self.preparation.scale
        return self.network.predict_proba(images, offset=offset, scale=scale, threads=self.threads)

    def count_params(self) -> int | None:
        return self.network.count_params()

    def save(self, folder: Path) -> None:
        self.network.save(folder)
        (folder / "preparation.json").write_text(json.dumps(self.preparation.to_dict()), encoding="utf-8")


class ScratchEngine:
    """Trains with `handlens.nn`; state is kept at most every `checkpoint_seconds`, at the end of an epoch."""

    name = "scratch"
    checkpoint_seconds = CHECKPOINT_SECONDS

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
        *,
        checkpoint: Path | None = None,
        threads: int | None = None,
    ) -> Model:
        preparation = fit_preparation(recipe.prepare, train.images)
        network = build(recipe, train.shape, len(train.classes), generator(seed, "weights"))
        kept = None
        if checkpoint is not None:
            kept = Checkpoint(
                checkpoint,
                lambda: name_of(self.numerics, recipe, train, validation, seed),
                every=self.checkpoint_seconds,
            )
        history = learn(
            network,
            recipe,
            (train.images, train.labels),
            (validation.images, validation.labels),
            offset=preparation.offset,
            scale=preparation.scale,
            seed=seed,
            on_epoch=on_epoch,
            threads=threads,
            checkpoint=kept,
        )
        if kept is not None:
            kept.remove()
        return ScratchModel(network, preparation, history, kept.notes if kept else (), threads)

    def load(self, folder: Path) -> Model:
        try:
            facts = json.loads((folder / "preparation.json").read_text(encoding="utf-8"))
            return ScratchModel(nn.Network.load(folder), Preparation.from_dict(facts), ())
        except (OSError, ValueError, KeyError, TypeError, HandlensError) as error:
            raise unreadable(folder, error) from error


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
    checkpoint: Checkpoint | None = None,
) -> tuple[Epoch, ...]:
    """Train the network in place as the recipe says, on `x = (images - offset) * scale`; gives its history.

    Args:
        train, validation: uint8 or floating images [n, height, width, channels], or rows [n, features], and
            their labels int64 [n].
        offset, scale: numbers, or arrays of one image's shape.
        checkpoint: where the training goes on from, and keeps its state.
    """
    arranged = settings(recipe, network, train, validation, offset=offset, scale=scale, threads=threads)
    watch = Watch(recipe, network)
    with nn.training.Trainer(arranged, nn.training.seed_of(generator(seed, "training"))) as trainer:
        if checkpoint is not None:
            checkpoint.restore(trainer, watch)
        while not watch.over:
            epoch = watch.note(trainer.epoch())
            if checkpoint is not None and not watch.over:
                checkpoint.save(trainer, watch)
            on_epoch(epoch)
    watch.finish()
    return tuple(watch.history)


def settings(
    recipe: NetworkRecipe,
    network: nn.Network,
    train: Labelled,
    validation: Labelled | None,
    *,
    offset: Any,
    scale: Any,
    threads: int | None = None,
) -> nn.training.Settings:
    """All that a training of the network is given; for the arguments see `learn`."""
    return nn.training.Settings(
        network,
        *train,
        optimizer=part(nn.optimizers.REGISTRY, recipe.optimizer),
        schedule=part(nn.schedules.REGISTRY, recipe.schedule),
        loss=part(nn.losses.REGISTRY, recipe.loss),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        offset=offset,
        scale=scale,
        validation=validation,
        threads=nn.training.thread_count(threads),
        reduction=recipe.reduction,
        clip_norm=recipe.clip_norm,
        ema=recipe.ema,
        augment=None if recipe.augment is None else part(AUGMENTATIONS, recipe.augment),
    )


def build(
    recipe: NetworkRecipe,
    shape: tuple[int, ...],
    classes: int,
    rng: np.random.Generator,
    dtype: str = "float32",
) -> nn.Network:
    """The recipe's layers and the head that gives one logit a class, with fresh weights.

    Raises:
        SpecError: layers that cannot be built, or that bring a head of their own.
    """
    _no_head(recipe, classes)
    layers = [part(nn.layers.REGISTRY, layer) for layer in (*recipe.layers, Dense(classes))]
    return nn.Network(layers, input_shape=shape, rng=rng, dtype=dtype)


def _no_head(recipe: NetworkRecipe, classes: int) -> None:
    """Refuse an output layer written as one does for Keras: with ours behind it the network learns badly."""
    if not recipe.layers:
        return
    last = recipe.layers[-1]
    units, activation = getattr(last, "units", None), getattr(last, "activation", "")
    if activation == "softmax" or (units == classes and activation == "linear"):
        raise SpecError(
            f"the last layer is {to_text(last)}",
            where=f"recipe {recipe.name!r}, layers[{len(recipe.layers) - 1}]",
            expected=f"hidden layers: the output layer, Dense({classes}) and softmax, is added by itself",
            remedy="remove the last layer",
        )


def part(registry: dict[str, Any], description: Any) -> Any:
    """The object of `registry` that a description describes: same name, same arguments."""
    arguments = {f.name: getattr(description, f.name) for f in dataclasses.fields(description)}
    for name in ("layers", "shortcut"):  # a residual block's own layers
        if name in arguments:
            arguments[name] = tuple(part(registry, inner) for inner in arguments[name])
    return registry[type(description).__name__](**arguments)
