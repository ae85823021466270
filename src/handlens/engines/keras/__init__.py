"""The engine that trains with Keras, on JAX where it may. Nothing here is imported before it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handlens.engines.keras.model import KerasModel
    from handlens.engines.keras.own.coded import CodedModel


def fit(model: Any, images: Any, labels: Any, **how: Any) -> KerasModel | CodedModel:
    """Train a Keras model of your own; see `handlens.engines.keras.own.bring.fit` for the arguments.

    Example: `fit(build_model, images, labels, validation=(more, theirs), epochs=5).predict_proba(more)`
    """
    from handlens.engines.keras.own.bring import fit as fit_now

    return fit_now(model, images, labels, **how)
