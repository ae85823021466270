"""Verdicts over a study's runs: who is compared, on which images, seed by seed."""

import dataclasses

import pytest

from handlens.evaluate import Interval, verdict
from handlens.spec import from_dict
from handlens.studies.judging.verdicts import compared, judge
from handlens.studies.planning.plan import study
from handlens.studies.storage.gather import by_dataset
from handlens.studies.storage.result import correct, result
from handlens.studies.training.run import run_study


@pytest.fixture(scope="module")
def trained(digits, tmp_path_factory):
    from handlens.studies.storage.store import Store

    store = Store(tmp_path_factory.mktemp("verdicts") / "runs")
    recipes = [
        from_dict({"name": "trees", "estimator": "forest(n_estimators=5)"}),
        from_dict({"name": "few", "estimator": "forest(n_estimators=1)"}),
        from_dict({"name": "linear", "layers": ["Flatten()"], "epochs": 3, "optimizer": "SGD(0.3)"}),
    ]
    made = study(name="s", dataset="digits-test", recipes=recipes, replicates=4)
    return run_study(made, digits, store), store


def test_every_pair_on_test_images(trained):
    found, _ = trained
    judged = judge(found)
    assert judged.names == tuple(row.model for row in found.rows)
    assert [(p.first, p.second) for p in judged.pairs] == [
        (judged.names[0], judged.names[1]),
        (judged.names[0], judged.names[2]),
        (judged.names[1], judged.names[2]),
    ]
    assert {(p.part, p.verdict.images, p.verdict.replicates) for p in judged.pairs} == {("test", 300, 4)}
    first, second = found.members[:2]
    sides = [correct([t.probabilities for t in m.tests], m.tests[0].labels) for m in (first, second)]
    assert judged.pairs[0].verdict.difference == verdict(*sides).difference
    assert judged.pairs[0].verdict.pairs == 3


def test_what_is_read_from_run_folders_says_the_same(trained):
    found, store = trained
    (gathered,) = by_dataset(store, store.hashes())
    assert not gathered.members[0].predictions
    assert judge(gathered, store=store) == judge(found)


def test_validation_images_judge_where_test_images_are_closed_for_one(trained):
    found, _ = trained
    members = [dataclasses.replace(found.members[0], tests=()), *found.members[1:]]
    judged = judge(result("s", "", "", members))
    closed = found.members[0].name
    for pair in judged.pairs:
        assert pair.part == ("validation" if closed in (pair.first, pair.second) else "test")
        assert pair.verdict.images == (60 if pair.part == "validation" else 300)


def test_replicates_are_paired_by_their_seeds(trained):
    found, _ = trained
    first, second = found.members[:2]
    turned = dataclasses.replace(
        second, runs=second.runs[::-1], predictions=second.predictions[::-1], tests=second.tests[::-1]
    )
    fewer = dataclasses.replace(
        second, runs=second.runs[1:], predictions=second.predictions[1:], tests=second.tests[1:]
    )
    straight = judge(result("s", "", "", [first, second])).pairs[0].verdict
    assert judge(result("s", "", "", [first, turned])).pairs[0].verdict == straight
    (pair,) = judge(result("s", "", "", [first, fewer])).pairs
    sides = [correct([t.probabilities for t in m.tests[-3:]], m.tests[0].labels) for m in (first, second)]
    expected = verdict(*sides).difference
    if pair.first != first.name:
        expected = Interval(-expected.mean, -expected.high, -expected.low)
    assert pair.verdict.replicates == 3
    assert pair.verdict.difference.low == pytest.approx(expected.low)


def test_replicates_without_a_common_seed_are_paired_in_order(trained):
    found, _ = trained
    first, second = found.members[:2]
    moved = [
        dataclasses.replace(r, trial=dataclasses.replace(r.trial, seed=90 + i))
        for i, r in enumerate(second.runs)
    ]
    other = dataclasses.replace(second, runs=tuple(moved))
    assert judge(result("s", "", "", [first, other])).pairs[0].verdict.replicates == 4


def named(member, name, family):
    return dataclasses.replace(member, name=name, family=family)


def test_of_a_sweep_the_chosen_are_compared_and_else_the_best_dozen(trained):
    found, _ = trained
    best = found.members[0]
    swept = [named(best, f"{family} {i}", family) for family in "ab" for i in range(20)]
    members, chosen_only = compared(result("s", "", "", swept))
    assert chosen_only
    assert [m.family for m in members] == ["a", "b"]
    one_recipe = result("s", "", "", swept[:20])
    members, chosen_only = compared(one_recipe)
    assert not chosen_only
    assert len(members) == 12
    judged = judge(one_recipe)
    assert (len(judged.pairs), judged.left_out) == (66, 8)
    # The same runs under other names are never told apart.
    assert {p.verdict.kind for p in judged.pairs} <= {"equivalent", "undecided"}
