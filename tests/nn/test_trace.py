import numpy as np
import pytest

from handlens.errors import SpecError
from handlens.nn import Network, layers, losses
from handlens.nn.trace import trace

STACKS = {
    "dense": (
        [layers.Flatten(), layers.Dense(7, "tanh"), layers.Dropout(0.5), layers.Dense(5, "gelu")],
        (4, 3, 2),
    ),
    "convolution": (
        [
            layers.Conv2D(3, 3, activation="tanh", padding="same"),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
        ],
        (6, 4, 2),
    ),
    "residual": (
        [
            layers.DepthwiseConv2D(3, depth_multiplier=2),
            layers.Residual((layers.Conv2D(4, 3, padding="same"), layers.LayerNormalization()), (), "relu"),
            layers.GlobalAveragePooling2D(),
        ],
        (5, 6, 2),
    ),
    "rows": ([layers.Dense(4, "silu")], (9,)),
}


def example(name, dtype="float64"):
    stack, shape = STACKS[name]
    rng = np.random.default_rng(0)
    network = Network([*stack, layers.Dense(3)], input_shape=shape, rng=rng, dtype=dtype)
    network.restore(network.state() + rng.uniform(0.1, 0.2, network.count_params()).astype(dtype))
    return network, rng.normal(size=(2, *shape)).astype(dtype), np.array([2, 0])


def batch_last(x):
    return x.transpose(3, 1, 2, 0) if x.ndim == 4 else x.T


def value_from(network, position, x, labels, loss):
    """The mean loss of a network whose layer `position` gave x `[n, ...]`."""
    from handlens.nn.passes import Pass

    through = Pass(network, network.steps(fuse=False))
    x = batch_last(x).copy()
    for layer, cache in list(zip(network.layers, through.caches, strict=True))[position + 1 :]:
        x = layer.forward(x, cache)
    return loss.forward(x, labels)[0].mean()


@pytest.mark.parametrize("loss", [losses.SoftmaxCrossEntropy(0.1), losses.MeanSquaredError()], ids=repr)
@pytest.mark.parametrize("name", STACKS)
def test_every_gradient_is_the_difference_of_the_loss(name, loss):
    network, images, labels = example(name)
    seen = trace(network, images, labels, loss=loss)
    rng = np.random.default_rng(1)
    for position, layer in [(-1, seen.layers[0]), *enumerate(seen.layers)]:
        y, gradient = (layer.output, layer.gradient) if position >= 0 else (layer.input, layer.input_gradient)
        direction = rng.normal(size=y.shape)
        step = 1e-6 * direction
        above, below = (value_from(network, position, y + s, labels, loss) for s in (step, -step))
        np.testing.assert_allclose((above - below) / 2e-6, (gradient * direction).sum(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", STACKS)
def test_layers_join_up_and_end_in_the_prediction(name):
    network, images, labels = example(name)
    before = network.state()
    seen = trace(network, images * 3 + 1, labels, offset=1.0, scale=1 / 3)
    np.testing.assert_allclose(seen.layers[0].input, images)
    for first, second in zip(seen.layers, seen.layers[1:], strict=False):
        np.testing.assert_array_equal(first.output, second.input)
        np.testing.assert_array_equal(first.gradient, second.input_gradient)
    for record, layer in zip(seen.layers, network.layers, strict=True):
        assert record.kind == type(layer).__name__
        assert record.input.shape == (2, *layer.input_shape)
        assert record.output.shape == record.gradient.shape == (2, *layer.output_shape)
        assert record.formula == layer.formula
    np.testing.assert_allclose(seen.probabilities, network.predict_proba(images))
    expected = -np.log(seen.probabilities[np.arange(2), labels])
    np.testing.assert_allclose(seen.losses, expected)
    np.testing.assert_array_equal(network.state(), before)


@pytest.mark.parametrize("name", STACKS)
def test_gradients_of_parameters(name):
    network, images, labels = example(name)
    seen = trace(network, images, labels)
    found = [p for layer in seen.layers for p in layer.parameters]
    assert [p.path for p in found] == [slot.path for slot in network.slots]
    assert sum(layer.count_params() for layer in seen.layers) == network.count_params()
    rng = np.random.default_rng(1)
    for slot, parameter in zip(network.slots, found, strict=True):
        if not slot.parameter.trainable:
            assert parameter.gradient is None
            continue
        np.testing.assert_array_equal(parameter.values, slot.view(network.parameters))
        direction = rng.normal(size=slot.parameter.shape)
        values = []
        for sign in (1e-6, -1e-6):
            other = Network(network.layers, input_shape=network.input_shape, rng=None, dtype="float64")
            other.restore(network.state())
            slot.view(other.parameters)[...] += sign * direction
            values.append(trace(other, images, labels).losses.mean())
        measured = (values[0] - values[1]) / 2e-6
        np.testing.assert_allclose(measured, (parameter.gradient * direction).sum(), rtol=1e-5, atol=1e-9)


def test_formulas_of_activations_are_told():
    seen = trace(*example("dense"))
    assert [layer.activation for layer in seen.layers] == [
        "",
        "y = tanh(z)",
        "",
        "y = z * (1 + erf(z / sqrt(2))) / 2",
        "y = z",
    ]
    assert seen.layers[1].arguments["units"] == 7


def test_bytes_and_float32():
    network, _, labels = example("convolution", "float32")
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 4, 2), dtype=np.uint8)
    seen = trace(network, images, labels, scale=1 / 255)
    assert {a.dtype.name for layer in seen.layers for a in (layer.output, layer.gradient)} == {"float32"}
    np.testing.assert_allclose(seen.probabilities, network.predict_proba(images, scale=1 / 255), rtol=1e-5)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((0, 9)), np.zeros(0, int), "no images"),
        (np.zeros((1, 8)), np.array([0]), "[n, 9]"),
        (np.zeros((1, 9)), np.array([3]), "0 to 2"),
        (np.zeros((1, 9)), np.array([0, 1]), "integers [1]"),
    ],
)
def test_what_does_not_fit_is_one_line(images, labels, message):
    with pytest.raises(SpecError) as caught:
        trace(example("rows")[0], images, labels)
    assert message in str(caught.value)
