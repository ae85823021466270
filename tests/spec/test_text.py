import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.errors import HandlensError, SpecError
from handlens.spec import (
    LAYERS,
    OPTIMIZERS,
    SGD,
    Activation,
    Adam,
    Dense,
    Dropout,
    Flatten,
    parse,
    parse_list,
    to_text,
)

layers = st.one_of(
    st.builds(Flatten),
    st.builds(
        Dense,
        st.integers(1, 5000),
        activation=st.sampled_from(["linear", "relu", "tanh"]),
        use_bias=st.booleans(),
        l2=st.floats(0, 1),
    ),
    st.builds(Activation, st.sampled_from(["relu", "softmax"])),
    st.builds(Dropout, st.floats(0, 1, exclude_max=True)),
)


@given(layers, st.booleans())
def test_text_comes_back_equal(layer, full):
    assert parse(to_text(layer, full=full), LAYERS) == layer


@given(st.lists(layers, min_size=1, max_size=5))
def test_lists_come_back_equal(many):
    assert parse_list(", ".join(to_text(layer) for layer in many), LAYERS) == many


def test_python_and_text_are_the_same():
    assert parse('Dense(500, activation="relu", l2=1e-5)', LAYERS) == Dense(500, activation="relu", l2=1e-5)
    assert parse("Adam", OPTIMIZERS) == Adam(0.001)


def test_short_text_leaves_defaults_out_and_full_text_does_not():
    assert to_text(Dense(64, activation="relu")) == "Dense(64, activation='relu')"
    assert "kernel_initializer='glorot_uniform'" in to_text(Dense(64), full=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Dens(5)", "unknown name 'Dens'. Did you mean 'Dense'?"),
        ("Dense(5, activaton='relu')", "Dense: unknown argument 'activaton'. Did you mean 'activation'?"),
        ("Dense()", "Dense: argument 'units' is missing"),
        ("Dense(-3)", "Dense: units is -3; expected greater than 0"),
        ("Dense(5, activation='rleu')", "Dense: activation is 'rleu'; expected 'linear', 'relu'"),
        ("Dense('5')", "Dense: units is '5'; expected a whole number"),
        ("Dense(5, l2=-1)", "l2 is -1; expected greater than or equal to 0"),
        ("Dense(5, l2=1e999)", "l2 is inf; expected a finite number"),
        ("Dropout(1.0)", "rate is 1.0; expected less than 1"),
        ("Dense(5, 'relu', True, 'zeros', 0, 0, 0)", "too many arguments"),
        ("Dense(*[5])", "uses * or **"),
        ("Dense(**{'units': 5})", "uses * or **"),
        ("Dense(x)", "'x' is not a plain value"),
        ("Dense(5", "cannot be read"),
        ("5", "is not a name or a call"),
        ("(Dense)(5)(6)", "is not a name or a call"),
        ("", "holds 0 descriptions"),
        ("Flatten(), Flatten()", "holds 2 descriptions"),
        ("(" * 5000, "cannot be read"),
        ("x" * 30_000, "at most 20,000"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(text, message):
    with pytest.raises(SpecError) as caught:
        parse(text, LAYERS)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["__import__('os').system('true')", "Dense(__import__('os').getpid())", "Dense((lambda: 5)())"]
)
def test_nothing_is_evaluated(text):
    with pytest.raises(SpecError):
        parse(text, LAYERS)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        items = parse_list(text, LAYERS)
    except HandlensError as error:
        items, message = [], str(error)
        assert "\n" not in message
    assert all(dataclasses.is_dataclass(item) for item in items)


def test_descriptions_are_frozen_and_hashable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Dense(5).units = 6
    assert len({SGD(0.1), SGD(0.1), SGD(0.2)}) == 2
