"""Studies with the Keras engine: stacked trials are runs like all others."""

import contextlib

import numpy as np
import pytest

pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed")
pytest.importorskip("keras", reason="Keras is not installed")

from handlens.errors import HandlensError
from handlens.spec import from_dict
from handlens.studies.planning.plan import plan, study
from handlens.studies.training import failures
from handlens.studies.training.claims import claim
from handlens.studies.training.run import in_turn, load_model, run_study
from handlens.studies.training.stacks import in_stacks


def recipe(name, engine="keras", units=8, **fields):
    table = {"name": name, "layers": ["Flatten()", f"Dense({units}, activation='relu')"], "engine": engine}
    return from_dict(table | {"epochs": 2, "batch_size": 64, "optimizer": "SGD(0.3)"} | fields)


def made(recipes, **fields):
    return study(name="s", dataset="digits-test", recipes=recipes, **({"replicates": 2} | fields))


def no_others(jobs, *_args, **_kwargs):
    raise AssertionError(f"{len(jobs)} jobs of other engines")


def test_a_sweep_is_one_stack_of_runs(digits, store, tmp_path):
    events = []
    wanted = made([recipe("net")], sweep={"layers.l2": [1e-4, 1e-2]})
    found = run_study(wanted, digits, store, train=in_stacks(no_others, "cpu"), on_event=events.append)
    assert [len(member.runs) for member in found.members] == [2, 2]
    for member in found.members:
        for run in member.runs:
            assert run.engine == "keras"
            assert run.timings.compile_s > 0
            assert run.timings.warm_up_s > 0
            assert "trained as one of 4 in one program; its times are its share" in run.notes
            kept, model = load_model(store, run.trial.hash)
            assert kept == run
            said = store.predictions(run.trial.hash)
            images = digits.train.take(said.indices).images
            assert np.allclose(model.predict_proba(images), said.probabilities, atol=1e-6)
    kinds = [event.kind for event in events]
    assert kinds.count("begun") == kinds.count("done") == 4
    assert kinds.count("epoch") == 8
    from handlens.studies.storage.store import Store

    by_itself = run_study(wanted, digits, Store(tmp_path / "alone"), train=in_turn)
    for member, other in zip(found.members, by_itself.members, strict=True):
        assert member.name == other.name
        for one, two in zip(member.predictions, other.predictions, strict=True):
            assert np.allclose(one.probabilities, two.probabilities, atol=1e-4)


def test_run_again_trains_nothing(digits, store):
    wanted = made([recipe("net")])
    run_study(wanted, digits, store, train=in_stacks(no_others, "cpu"))
    events = []
    run_study(wanted, digits, store, train=in_stacks(no_others, "cpu"), on_event=events.append)
    assert {event.kind for event in events} == {"kept"}


def test_other_engines_go_to_the_others(digits, store):
    seen = []

    def others(jobs, *args, **kwargs):
        seen.extend(job.planned.name for job in jobs)
        return in_turn(jobs, *args, **kwargs)

    wanted = made([recipe("k"), recipe("lonely", units=9), recipe("s", "scratch"), "dummy"], replicates=1)
    found = run_study(wanted, digits, store, train=in_stacks(others, "cpu"))
    assert sorted(seen) == ["dummy", "s"]
    scores = {member.name: member.runs[0].validation.accuracy for member in found.members}
    assert scores["k"] == pytest.approx(scores["s"], abs=0.02)  # same weights, same batches
    assert not any("one program" in note for member in found.members for note in member.runs[0].notes)


def test_a_trial_that_diverges_is_a_failure_of_its_own(digits, store):
    wanted = made([recipe("net")], sweep={"optimizer.learning_rate": [0.3, 1e30]}, replicates=1)
    events = []
    found = run_study(wanted, digits, store, train=in_stacks(no_others, "cpu"), on_event=events.append)
    assert len(found.members) == 1
    assert "the loss is not finite in epoch 1 at learning rate 1e+30" in found.failures[0]
    assert [event.kind for event in events].count("failed") == 1
    bad = next(item for item in plan(wanted, digits) if "1e+30" in item.name)
    assert failures.read(store, bad.trial.hash)


def test_what_another_process_trains_is_waited_for(digits, store, monkeypatch):
    """A claimed trial is not trained here; when it is dropped there, it is."""
    wanted = made([recipe("net")], replicates=3)
    with contextlib.ExitStack() as elsewhere:
        assert elsewhere.enter_context(claim(store.root, plan(wanted, digits)[1].trial.hash))
        monkeypatch.setattr("handlens.studies.training.run.time.sleep", lambda _: elsewhere.close())
        events = []
        found = run_study(wanted, digits, store, train=in_stacks(no_others, "cpu"), on_event=events.append)
    assert len(found.members[0].runs) == 3
    assert [event.job.number for event in events if event.kind == "done"] == [1, 3, 2]


def test_a_device_that_is_not_there(digits, store):
    with pytest.raises(HandlensError, match="no device"):
        run_study(made([recipe("net")]), digits, store, train=in_stacks(no_others, "tpu:7"))


def test_what_breaks_a_stack_costs_one_trial(digits, store, monkeypatch):
    """The program of all fails; alone, only the trial that is at fault does, twice."""
    from handlens.engines.keras import stack
    from handlens.engines.keras.engine import KerasEngine

    def broken(*_args):
        raise RuntimeError("RESOURCE_EXHAUSTED: while it ran")

    fit, tried = KerasEngine.fit, []

    def faulty(self, recipe, train, validation, seed, *args, **kwargs):
        tried.append(seed)
        if seed == 1:
            raise RuntimeError("a fault of its own")
        return fit(self, recipe, train, validation, seed, *args, **kwargs)

    monkeypatch.setattr(stack, "_train", broken)
    monkeypatch.setattr(KerasEngine, "fit", faulty)
    found = run_study(made([recipe("net")], replicates=3), digits, store, train=in_stacks(no_others, "cpu"))
    assert tried == [0, 1, 1, 2]
    assert len(found.members[0].runs) == 2
    assert "a fault of its own" in found.failures[0]
