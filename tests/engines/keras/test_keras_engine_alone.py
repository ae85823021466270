"""The Keras engine as an engine: precision, checkpoints, other backends, what it says of itself."""

import numpy as np
import pytest

from handlens import spec
from handlens.engines import engine
from handlens.engines.keras import engine as module
from handlens.engines.keras.engine import KerasEngine
from handlens.engines.keras.own import plain
from handlens.errors import SpecError

DENSE = ["Flatten()", "Dense(12, activation='relu', l2=1e-3)"]


def recipe(**fields):
    table = {"name": "net", "layers": DENSE, "epochs": 3, "batch_size": 32, "engine": "keras"}
    return spec.from_dict(table | {"optimizer": "SGD(0.1)"} | fields)


@pytest.fixture(scope="module")
def parts(digits):
    return digits[0].take(np.arange(150)), digits[1].take(np.arange(60))


def weights(model):
    return [np.asarray(v.value) for v in model.model.weights]


def test_seconds_are_told_apart(parts):
    model = engine("keras", "cpu").fit(recipe(), *parts, 0)
    assert model.phases.compile_s > 0
    assert model.phases.warm_up_s > 0
    assert model.phases.share == 1
    assert model.phases.device.startswith("CPU, ")
    assert 0 < model.history[-1].seconds < model.phases.compile_s


def test_short_numbers_train_too_and_weights_stay_long(parts):
    layers = ["Conv2D(3, 3, activation='relu')", "BatchNormalization()", "Flatten()", "Dropout(0.1)"]
    short, long = (
        engine("keras").fit(recipe(layers=layers, precision=name, optimizer="Adam(0.01)"), *parts, 0)
        for name in ("bfloat16", "float32")
    )
    assert {w.dtype for w in weights(short)} == {np.dtype("float32")}
    assert short.history[-1].loss < short.history[0].loss
    assert short.history[0].loss != long.history[0].loss
    assert short.history[0].loss == pytest.approx(long.history[0].loss, rel=0.02)


def test_short_numbers_are_not_for_the_engine_from_scratch():
    with pytest.raises(SpecError, match=r'precision bfloat16; expected engine = "keras"'):
        recipe(engine="scratch", precision="bfloat16")


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_broken_training_goes_on_to_the_same_bits(parts, tmp_path, monkeypatch, keep):
    monkeypatch.setattr(KerasEngine, "checkpoint_seconds", 0.0)
    layers = [*DENSE, "BatchNormalization()", "Dropout(0.3)"]
    made = recipe(layers=layers, optimizer="Adam(0.01)", ema=0.9, schedule="CosineDecay()", keep=keep)
    whole = engine("keras").fit(made, *parts, 0)

    def stop(epoch):
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine("keras").fit(made, *parts, 0, stop, checkpoint=tmp_path / "state")
    told = []
    rest = engine("keras").fit(made, *parts, 0, told.append, checkpoint=tmp_path / "state")
    assert [epoch.epoch for epoch in told] == [3]
    for ours, theirs in zip(weights(whole), weights(rest), strict=True):
        assert np.array_equal(ours, theirs)
    assert not (tmp_path / "state").exists()


def test_on_another_backend_it_trains_by_fit_and_says_so(parts, monkeypatch):
    with_program = engine("keras").fit(recipe(), *parts, 0)
    monkeypatch.setattr(module, "ON_JAX", False)
    monkeypatch.setattr(plain, "ON_JAX", False)
    by_fit = engine("keras").fit(recipe(), *parts, 0)
    assert any("trained by plain fit: Keras runs on jax, not on JAX" in note for note in by_fit.notes)
    for ours, theirs in zip(weights(with_program), weights(by_fit), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("asked", [{"ema": 0.9}, {"clip_norm": 1.0}, {"reduction": "sum"}])
def test_what_only_programs_do_is_refused_on_another_backend(parts, monkeypatch, asked):
    monkeypatch.setattr(module, "ON_JAX", False)
    with pytest.raises(SpecError, match="needs Keras on JAX"):
        engine("keras").fit(recipe(**asked), *parts, 0)


def test_its_numerics_name_the_versions_that_decide():
    assert engine("keras").numerics.startswith("keras-1 keras-3.")
    assert " jax-" in engine("keras").numerics
