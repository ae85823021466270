"""What holds of every layer. A layer takes part by standing in the registry and in `layer_examples`."""

from __future__ import annotations

import json

import numpy as np
import pytest
from layer_examples import EXAMPLES, Example, batch, network_of

from handlens.errors import SpecError
from handlens.nn import Network, layers, losses
from handlens.nn.gradient_check import gradient_errors
from handlens.nn.optimizers import SGD
from handlens.nn.passes import Pass
from handlens.nn.training import fit

every_layer = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)


def test_every_layer_has_an_example() -> None:
    assert {type(e.layer).__name__ for e in EXAMPLES} == set(layers.REGISTRY)


@every_layer
@pytest.mark.parametrize("n", [1, 5])
def test_gradients_are_those_of_differences(example: Example, n: int) -> None:
    if n == 1 and any(isinstance(x, layers.BatchNormalization) for x in _inside(example.layer)):
        pytest.skip("one row has no variance: every gradient through it is zero")
    network = network_of(example)
    errors = gradient_errors(network, *batch(example.shape, n), losses.SoftmaxCrossEntropy(), fuse=False)
    assert max(errors.values()) < 1e-6, errors


def test_a_batch_of_one_picture_has_gradients_through_batch_normalization() -> None:
    network = network_of(Example(layers.BatchNormalization()))
    errors = gradient_errors(network, *batch((7, 5, 3), 1), losses.SoftmaxCrossEntropy())
    assert max(errors.values()) < 1e-6, errors


@every_layer
def test_an_input_that_gets_no_gradient_costs_none_and_changes_nothing(example: Example) -> None:
    network = network_of(example)
    images, labels = batch(example.shape, 4)
    x = np.moveaxis(images, 0, -1) if images.ndim == 2 else images.transpose(3, 1, 2, 0)
    gradients = []
    for wanted in (True, False):
        through = Pass(network, network.steps(fuse=False), to_input=wanted)
        logits = through.forward(x.copy(), training=True, generator=np.random.default_rng(0))
        through.backward(losses.SoftmaxCrossEntropy().forward(logits, labels)[1])
        gradients.append(through.gradient)
    assert np.array_equal(*gradients)


@every_layer
def test_the_output_has_the_shape_that_was_promised(example: Example) -> None:
    network = network_of(example)
    layer = network.layers[0]
    x = batch(example.shape, 2)[0]
    x = x.transpose(3, 1, 2, 0) if x.ndim == 4 else x.T
    before = x.copy()
    through = Pass(network, network.steps(fuse=False))
    y = layer.forward(x, through.caches[0])
    height_width_channels = y.shape[1:3] + y.shape[:1] if y.ndim == 4 else y.shape[:1]
    assert height_width_channels == layer.output_shape
    assert np.array_equal(x, before), "forward changed its input"
    assert y.dtype == np.float64


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_is_kept_from_end_to_end(example: Example, dtype: str) -> None:
    network = network_of(example, dtype=dtype)
    images, labels = batch(example.shape, 6)
    through = Pass(network, network.steps(), to_input=True)
    x = images.astype(dtype)
    x = x.transpose(3, 1, 2, 0) if x.ndim == 4 else x.T
    logits = through.forward(x, training=True, generator=np.random.default_rng(0))
    loss, dlogits = losses.SoftmaxCrossEntropy().forward(logits, labels)
    dx = through.backward(dlogits)
    assert dx is not None
    assert {a.dtype.name for a in (logits, loss, dlogits, dx, through.gradient)} == {dtype}
    assert {w.dtype.name for w in network.get_weights()} == {dtype}


@every_layer
def test_single_precision_agrees_with_double(example: Example) -> None:
    images, _ = batch(example.shape, 5)
    single, double = network_of(example, dtype="float32"), network_of(example)
    double.set_weights(single.get_weights())
    images = images.astype(np.float32)
    assert np.allclose(single.predict_logits(images), double.predict_logits(images), atol=1e-4, rtol=1e-4)


@every_layer
def test_a_layer_comes_back_from_its_configuration(example: Example) -> None:
    layer = example.layer
    text = json.dumps({"layer": type(layer).__name__, **layer.config()})
    again = layers.from_config(json.loads(text))
    assert type(again) is type(layer)
    assert again.config() == layer.config()


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_comes_back_from_its_files(example: Example, dtype: str, tmp_path) -> None:
    network = network_of(example, dtype=dtype)
    images, _ = batch(example.shape, 3)
    network.save(tmp_path / "new" / "model")
    again = Network.load(tmp_path / "new" / "model")
    assert again.dtype == network.dtype
    assert np.array_equal(again.state(), network.state())
    assert np.array_equal(again.predict_proba(images), network.predict_proba(images))


@every_layer
def test_equal_seeds_give_equal_weights_with_any_number_of_threads(example: Example) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(256, size=(150, *example.shape), dtype=np.uint8), rng.integers(3, size=150)
    states = []
    for threads in (1, 2, 3):
        network = network_of(example, dtype="float32")
        fit(
            network, images, labels, scale=1 / 255, optimizer=SGD(0.05, momentum=0.5), epochs=2,
            batch_size=140, rng=np.random.default_rng(3), threads=threads,
        )  # fmt: skip
        states.append(network.state())
    assert np.array_equal(states[0], states[1])
    assert np.array_equal(states[0], states[2])
    assert not np.array_equal(states[0], network_of(example, dtype="float32").state())


@every_layer
def test_bad_arguments_are_refused_in_one_line(example: Example) -> None:
    kind = type(example.layer)
    for bad in example.bad:
        with pytest.raises(SpecError) as caught:
            kind(**{**{f: getattr(example.layer, f) for f in example.layer.config()}, **bad})
        message = str(caught.value)
        assert "\n" not in message
        assert kind.__name__ in message, message


def test_a_misspelt_layer_or_argument_is_pointed_out() -> None:
    with pytest.raises(SpecError, match=r"[Dd]id you mean 'Dense'"):
        layers.from_config({"layer": "Dens", "units": 3})
    with pytest.raises(SpecError, match=r"[Dd]id you mean 'units'"):
        layers.from_config({"layer": "Dense", "unit": 3})
    with pytest.raises(SpecError, match=r"[Dd]id you mean 'relu'"):
        layers.from_config({"layer": "Dense", "units": 3, "activation": "relo"})


def _inside(layer: layers.Layer) -> list[layers.Layer]:
    return [layer, *layer.children()]
