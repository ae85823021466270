"""A training that is broken off goes on where it was, to the same bits; no state on disk can do harm."""

import dataclasses
import errno
import os
import struct

import numpy as np
import pytest

from handlens import spec
from handlens.engines import checkpoint as module
from handlens.engines import engine
from handlens.engines.checkpoint import FILE
from handlens.engines.scratch import ScratchEngine

DENSE = ["Flatten()", "Dense(16, activation='relu')"]
LAYERS = {
    "dense": DENSE,
    "convolution": ["Conv2D(4, 3, activation='relu')", "MaxPooling2D(2)", "Flatten()", "Dropout(0.3)"],
    "normalized": ["Flatten()", "Dense(12)", "BatchNormalization()", "Activation('relu')", "Dropout(0.2)"],
}
EPOCHS = 4


class Broken(Exception):
    """The training is broken off."""


def recipe(**fields):
    table = {"name": "net", "layers": DENSE, "epochs": EPOCHS, "batch_size": 32}
    return spec.from_dict(table | fields)


@pytest.fixture(scope="module")
def parts(digits):
    return digits[0].take(np.arange(200)), digits[1].take(np.arange(80))


@pytest.fixture(autouse=True)
def _at_every_epoch(monkeypatch):
    monkeypatch.setattr(ScratchEngine, "checkpoint_seconds", 0.0)


def fit(made, parts, folder=None, stop_after=None, seed=3, seen=None, threads=1):
    def on_epoch(epoch):
        if seen is not None:
            seen.append(epoch.epoch)
        if epoch.epoch == stop_after:
            raise Broken

    return engine("scratch").fit(made, *parts, seed, on_epoch, checkpoint=folder, threads=threads)


def break_off(made, parts, folder, after=2, **kwargs):
    with pytest.raises(Broken):
        fit(made, parts, folder, stop_after=after, **kwargs)


def assert_same(model, other):
    np.testing.assert_array_equal(model.network.state(), other.network.state())
    plain = [[dataclasses.replace(e, seconds=0) for e in m.history] for m in (model, other)]
    assert plain[0] == plain[1]
    seconds = [epoch.seconds for epoch in model.history]
    assert seconds == sorted(seconds)
    assert all(seconds)


def interrupted_everywhere(made, parts, folder):
    whole = fit(made, parts)
    for after in range(1, len(whole.history)):
        break_off(made, parts, folder / str(after), after)
        seen = []
        assert_same(fit(made, parts, folder / str(after), seen=seen), whole)
        assert seen == list(range(after + 1, len(whole.history) + 1))
        assert not (folder / str(after)).exists()
    for after in range(1, len(whole.history)):  # and after each epoch in turn, in one folder
        break_off(made, parts, folder / "all", after)
    assert_same(fit(made, parts, folder / "all"), whole)
    return whole


@pytest.mark.parametrize("optimizer", sorted(spec.OPTIMIZERS))
def test_every_optimizer_goes_on_to_the_same_bits(optimizer, parts, tmp_path):
    interrupted_everywhere(recipe(optimizer=f"{optimizer}(0.01)"), parts, tmp_path)


@pytest.mark.parametrize(
    "fields",
    [
        {"layers": LAYERS["convolution"]},
        {"layers": LAYERS["normalized"], "optimizer": "Nadam(0.01)"},
        {"layers": LAYERS["convolution"], "augment": "Augmentation(shift=1, rotate=10, mixup=0.2)"},
        {"ema": 0.9, "optimizer": "SGD(0.1, momentum=0.9, nesterov=True)"},
        {"ema": 0.9, "layers": LAYERS["normalized"], "keep": "best", "monitor": "loss"},
        {"keep": "best", "optimizer": "SGD(2.0)", "epochs": 6},
        {"optimizer": "Adam(0.01, amsgrad=True)", "clip_norm": 0.5, "reduction": "sum"},
        *({"schedule": f"{name}()"} for name in sorted(spec.SCHEDULES)),
    ],
    ids=str,
)
def test_all_that_a_recipe_can_say_goes_on_to_the_same_bits(fields, parts, tmp_path):
    interrupted_everywhere(recipe(**fields), parts, tmp_path)


def test_patience_counts_on(parts, tmp_path):
    made = recipe(optimizer="SGD(3.0)", epochs=40, patience=4, keep="best")
    whole = interrupted_everywhere(made, parts, tmp_path)
    best = int(np.argmax([epoch.validation_accuracy for epoch in whole.history]))
    assert 0 < best < len(whole.history) - 1 < 39, "this test needs a training that stops early"


def test_broken_off_with_two_threads_and_gone_on_with_one(parts, tmp_path):
    made = recipe(layers=LAYERS["convolution"], batch_size=128)
    break_off(made, parts, tmp_path / "kept", threads=2)
    assert_same(fit(made, parts, tmp_path / "kept", threads=1), fit(made, parts))


def test_a_streamed_training_goes_on_to_the_same_bits(parts, tmp_path, monkeypatch):
    plain = fit(recipe(), parts)
    monkeypatch.setattr("handlens.nn.stream.LARGE", 1000)
    monkeypatch.setattr("handlens.nn.stream.BLOCK", 64 * 7)
    monkeypatch.setattr("handlens.nn.stream.MIXED", 4)
    streamed = interrupted_everywhere(recipe(), parts, tmp_path)
    assert not np.array_equal(plain.network.state(), streamed.network.state())


def starts_anew(made, parts, folder, **kwargs):
    seen = []
    model = fit(made, parts, folder, seen=seen, **kwargs)
    return model, seen[0] == 1


def test_another_training_does_not_go_on_from_it(digits, parts, tmp_path):
    made = recipe()
    others = {
        "seed": (made, parts, {"seed": 4}),
        "recipe": (recipe(optimizer="SGD(0.02)"), parts, {}),
        "train": (made, (digits[0].take(np.arange(1, 201)), parts[1]), {}),
        "validation": (made, (parts[0], digits[1].take(np.arange(1, 81))), {}),
    }
    for name, (other, images, kwargs) in others.items():
        break_off(made, parts, tmp_path / name)
        model, anew = starts_anew(other, images, tmp_path / name, **kwargs)
        assert anew, name
        assert_same(model, fit(other, images, **kwargs))
    break_off(made, parts, tmp_path / "renamed")
    assert not starts_anew(recipe(name="called otherwise"), parts, tmp_path / "renamed")[1]


def test_other_numerics_do_not_go_on_from_it(parts, tmp_path, monkeypatch):
    break_off(recipe(), parts, tmp_path / "kept")
    monkeypatch.setattr(ScratchEngine, "numerics", "scratch-of-tomorrow")
    assert starts_anew(recipe(), parts, tmp_path / "kept")[1]


def test_a_damaged_state_is_not_used_wherever_the_damage_is(parts, tmp_path):
    made, file = recipe(epochs=3), tmp_path / "kept" / FILE
    whole = fit(made, parts)
    break_off(made, parts, tmp_path / "kept", after=1)
    good = file.read_bytes()
    header = 8 + int.from_bytes(good[:8], "little")
    rng = np.random.default_rng(0)
    places = [*rng.integers(8, header, 12), *rng.integers(header, len(good), 12), 0, 7, len(good) - 1]
    damaged = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in places]
    damaged += [good[:at] for at in (0, 5, 8, header, len(good) // 2, len(good) - 1)]
    damaged += [good + b"0", b"\0" * len(good), struct.pack("<Q", 1 << 60) + good[8:]]
    damaged += [struct.pack("<Q", 40) + b"[" * 40 + good[header:]]
    for number, content in enumerate(damaged):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        model, anew = starts_anew(made, parts, tmp_path / "kept")
        assert anew, number
        assert_same(model, whole)


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.update(history=facts["history"] * 2),
        lambda facts: facts.update(history=[{"epoch": "one"}]),
        lambda facts: facts.update(history=7),
        lambda facts: facts.pop("counts"),
        lambda facts: facts["counts"].update(steps=float("inf")),
        lambda facts: facts["counts"].update(product="much"),
        lambda facts: facts.update(best=[]),
        lambda facts: facts.update(name=None),
    ],
)
def test_a_state_with_a_right_hash_and_wrong_facts_is_not_used(change, parts, tmp_path):
    import json

    from safetensors.numpy import load

    made, file = recipe(epochs=3), tmp_path / "kept" / FILE
    break_off(made, parts, tmp_path / "kept")
    data = file.read_bytes()
    facts = json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["facts"])
    change(facts)
    module._write(file, load(data), json.dumps(facts))
    model, anew = starts_anew(made, parts, tmp_path / "kept")
    assert anew
    assert_same(model, fit(made, parts))


def test_a_size_that_does_not_fit_is_refused_before_it_is_read(parts, tmp_path):
    file = tmp_path / "kept" / FILE
    file.parent.mkdir()
    with file.open("wb") as stream:
        stream.truncate(1 << 40)  # sparse: reading it would take a terabyte
    assert starts_anew(recipe(), parts, tmp_path / "kept")[1]


def test_what_was_half_written_is_not_seen_and_is_removed(parts, tmp_path, monkeypatch):
    made = recipe()
    break_off(made, parts, tmp_path / "kept", after=1)
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "fsync", _power_cut)
        with pytest.raises(Broken):
            fit(made, parts, tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2
    seen = []
    assert_same(fit(made, parts, tmp_path / "kept", seen=seen), fit(made, parts))
    assert seen[0] == 2
    assert not (tmp_path / "kept").exists()


def _power_cut(_file):
    raise Broken


def _full(_file):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_a_note_and_training_goes_on(parts, tmp_path, monkeypatch):
    made = recipe()
    whole = fit(made, parts, tmp_path / "good")
    assert whole.notes == ()
    break_off(made, parts, tmp_path / "kept", after=1)
    monkeypatch.setattr(module.os, "fsync", _full)
    seen = []
    model = fit(made, parts, tmp_path / "kept", seen=seen)
    assert_same(model, whole)
    assert seen[0] == 2
    assert len(model.notes) == 1
    assert "No space left" in model.notes[0]
    assert not (tmp_path / "kept").exists()


def test_a_folder_that_cannot_be_made_is_a_note(parts, tmp_path):
    (tmp_path / "file").write_text("in the way")
    model = fit(recipe(), parts, tmp_path / "file" / "kept")
    assert len(model.notes) == 1
    assert_same(model, fit(recipe(), parts))


def test_other_files_of_the_folder_stay(parts, tmp_path):
    (tmp_path / "mine").write_text("stays")
    fit(recipe(), parts, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_short_training_writes_nothing_and_hashes_nothing(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(ScratchEngine, "checkpoint_seconds", 3600.0)
    monkeypatch.setattr("handlens.engines.scratch.name_of", _power_cut)
    break_off(recipe(), parts, tmp_path / "kept", after=EPOCHS)
    assert not (tmp_path / "kept").exists()


def test_the_classic_engine_takes_the_same_arguments(parts, tmp_path):
    made = spec.from_dict({"name": "logistic", "estimator": "logistic"})
    fitted = [
        engine("classic").fit(made, *parts, 0, checkpoint=tmp_path / "kept", threads=threads)
        for threads in (1, None)
    ]
    given = [model.predict_proba(parts[1].images) for model in fitted]
    np.testing.assert_allclose(*given, atol=1e-4)
    assert not (tmp_path / "kept").exists()
