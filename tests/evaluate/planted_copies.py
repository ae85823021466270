"""Copies made on purpose, of eight kinds, to see whether they are found: for tests and measurements."""

import io

import numpy as np
from PIL import Image
from scipy import ndimage


def affine(image, angle=0.0, scale=1.0, down=0.0, right=0.0):
    """The image turned and scaled about its middle, then moved; by scipy's own spline of order one."""
    turn = np.deg2rad(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale
    middle = (np.array(image.shape) - 1) / 2
    start = middle - matrix @ (middle + np.array([down, right]))
    return ndimage.affine_transform(image.astype(np.float32), matrix, offset=start, order=1)


def jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(grey_levels(image)).save(file, "JPEG", quality=int(quality))
    return np.asarray(Image.open(file))


def grey_levels(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def unit(image):
    """Pixels of this image to one of 28: moves and blurs are meant as shares of the picture."""
    return min(image.shape) / 28


def combined(image, rng):
    image = affine(image, rng.uniform(-8, 8), rng.uniform(0.93, 1.07), *(unit(image) * rng.uniform(-2, 2, 2)))
    image = image * rng.uniform(0.8, 1.2) + rng.uniform(-15, 15) + rng.normal(0, 5, image.shape)
    return jpeg(image, rng.integers(60, 90))


def moved(image, rng):
    reach = max(1, round(3 * unit(image)))
    down, right = rng.integers(-reach, reach + 1, 2)
    return ndimage.shift(image, (down or 1, right), order=0)


PLANTED = {
    "moved": moved,
    "turned": lambda image, rng: affine(image, rng.choice([-1, 1]) * rng.uniform(2, 12)),
    "resized": lambda image, rng: affine(
        image, 0, rng.choice([rng.uniform(0.9, 0.97), rng.uniform(1.03, 1.1)])
    ),
    "relit": lambda image, rng: image * rng.uniform(0.75, 1.25) + rng.uniform(-25, 25),
    "noise": lambda image, rng: image + rng.normal(0, rng.uniform(4, 10), image.shape),
    "jpeg": lambda image, rng: jpeg(image, rng.integers(40, 90)),
    "blur": lambda image, rng: ndimage.gaussian_filter(
        image.astype(float), unit(image) * rng.uniform(0.4, 0.9)
    ),
    "combined": combined,
}


def plant(images, each, seed=0):
    """Copies of random `images` [n, h, w], `each` of every kind, and the originals' numbers, by kind."""
    rng = np.random.default_rng(seed)
    copies, originals = {}, {}
    for kind, change in PLANTED.items():
        originals[kind] = rng.choice(len(images), each, replace=False)
        copies[kind] = np.stack([grey_levels(change(images[k], rng)) for k in originals[kind]])
    return copies, originals


def recalls(result, copies, originals, start):
    """Share of each kind's copies that share a family with their original; copies begin at image `start`."""
    found = {}
    for kind in copies:
        mine = np.arange(start, start + len(copies[kind]))
        found[kind] = float(np.mean(result.families[mine] == result.families[originals[kind]]))
        start += len(copies[kind])
    return found
