"""A neural network in NumPy that reads like a textbook and is fast.

    network = Network([layers.Flatten(), layers.Dense(300, "relu"), layers.Dense(10)],
                      input_shape=(28, 28, 1), rng=np.random.default_rng(0))
    history = training.fit(network, images, labels, scale=1 / 255, optimizer=optimizers.SGD(0.1),
                           epochs=10, batch_size=128, rng=np.random.default_rng(1))
    probabilities = network.predict_proba(images, scale=1 / 255)

`layers` holds the layers, forward beside backward; `plan` and `fused` make them fast; `training` and
`trainer` hold the loop. It needs nothing of handlens but errors and pages. `docs/engine.md` walks through it.
"""

from __future__ import annotations

from handlens.nn import activations, initializers, layers, losses, optimizers, schedules, training
from handlens.nn.augment import Augmentation
from handlens.nn.network import Network

__all__ = [
    "Augmentation",
    "Network",
    "activations",
    "initializers",
    "layers",
    "losses",
    "optimizers",
    "schedules",
    "training",
]
