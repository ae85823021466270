"""Trainings that share a program: each is what it would be alone; numbers differ, shapes do not."""

import dataclasses

import numpy as np
import pytest

from handlens import spec
from handlens.engines.keras import devices, stack
from handlens.engines.keras.devices import Device, find
from handlens.engines.keras.engine import KerasEngine
from handlens.errors import HandlensError, SpecError

LAYERS = ["Conv2D(3, 3, activation='relu', l2={l2})", "MaxPooling2D(2)", "Flatten()", "Dropout({rate})"]
LAYERS += ["Dense(12, activation='relu', l1={l1}, l2={l2})"]


def recipe(l1=0.0, l2=0.0, rate=0.25, **fields):
    layers = [layer.format(l1=l1, l2=l2, rate=rate) for layer in LAYERS]
    table = {"name": "net", "layers": layers, "epochs": 2, "batch_size": 32, "engine": "keras"}
    return spec.from_dict(table | {"optimizer": "SGD(0.1)"} | fields)


VARIED = [
    (recipe(), 0),
    (recipe(l2=1e-2), 1),
    (recipe(l1=1e-3, rate=0.5, optimizer="SGD(0.02, decay=0.01)", schedule="OneCycle()"), 0),
    (recipe(loss="SoftmaxCrossEntropy(label_smoothing=0.2)"), 0),
    (recipe(rate=0.0, loss=f"SoftmaxCrossEntropy(class_weights={(2.0,) * 5 + (0.5,) * 5})"), 3),
]


@pytest.fixture(scope="module")
def parts(digits):
    return digits[0].take(np.arange(150)), digits[1].take(np.arange(60))


@pytest.fixture(scope="module")
def alones(parts):
    return [alone(job, parts) for job in VARIED]


@pytest.fixture(params=["one after the other", "side by side"])
def way(request, monkeypatch):
    if request.param == "side by side":
        monkeypatch.setattr(Device, "is_cpu", False)


def together(jobs, parts, on_epoch=lambda _i, _epoch: None):
    recipes, seeds = zip(*jobs, strict=True)
    return stack.fit_together(recipes, seeds, *parts, find("cpu"), on_epoch)


def alone(job, parts):
    made, seed = job
    return KerasEngine("cpu").fit(made, *parts, seed)


def assert_equal(model, other, images, tolerance=1e-5):
    for ours, theirs in zip(model.model.weights, other.model.weights, strict=True):
        assert np.allclose(ours.value, theirs.value, rtol=tolerance, atol=tolerance)
    assert np.allclose(model.predict_proba(images), other.predict_proba(images), atol=10 * tolerance)
    for one, two in zip(model.history, other.history, strict=True):
        assert one.loss == pytest.approx(two.loss, abs=1e-4)
        assert one.validation_accuracy == pytest.approx(two.validation_accuracy, abs=0.02)


@pytest.mark.usefixtures("way")
def test_each_is_what_it_would_be_alone(parts, alones):
    assert len({stack.skeleton(made) for made, _ in VARIED}) == 1
    models = together(VARIED, parts)
    for model, other in zip(models, alones, strict=True):
        assert_equal(model, other, parts[1].images)
    assert model.phases.share == 1 / len(VARIED)
    first = [model.model.weights[0].value for model in models]
    assert all(np.abs(a - b).max() > 1e-6 for i, a in enumerate(first) for b in first[:i])


def test_averages_lengths_and_changes_of_images_are_numbers_too(parts):
    more = [
        {"ema": 0.5, "clip_norm": 0.1, "augment": "Augmentation(shift=1, crop=2)"},
        {"ema": 0.9, "clip_norm": 5.0, "augment": "Augmentation(shift=3, crop=1)"},
    ]
    jobs = [(recipe(optimizer="Adam()", **fields), 0) for fields in more]
    assert len({stack.skeleton(made) for made, _ in jobs}) == 1
    for job, model in zip(jobs, together(jobs, parts), strict=True):
        assert_equal(model, alone(job, parts), parts[1].images)


@pytest.mark.parametrize(
    "other",
    [
        recipe(epochs=3),
        recipe(batch_size=16),
        recipe(optimizer="Adam()"),
        recipe(optimizer="SGD(0.1, momentum=0.9)"),
        recipe(loss="MeanSquaredError()"),
        recipe(ema=0.9),
        recipe(clip_norm=1.0),
        recipe(augment="Augmentation(shift=1)"),
        recipe(prepare="standardize"),
        recipe(precision="bfloat16"),
        spec.from_dict(spec.to_dict(recipe()) | {"layers": ["Flatten()", "Dense(12)"]}),
    ],
    ids=str,
)
def test_other_shapes_are_other_programs(other):
    assert stack.skeleton(other) != stack.skeleton(recipe())


def test_patience_ends_one_and_not_the_others(parts):
    patient = [
        (recipe(epochs=6, patience=2, monitor="loss", optimizer=f"SGD({rate})"), 0) for rate in (1e-30, 0.1)
    ]
    models = together(patient, parts)
    still, moving = (len(model.history) for model in models)
    assert still == 3 < moving
    for job, model in zip(patient, models, strict=True):
        assert_equal(model, alone(job, parts), parts[1].images, tolerance=1e-4)


def test_the_best_epoch_of_each_is_kept(parts):
    jobs = [(recipe(epochs=4, keep="best", optimizer=f"SGD({rate})"), 0) for rate in (0.1, 3.0)]
    for job, model in zip(jobs, together(jobs, parts), strict=True):
        scores = [epoch.validation_accuracy for epoch in model.history]
        right = (model.predict_proba(parts[1].images).argmax(axis=1) == parts[1].labels).mean()
        assert right == pytest.approx(max(scores)), job


def test_one_that_diverges_leaves_the_others_alone(parts, alones):
    jobs = [(recipe(optimizer="SGD(1e30)"), 0), VARIED[0]]
    broken, model = together(jobs, parts)
    assert isinstance(broken, HandlensError)
    assert "learning rate 1e+30" in str(broken)
    assert_equal(model, alones[0], parts[1].images)


def test_a_small_memory_splits_the_stack(parts, alones, monkeypatch):
    sizes, told = [], []
    train = stack._train
    monkeypatch.setattr(
        stack, "_train", lambda trainer, *more: sizes.append(len(trainer.members)) or train(trainer, *more)
    )
    monkeypatch.setattr(stack.Trainer, "bytes_needed", lambda trainer: 1000 * len(trainer.members))
    monkeypatch.setattr(Device, "free_bytes", lambda _: 1000 * 2 / stack.SHARE)
    models = together(VARIED[:3], parts, lambda i, epoch: told.append((i, epoch.epoch)))
    assert sizes == [1, 2]
    for model, other in zip(models, alones, strict=False):
        assert_equal(model, other, parts[1].images)
    assert sorted(told) == [(i, epoch) for i in range(3) for epoch in (1, 2)]


def test_a_stack_needs_more_memory_than_one(parts):
    found = []
    for jobs in (VARIED[:1], VARIED):
        made = [stack.member(recipe, *parts, seed, _unit(parts)) for recipe, seed in jobs]
        found.append(stack.Trainer(made, find("cpu")).bytes_needed())
    network = made[0].settings.network
    assert found[0] > network.parameters.nbytes
    assert found[1] - found[0] > (len(VARIED) - 1) * network.parameters.nbytes


def test_a_refused_allocation_splits_the_stack(parts, alones, monkeypatch):
    class Full(devices.jax.errors.JaxRuntimeError):
        pass

    needed = stack.Trainer.bytes_needed

    def refuse(trainer):
        if len(trainer.members) > 2:
            raise Full("RESOURCE_EXHAUSTED: out of memory")
        return needed(trainer)

    monkeypatch.setattr(stack.Trainer, "bytes_needed", refuse)
    models = together(VARIED[:3], parts)
    assert_equal(models[2], alones[2], parts[1].images)


def test_an_unknown_device_is_refused():
    with pytest.raises(SpecError, match="no device 'gpuu'"):
        find("gpuu")
    assert find("cpu").name.startswith("CPU, ")


def test_the_name_does_not_matter():
    assert stack.skeleton(dataclasses.replace(recipe(), name="b")) == stack.skeleton(recipe())


def _unit(parts):
    return stack.fit_preparation("unit", parts[0].images)
