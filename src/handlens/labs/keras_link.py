"""A training by Keras that starts from the weights of another one."""

from __future__ import annotations

from handlens.data import ImageSet
from handlens.data.prepare import fit_preparation
from handlens.engines import Model, OnEpoch
from handlens.engines.keras.devices import find
from handlens.engines.keras.engine import Pulled, finished, member
from handlens.engines.keras.model import KerasModel
from handlens.engines.keras.trainer import Trainer, follow
from handlens.engines.keras.weights import to_scratch
from handlens.engines.watch import Watch
from handlens.errors import SpecError
from handlens.spec import NetworkRecipe


def fit_from(
    before: Model,
    recipe: NetworkRecipe,
    train: ImageSet,
    validation: ImageSet,
    seed: int,
    device: str | None,
    on_epoch: OnEpoch,
) -> Model:
    """Train the recipe from the weights of `before`, with an optimizer that knows nothing yet.

    Raises:
        SpecError: `before` is another network.
    """
    if not isinstance(before, KerasModel):
        raise SpecError("the model before is none of Keras's", where=recipe.name)
    preparation = fit_preparation(recipe.prepare, train.images)
    made = member(recipe, train, validation, seed, preparation)
    to_scratch(before.model, made.settings.network)
    trainer = Trainer([made], find(device))
    watch = Watch(recipe, Pulled(trainer, 0))
    follow(trainer, watch, None, on_epoch)
    return finished(trainer, 0, watch, preparation)
