import dataclasses
import os
import time

import numpy as np
import pytest

from handlens.data import Dataset, ImageSet
from handlens.engines.scratch import ScratchEngine
from handlens.errors import HandlensError, SpecError
from handlens.spec import from_dict
from handlens.studies.planning.plan import plan, study
from handlens.studies.storage.gather import by_dataset
from handlens.studies.storage.result import chosen_of_each
from handlens.studies.storage.store import Store
from handlens.studies.training.run import gather, in_turn, load_model, open_tests, run_study
from handlens.studies.training.trial import Training, train_trial
from handlens.studies.training.workers import in_processes


def test_a_study_trains_everything_once(small, digits, store):
    events = []
    first = run_study(small, digits, store, on_event=events.append)
    assert [e.kind for e in events if e.kind != "epoch"] == ["missing"] * 6 + ["begun", "done"] * 6
    assert sum(e.kind == "epoch" for e in events) == 2 * 2
    again = []
    second = run_study(small, digits, store, on_event=again.append)
    assert {e.kind for e in again} == {"kept"}
    assert second.rows == first.rows


def test_models_learn_and_the_dummy_does_not(small, digits, store):
    rows = {row.model: row for row in run_study(small, digits, store).rows}
    assert rows["dummy"].test.mean < 0.2
    assert rows["trees"].test.mean > 0.6
    assert rows["net"].test.mean > 0.3
    assert rows["trees"].replicates == 2


def test_the_order_is_by_validation_and_never_by_test(small, digits, store):
    """Test labels that are all wrong turn test scores upside down; the order must not notice."""
    honest = run_study(small, digits, store)
    wrong = ImageSet(digits.test.images, (digits.test.labels + 1) % 10, digits.classes)
    spoilt = run_study(small, Dataset("spoilt", digits.train, wrong), store)
    assert [row.model for row in spoilt.rows] == [row.model for row in honest.rows]
    assert [row.validation for row in spoilt.rows] == [row.validation for row in honest.rows]
    assert spoilt.rows[0].test.mean < honest.rows[0].test.mean
    means = [row.validation.mean for row in honest.rows]
    assert means == sorted(means, reverse=True)


def test_the_same_trial_gives_the_same_predictions(small, digits, store, tmp_path):
    other = Store(tmp_path / "other")
    run_study(small, digits, store)
    run_study(small, digits, other)
    for name in store.hashes():
        first, second = store.predictions(name), other.predictions(name)
        np.testing.assert_array_equal(first.probabilities, second.probabilities)


def test_replicates_differ(small, digits, store):
    run_study(small, digits, store)
    hashes = [p.trial.hash for p in plan(small, digits) if p.name == "net"]
    first, second = (store.predictions(h).probabilities for h in hashes)
    assert not np.array_equal(first, second)


def test_a_stored_model_predicts_what_was_recorded(small, digits, store):
    run_study(small, digits, store)
    for planned in plan(small, digits):
        run, model = load_model(store, planned.trial.hash)
        said = model.predict_proba(digits.test.images)
        np.testing.assert_allclose(said, store.tested(planned.trial.hash).probabilities, atol=1e-6)
        assert run.name == planned.name


def test_no_image_is_in_both_parts(small, digits, store):
    run_study(small, digits, store)
    indices = store.predictions(store.hashes()[0]).indices
    assert len(indices) == 60
    assert len(set(indices.tolist())) == 60


def test_all_is_checked_before_anything_is_trained(digits, store):
    bad = from_dict({"name": "bad", "estimator": "forest(trees=3)"})
    with pytest.raises(SpecError, match="unknown argument 'trees'"):
        run_study(study(name="s", dataset="d", recipes=["dummy", bad]), digits, store)
    assert store.hashes() == ()


BAD = [
    {"name": "bad", "estimator": "forest(n_estimators=-1)"},
    {"name": "bad", "layers": ["Flatten()", "Dense(8)"], "optimizer": "SGD(1e6)", "epochs": 3},
]


@pytest.mark.parametrize("table", BAD)
def test_a_trial_that_cannot_be_trained_is_one_line(digits, store, table):
    with pytest.raises(HandlensError) as caught:
        run_study(study(name="s", dataset="d", recipes=[from_dict(table)]), digits, store)
    assert str(caught.value).startswith("recipe 'bad', replicate 1: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("table", BAD)
def test_the_other_trials_go_on(digits, store, table):
    made = study(name="s", dataset="d", recipes=[from_dict(table), "dummy"], replicates=2)
    found = run_study(made, digits, store)
    assert [row.model for row in found.rows] == ["dummy"]
    assert len(found.failures) == 2
    assert "replicate 2" in found.failures[1]


class Sealed(ImageSet):
    """Test images that nobody may touch yet."""

    def __getattribute__(self, name):
        if name in ("images", "labels", "take", "counts", "digest", "__len__"):
            assert not SEALS, f"the test images' {name} was asked for before the choice was made"
        return super().__getattribute__(name)


SEALS = []


@pytest.mark.parametrize("when", ["final", "all"])
@pytest.mark.parametrize("train", [in_turn, in_processes(2)])
def test_nothing_that_trains_or_selects_can_read_test_images(small, digits, store, monkeypatch, when, train):
    images = Dataset("digits-test", digits.train, Sealed(**vars(digits.test)))
    assert images.digest  # which names the trials
    made = dataclasses.replace(small, test=when)
    given, chosen = [], []

    def watched_train(planned, data, where, **how):
        given.append((planned, data, where, *how.values()))
        return train_trial(planned, data, where, **how)

    def watched_choice(members):
        assert all(member.tests == () for member in members)
        chosen.append(chosen_of_each(members))
        SEALS.clear()
        return chosen[0]

    def watched_opening(*args):
        assert len(store.hashes()) == 6
        if when == "all":  # nothing is chosen then
            SEALS.clear()
        return open_tests(*args)

    monkeypatch.setattr("handlens.studies.training.jobs.train_trial", watched_train)
    monkeypatch.setattr("handlens.studies.training.run.chosen_of_each", watched_choice)
    monkeypatch.setattr("handlens.studies.training.run.open_tests", watched_opening)
    SEALS.append(1)
    try:
        found = run_study(made, images, store, train=train)
    finally:
        SEALS.clear()
    assert len(chosen) == (when == "final")
    opened = sum(bool(member.tests) for member in found.members)
    assert opened == 3
    assert len(given) == (6 if train is in_turn else 0)
    for _, data, *_ in given:
        assert isinstance(data, Training)
        assert data.images is digits.train
        # Nor does anything else in there hold images.
        assert (data.name, data.notes, len(dataclasses.fields(data))) == ("digits-test", (), 5)
        assert data.families is None
        (contract,) = data._contracts.values()
        assert all(isinstance(value, int | float | str) for value in contract.values())


def test_the_seal_of_that_test_holds(digits):
    images = Dataset("digits-test", digits.train, Sealed(**vars(digits.test)))
    SEALS.append(1)
    try:
        for touch in (lambda: images.test.labels, lambda: images.test.images, lambda: images.test.digest()):
            with pytest.raises(AssertionError, match="before the choice"):
                touch()
    finally:
        SEALS.clear()


class Stop(BaseException):
    """As a kill, but seen."""


def test_a_long_trial_goes_on_from_its_checkpoint(digits, store, tmp_path, monkeypatch):
    monkeypatch.setattr(ScratchEngine, "checkpoint_seconds", 0.0)
    net = {"name": "net", "layers": ["Flatten()", "Dense(8)"], "epochs": 5, "optimizer": "Adam(0.01)"}
    made = study(name="s", dataset="d", recipes=[from_dict(net)], replicates=1)
    (item,) = plan(made, digits)
    whole = Store(tmp_path / "whole")
    run_study(made, digits, whole)

    def stop(event):
        if event.epoch and event.epoch.epoch == 3:
            raise Stop

    with pytest.raises(Stop):
        run_study(made, digits, store, on_event=stop)
    assert (store.root / "checkpoints" / item.trial.hash).is_dir()
    told = []
    run_study(made, digits, store, on_event=told.append)
    assert next(event.epoch.epoch for event in told if event.epoch) > 1
    first, second = (s.predictions(item.trial.hash).probabilities for s in (whole, store))
    np.testing.assert_array_equal(first, second)
    run = store.read(item.trial.hash)
    assert len(run.history) == 5
    assert run.timings.fit_wall_s >= run.history[-1].seconds * 0.9
    assert "went on after epoch" in run.notes[-1]
    assert not list((store.root / "checkpoints").iterdir())


def test_a_clock_that_goes_backwards_changes_nothing(small, digits, store, monkeypatch):
    now = [2e9]

    def backwards():
        now[0] -= 3600
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    first = run_study(small, digits, store)
    for path in store.root.rglob("*"):
        os.utime(path, (4e9, 4e9))
    left = store.root / ".unfinished-x"
    left.mkdir()
    events = []
    assert run_study(small, digits, store, on_event=events.append).rows == first.rows
    assert {event.kind for event in events} == {"kept"}
    assert not left.exists()


def test_gather_needs_every_run(small, digits, store):
    run_study(small, digits, store)
    more = dataclasses.replace(small, replicates=3)
    from handlens.errors import StoreError

    with pytest.raises(StoreError):
        gather(more, plan(more, digits), store)


def test_runs_of_two_studies_are_compared_by_data_set(small, digits, store):
    run_study(small, digits, store)
    other = dataclasses.replace(digits, name="half", train=digits.train.take(np.arange(300)))
    run_study(small, other, store)
    results = by_dataset(store, store.hashes())
    assert [r.name for r in results] == ["digits-test", "half"]
    assert {row.model for row in results[0].rows} == {"dummy", "trees", "net"}
    assert {row.replicates for row in results[0].rows} == {2}


def test_recipes_of_the_same_name_are_told_apart(digits, store):
    for trees in (2, 9):
        recipe = from_dict({"name": "trees", "estimator": f"forest(n_estimators={trees})"})
        run_study(study(name="s", dataset="d", recipes=[recipe], replicates=1), digits, store)
    names = [row.model for row in by_dataset(store, store.hashes())[0].rows]
    assert len(set(names)) == 2
    assert all(name.startswith("trees (") for name in names)
