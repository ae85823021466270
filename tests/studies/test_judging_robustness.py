"""A stored run's accuracy under corruption: which images, how many, and the same every time."""

from dataclasses import replace

import numpy as np
import pytest

from handlens.data import Dataset, ImageSet
from handlens.errors import DataError
from handlens.evaluate.robustness import CORRUPTIONS
from handlens.studies.judging.robustness import LEAST, WAYS, affordable, images_of, robustness
from handlens.studies.storage.store import Store
from handlens.studies.training.run import run_study


@pytest.fixture(scope="module")
def trained(digits, tmp_path_factory):
    from handlens.spec import from_dict
    from handlens.studies.planning.plan import study

    forest = from_dict({"name": "trees", "estimator": "forest(n_estimators=5)"})
    made = study(name="s", title="S", dataset="digits-test", recipes=["dummy", forest], replicates=2)
    store = Store(tmp_path_factory.mktemp("store"))
    return store, {member.name: member for member in run_study(made, digits, store).members}


def test_a_member_has_six_curves_over_its_replicates(trained, digits):
    store, members = trained
    found = robustness(store, members["trees"], digits, seconds=1e6)
    assert (found.model, found.part, found.replicates, found.side) == ("trees", "test", 2, 8)
    assert (found.images, found.of) == (300, 300)
    assert [curve.corruption for curve in found.curves] == list(CORRUPTIONS.values())
    clean = found.curves[0].points[0].accuracy.mean
    assert clean == pytest.approx(members["trees"].row().test.mean)
    for curve in found.curves:
        assert curve.points[0].accuracy.mean == clean
        assert curve.points[-1].accuracy.mean < clean
        assert curve.chance == digits.test.counts().max() / 300
    inversion = found.curves[-1]
    assert inversion.half is not None
    assert inversion.half_low <= inversion.half <= inversion.half_high
    assert robustness(store, members["trees"], digits, seconds=1e6) == found


def test_one_run_by_its_name(trained, digits):
    store, members = trained
    run = members["trees"].runs[1]
    found = robustness(store, run.trial.hash, digits, seconds=1e6)
    assert (found.model, found.replicates) == ("trees", 1)
    right = store.tested(run.trial.hash).probabilities.argmax(axis=1) == digits.test.labels
    assert found.curves[0].points[0].accuracy.mean == pytest.approx(right.mean())


def test_a_model_that_guesses_has_nothing_to_lose(trained, digits):
    store, members = trained
    found = robustness(store, members["dummy"], digits)
    assert {curve.half for curve in found.curves} == {None}


def test_closed_test_images_stay_closed(trained, digits, tmp_path):
    """A run whose test images were not opened is judged on its validation images, and no look is noted."""
    import shutil

    store, members = trained
    other = Store(tmp_path / "runs")
    run = members["trees"].runs[0]
    shutil.copytree(store.folder(run.trial.hash), other.folder(run.trial.hash))
    shutil.rmtree(other.folder(run.trial.hash) / "test")
    broken = ImageSet(digits.test.images, (digits.test.labels + 1) % 10, digits.classes)
    assert images_of(other, run, digits)[0] == "validation"
    found = robustness(other, run.trial.hash, digits, seconds=1e6)
    assert found.part == "validation"
    assert found.of == run.validation.images
    assert found.curves[0].points[0].accuracy.mean == pytest.approx(run.validation.accuracy)
    assert not other.opened(run.trial.hash)
    assert not (other.root / "looks").exists()
    with pytest.raises(DataError, match="not what trees was trained on"):
        robustness(other, run.trial.hash, Dataset("spoilt", digits.train, broken))


def test_seconds_decide_how_many_images_are_used(trained, digits):
    _, members = trained
    run = members["trees"].runs[0]
    slow, fast = (replace(run, timings=replace(run.timings, predict_us_per_image=us)) for us in (1e6, 1e-3))
    many = ImageSet(np.zeros((5000, 8, 8, 1), np.uint8), np.arange(5000) % 10, digits.classes)
    assert affordable([slow], many, 5.0) == LEAST
    assert affordable([fast], many, 5.0) == 5000
    each = replace(run, timings=replace(run.timings, predict_us_per_image=100.0))
    assert affordable([each, each], many, 5.0) == pytest.approx(5 / (WAYS * 200e-6), rel=0.02)
    few = many.take(np.arange(50))
    assert affordable([slow], few, 5.0) == 50


def test_fewer_images_are_a_fair_share_of_each_class(trained, digits, monkeypatch):
    store, members = trained
    monkeypatch.setattr("handlens.studies.judging.robustness.LEAST", 100)
    found = robustness(store, members["trees"], digits, seconds=0.0)
    assert (found.images, found.of) == (100, 300)
    assert found.curves[0].chance <= digits.test.counts().max() / 300 + 0.01
    assert found == robustness(store, members["trees"], digits, seconds=0.0)
