"""First values of kernels. Names, fans and scales are Keras's.

`fan_in` is the number of inputs that one output sees, `fan_out` the number of outputs that one input feeds:

    glorot   variance 2 / (fan_in + fan_out)   Glorot & Bengio 2010
    he       variance 2 / fan_in               He et al. 2015, for ReLU
    lecun    variance 1 / fan_in               LeCun et al. 1998

"uniform" draws from `[-a, a]` with `a = sqrt(3 variance)`; "normal" from a normal distribution cut at two
deviations and widened so that the variance is right after the cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from handlens.nn.arrays import Array, Shape

Initializer = Callable[[Shape, np.random.Generator], Array]
CUT_DEVIATION = 0.87962566103423978  # deviation of a standard normal cut at -2 and 2


def fans(shape: Shape) -> tuple[int, int]:
    """`(fan_in, fan_out)` of a kernel `[in, out]` or `[height, width, in, out]`."""
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def glorot_uniform(shape: Shape, rng: np.random.Generator) -> Array:
    return _uniform(shape, 2 / sum(fans(shape)), rng)


def glorot_normal(shape: Shape, rng: np.random.Generator) -> Array:
    return _cut_normal(shape, 2 / sum(fans(shape)), rng)


def he_uniform(shape: Shape, rng: np.random.Generator) -> Array:
    return _uniform(shape, 2 / fans(shape)[0], rng)


def he_normal(shape: Shape, rng: np.random.Generator) -> Array:
    return _cut_normal(shape, 2 / fans(shape)[0], rng)


def lecun_uniform(shape: Shape, rng: np.random.Generator) -> Array:
    return _uniform(shape, 1 / fans(shape)[0], rng)


def lecun_normal(shape: Shape, rng: np.random.Generator) -> Array:
    return _cut_normal(shape, 1 / fans(shape)[0], rng)


def orthogonal(shape: Shape, rng: np.random.Generator) -> Array:
    """Rows or columns, whichever are fewer, orthonormal (Saxe et al. 2014).

    Q of the QR factorization of a normal matrix; the signs of R's diagonal make it uniform over all of them.
    """
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))
    return np.ascontiguousarray(q.T if rows < columns else q).reshape(shape)


def zeros(shape: Shape, _rng: np.random.Generator) -> Array:
    return np.zeros(shape)


def ones(shape: Shape, _rng: np.random.Generator) -> Array:
    return np.ones(shape)


def _uniform(shape: Shape, variance: float, rng: np.random.Generator) -> Array:
    limit = math.sqrt(3 * variance)
    return rng.uniform(-limit, limit, shape)


def _cut_normal(shape: Shape, variance: float, rng: np.random.Generator) -> Array:
    """Normal numbers; those beyond two deviations are drawn again until none is left."""
    values = rng.standard_normal(shape)
    while (beyond := np.abs(values) > 2).any():
        values[beyond] = rng.standard_normal(int(beyond.sum()))
    return values * (math.sqrt(variance) / CUT_DEVIATION)


REGISTRY: dict[str, Initializer] = {
    function.__name__: function
    for function in (
        glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal,
        orthogonal, zeros, ones,
    )
}  # fmt: skip
