"""Copies made on purpose: how far a copy strays from its original is measured on the data's own images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.leaks.canvas import grey


def simulate(images: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """A changed copy of each image: uint8 [n, height, width, 1] from uint8 [n, height, width, channels].

    Light (gain 0.75 to 1.25, offset to 25 of 255) and noise (standard deviation to 10) always; half of the
    copies are turned (to 13 degrees), half scaled (to a tenth), six in ten moved (to a ninth of the side),
    four in ten blurred (to 0.9 pixels). What comes in from outside the frame is black.
    """
    from scipy.ndimage import affine_transform, gaussian_filter

    pictures = grey(images)
    n, height, width = pictures.shape
    middle = np.array([height - 1, width - 1]) / 2
    some = generator.random((n, 4)) < [0.5, 0.5, 0.6, 0.4]
    angle = np.deg2rad(generator.uniform(-13, 13, n)) * some[:, 0]
    scale = np.where(some[:, 1], generator.uniform(0.9, 1.1, n), 1.0)
    shift = generator.uniform(-1, 1, (n, 2)) * some[:, 2:3] * (min(height, width) / 8.5)
    blur = generator.uniform(0.3, 0.9, n) * some[:, 3]
    for k in range(n):
        cos, sin = np.cos(angle[k]) / scale[k], np.sin(angle[k]) / scale[k]
        turn = np.array([[cos, -sin], [sin, cos]])
        start = middle - turn @ (middle + shift[k])
        pictures[k] = affine_transform(pictures[k], turn, offset=start, order=1, mode="constant")
        if blur[k]:
            pictures[k] = gaussian_filter(pictures[k], blur[k])
    pictures *= generator.uniform(0.75, 1.25, (n, 1, 1))
    pictures += generator.uniform(-25, 25, (n, 1, 1))
    pictures += generator.normal(0, 1, pictures.shape) * generator.uniform(0, 10, (n, 1, 1))
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)[..., None]
