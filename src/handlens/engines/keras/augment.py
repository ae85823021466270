"""Augmentation inside a program: the changes of `handlens.nn.augment`, with the same distributions.

Which changes there are is fixed when the program is made: nothing is drawn for the others. How large they are
comes in with the numbers of each training (`elastic_reach` too: its blur is two small matrices made on the
way), so that trainings that ask for the same changes share a program.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from handlens import spec
from handlens.engines.keras.libraries import jax, jnp
from handlens.engines.keras.program import Augment

FIELDS = tuple(field.name for field in dataclasses.fields(spec.Augmentation))
# They say where pixels are taken from.
MOVES = frozenset({"crop", "shift", "rotate", "zoom", "shear", "elastic"})


def augmentation(described: spec.Augmentation) -> Augment:
    """The change of a batch, a pure function of images, numbers and a key.

    It takes images float32 [n, height, width, channels] in grey levels, the fields of an `Augmentation` in
    their order, float [11], of which those that are 0 in `described` have no effect and the others are above
    0, and a key of `jax.random`. It gives the changed images and, with `mixup`, the share float32 [n] of each
    that stays, at least 0.5, and the partners int32 [n] of a permutation; None and None without.
    """
    asked = frozenset(name for name in FIELDS if getattr(described, name))

    def change(images: Any, numbers: Any, key: Any) -> tuple[Any, Any, Any]:
        size = dict(zip(FIELDS, jnp.asarray(numbers, jnp.float32), strict=True))
        keys = dict(zip(FIELDS, jax.random.split(key, len(FIELDS)), strict=True))
        n = len(images)
        if "flip" in asked:
            mirrored = jax.random.uniform(keys["flip"], (n,)) < size["flip"]
            images = jnp.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        if asked & MOVES:
            images = sample(images, *_sources(images.shape, asked, size, keys))
        if "erase" in asked:
            images = _erased(images, size["erase"], keys["erase"])
        if "noise" in asked:
            images += size["noise"] * jax.random.normal(keys["noise"], images.shape)
        if "mixup" not in asked:
            return images, None, None
        of_share, of_partner = jax.random.split(keys["mixup"])
        share = jax.random.beta(of_share, size["mixup"], size["mixup"], (n,))
        partner = jax.random.permutation(of_partner, n).astype(jnp.int32)
        return images, jnp.maximum(share, 1 - share), partner

    return change


def sample(images: Any, rows: Any, columns: Any) -> Any:
    """Images float32 [n, height, width, channels] read at `rows`, `columns` [n, height, width].

    Between four pixels their mean, weighted by nearness (bilinear); outside the image 0.
    """
    n, height, width, channels = images.shape
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    r, c = jnp.clip(rows + 1, 0, height + 1), jnp.clip(columns + 1, 0, width + 1)
    top = jnp.minimum(r.astype(jnp.int32), height)
    left = jnp.minimum(c.astype(jnp.int32), width)
    below, right = (r - top)[..., None], (c - left)[..., None]  # [n, height, width, 1]
    # The four neighbours side by side: one look-up finds them all.
    quads = jnp.concatenate(
        [padded[:, :-1, :-1], padded[:, :-1, 1:], padded[:, 1:, :-1], padded[:, 1:, 1:]], axis=-1
    ).reshape(-1, 4 * channels)
    place = (jnp.arange(n)[:, None, None] * (height + 1) + top) * (width + 1) + left
    a, b, c, d = jnp.split(quads[place], 4, axis=-1)  # each [n, height, width, channels]
    upper, lower = a * (1 - right) + b * right, c * (1 - right) + d * right
    return upper * (1 - below) + lower * below


def _sources(
    shape: tuple[int, ...], asked: frozenset[str], size: dict[str, Any], keys: dict[str, Any]
) -> tuple[Any, Any]:
    """Row and column, float32 [n, height, width], from where each new pixel is taken.

    `source = centre + rotation @ shear @ (pixel - centre) / zoom + shift + elastic displacement`.
    """
    n, height, width, _ = shape

    def draw(name: str, most: Any, count: int = 1) -> Any:
        """`count` times n numbers between `-most` and `most`, [count, n, 1, 1]; zero where not asked for."""
        if name not in asked:
            return jnp.zeros((count, n, 1, 1))
        return jax.random.uniform(keys[name], (count, n, 1, 1), minval=-most, maxval=most)

    angle = jnp.radians(draw("rotate", size["rotate"])[0])
    lean = jnp.tan(jnp.radians(draw("shear", size["shear"])[0]))
    factor = jnp.exp(-draw("zoom", jnp.log1p(size["zoom"]))[0])
    down, right = draw("shift", size["shift"], 2)
    if "crop" in asked:
        most = size["crop"].astype(jnp.int32)
        whole = jax.random.randint(keys["crop"], (2, n, 1, 1), -most, most + 1)
        down, right = down + whole[0], right + whole[1]
    cosine, sine = factor * jnp.cos(angle), factor * jnp.sin(angle)
    r = (jnp.arange(height, dtype=jnp.float32) - (height - 1) / 2)[:, None]
    c = (jnp.arange(width, dtype=jnp.float32) - (width - 1) / 2)[None, :]
    leaning = c + lean * r  # [n, height, width]
    rows = cosine * r - sine * leaning + (down + (height - 1) / 2)
    columns = sine * r + cosine * leaning + (right + (width - 1) / 2)
    if "elastic" in asked:
        field = size["elastic"] * jax.random.normal(keys["elastic"], (2, n, height, width))
        across = _blur(width, size["elastic_reach"])
        moved = _blur(height, size["elastic_reach"]) @ field @ across.T
        rows, columns = rows + moved[0], columns + moved[1]
    return rows, columns


def _blur(size: int, reach: Any) -> Any:
    """float32 [size, size]: each row a Gaussian whose squares sum to one, so that variance 1 stays."""
    place = jnp.arange(size, dtype=jnp.float32)
    weights = jnp.exp(-0.5 * jnp.square((place[:, None] - place) / reach))
    return weights / jnp.sqrt(jnp.square(weights).sum(axis=1, keepdims=True))


def _erased(images: Any, probability: Any, key: Any) -> Any:
    """The images, some of them with a rectangle of zeros whose sides are up to half the image's."""
    n, height, width, _ = images.shape
    hit_key, *keys = jax.random.split(key, 5)

    def band(side: int, of_length: Any, of_start: Any) -> Any:
        """Which of `side` places lie in a piece drawn for each image, bool [n, side]."""
        length = jax.random.randint(of_length, (n, 1), 1, max(side // 2, 1) + 1)
        start = jax.random.randint(of_start, (n, 1), 0, side - length + 1)
        place = jnp.arange(side)
        return (place >= start) & (place < start + length)

    hit = jax.random.uniform(hit_key, (n, 1, 1, 1)) < probability
    down, across = band(height, *keys[:2]), band(width, *keys[2:])
    return jnp.where(hit & down[:, :, None, None] & across[:, None, :, None], 0, images)
