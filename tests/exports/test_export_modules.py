"""The page's own JavaScript, module by module, against handlens: every layer, and the fitting of pictures."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from handlens.data import Dataset, load
from handlens.data.inputs import InputContract, contract_of
from handlens.data.pictures import fit_picture
from handlens.exports.document import document
from handlens.exports.html import MODULES, PAGE, bundle
from handlens.nn import Network, activations, layers

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
from layer_examples import EXAMPLES, batch, network_of

sys.path.pop(0)

USED = tuple(name for name in MODULES if name not in ("pad.js", "page.js"))


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """An empty page that knows the modules' functions."""
    page = browser.new_page()
    shown = "globalThis.ours = { createNetwork, fitPicture };"
    page.add_script_tag(content=bundle(USED) + shown, type="module")
    page.wait_for_function("globalThis.ours")
    yield page
    page.close()


@dataclasses.dataclass(frozen=True)
class Facts:
    """As much of a passport as the network's document is read for."""

    preparation: dict[str, Any]

    def plain(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def said(page: Any, network: Network, images: np.ndarray, offset: Any = 0.0, scale: Any = 1.0) -> np.ndarray:
    facts: Any = Facts({"kind": "unit", "offset": offset, "scale": scale})
    script = (
        "([made, images]) => { const f = ours.createNetwork(made); return images.map((x) => [...f(x)]); }"
    )
    rows = images.reshape(len(images), -1).tolist()
    return np.array(page.evaluate(script, [document(network, facts), rows]))


def agree(page: Any, network: Network, images: np.ndarray) -> None:
    found, wanted = said(page, network, images), network.predict_proba(images)
    assert np.abs(found - wanted).max() < 1e-5


def test_the_page_has_every_module() -> None:
    assert {path.name for path in PAGE.glob("*.js")} == set(MODULES)


def test_every_layer(page: Any) -> None:
    for example in EXAMPLES:
        images, _ = batch(example.shape, 3)
        agree(page, network_of(example, dtype="float32"), images.astype(np.float32))
    assert {type(example.layer).__name__ for example in EXAMPLES} == set(layers.REGISTRY)


@pytest.mark.parametrize("name", activations.REGISTRY)
def test_every_activation(page: Any, name: str) -> None:
    inner = [layers.Conv2D(3, 2, activation=name), layers.Flatten(), layers.Dense(4, name), layers.Dense(3)]
    network = Network(inner, input_shape=(4, 5, 2), rng=np.random.default_rng(1))
    agree(page, network, batch((4, 5, 2), 3)[0].astype(np.float32))


def test_the_preparation_of_each_pixel(page: Any) -> None:
    rng = np.random.default_rng(0)
    offset, scale = rng.uniform(0, 200, (6, 5, 3)), rng.uniform(0.001, 0.02, (6, 5, 3))
    network = Network([layers.Flatten(), layers.Dense(4)], input_shape=(6, 5, 3), rng=rng)
    images = rng.integers(0, 256, (4, 6, 5, 3)).astype(np.uint8)
    found = said(page, network, images, offset.tolist(), scale.tolist())
    assert np.abs(found - network.predict_proba(images, offset=offset, scale=scale)).max() < 1e-5


def test_what_is_not_ours_is_refused(page: Any) -> None:
    network = Network(
        [layers.Flatten(), layers.Dense(4)], input_shape=(2, 2, 1), rng=np.random.default_rng(0)
    )
    made = document(network, Facts({"offset": 0.0, "scale": 1.0}))  # type: ignore[arg-type]
    for changed in ("toString", "Lambda"):
        made["network"]["layers"][0]["layer"] = changed
        error = page.evaluate(
            "(made) => { try { ours.createNetwork(made); } catch (e) { return e.message; } }", made
        )
        assert error == f"unknown layer {changed}"


def drawing(size: int, background: int, ink: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = Image.new("L", (size, size), background)
    points = [tuple(map(float, point)) for point in rng.uniform(0.15 * size, 0.8 * size, (6, 2))]
    ImageDraw.Draw(image).line(points, fill=ink, width=width, joint="curve")
    return np.asarray(image)[..., None]


def pictures(contract: InputContract, known: np.ndarray) -> Iterator[np.ndarray]:
    """Strokes as on the pad, thin ones; photographs of them; flat ones; images of the training's own size."""
    ground, ink = int(contract.background), int(contract.ink)
    for seed, width in enumerate((3, 7, 15)):
        yield drawing(140, ground, ink, width, seed)
    noise = np.random.default_rng(1).normal(0, 4, (150, 150, 1))
    photograph = drawing(150, 200, 40, 6, 7) + np.linspace(-30, 30, 150)[:, None, None] + noise
    yield np.clip(photograph, 0, 255).astype(np.uint8)
    coloured = np.repeat(drawing(420, 230, 60, 20, 8), 3, axis=2)
    coloured[..., 0] //= 2
    yield coloured[:200]
    yield np.full((50, 60, 1), 77, np.uint8)
    yield known
    yield np.roll(known, 5, axis=0)


def contracts(mnist: Dataset) -> list[InputContract]:
    some = mnist.train.images[::10]
    digits = contract_of(some)
    return [
        digits,
        contract_of(load("digits").train.images[::5]),
        contract_of(255 - some),
        dataclasses.replace(digits, drawn=False, centring="box"),
        dataclasses.replace(digits, uniform_background=False),
        dataclasses.replace(digits, channels=3),
    ]


FIT = """(text) => JSON.stringify(JSON.parse(text).map(({ contract, ...image }) => {
    const values = Float64Array.from(image.values);
    const made = ours.fitPicture({ ...image, values }, contract);
    return [[...made.image.values], made.notes];
}))"""


def test_pictures_are_fitted_as_python_fits_them(page: Any, mnist: Dataset) -> None:
    cases = [(c, picture) for c in contracts(mnist) for picture in pictures(c, mnist.train.images[3])]
    given = [
        {"contract": dataclasses.asdict(contract), "values": picture.ravel().tolist()}
        | dict(zip(("height", "width", "channels"), picture.shape, strict=True))
        for contract, picture in cases
    ]
    found = json.loads(page.evaluate(FIT, json.dumps(given)))
    noticed = set()
    for (contract, picture), (values, notes) in zip(cases, found, strict=True):
        wanted, wanted_notes = fit_picture(picture, contract)
        apart = np.abs(np.array(values) - wanted.ravel())
        assert notes == list(wanted_notes)
        assert apart.max() <= 1
        assert (apart > 0).mean() < 0.01
        noticed |= set(notes)
    assert len(noticed) >= 6
