import dataclasses
import itertools

import numpy as np
import pytest

from handlens.data import Dataset, ImageSet
from handlens.engines import Phases
from handlens.records import Epoch, Split
from handlens.spec import from_dict
from handlens.studies.planning import estimate as module
from handlens.studies.planning import short
from handlens.studies.planning.estimate import estimate
from handlens.studies.planning.plan import plan, study
from handlens.studies.planning.short import Law, Short, Timing

NET = {"name": "net", "layers": ["Flatten(), Dense(16)"], "optimizer": "SGD(0.1)"}
KNN = {"name": "near", "estimator": "knn"}


def made(sweep, *recipes, **fields):
    return study(name="s", dataset="d", recipes=[from_dict(r) for r in recipes], sweep=sweep, **fields)


def test_a_straight_line_tells_the_fixed_cost_from_the_cost_of_an_image():
    law = Law(size=2000, full=3.0, half=2.0)  # one second fixed, one second a thousand images
    assert law.at(1000) == pytest.approx(2.0)
    assert law.at(60_000) == pytest.approx(61.0)


def test_what_grows_faster_than_straight_is_a_power_of_the_size():
    assert Law(1000, 4.0, 1.0, faster=True).at(4000) == pytest.approx(64.0)
    assert Law(1000, 4.0, 1.0).at(4000) == pytest.approx(16.0)  # a network never is: that was noise
    assert Law(1000, 1e6, 1.0, faster=True).at(2000) == pytest.approx(8e6)
    assert Law(1000, 3.0, 2.0, faster=True).at(2000) == pytest.approx(5.0)


def test_one_measurement_alone_is_taken_as_proportional():
    assert Law(100, 2.0).at(1000) == pytest.approx(20.0)


def test_a_law_never_falls():
    assert Law(100, 1.0, 2.0).at(1e6) == pytest.approx(1.0)


@pytest.fixture
def clockwork(monkeypatch):
    """Trials that take 1 s and 1 ms an image, on so many threads; predicting takes 0.1 ms an image."""
    asked = []

    def measure(recipe, fit, seconds):
        asked.append((recipe, fit.threads, seconds))
        return Timing(1000, 2.0, Law(1000, 2.0, 1.5), Law(1000, 1e-4, 1e-4))

    monkeypatch.setattr(module, "measure", measure)
    return asked


def trial_s(epochs, *, tested):
    return 1.0 + 0.001 * 500 * epochs + 1e-4 * (100 + tested)


def test_the_time_is_that_of_the_missing_trials_with_their_own_epochs(digits, clockwork):
    small = made({"epochs": [10, 20]}, NET, KNN, replicates=2, split=Split(validation=100))
    planned = plan(small, digits)
    found = estimate(small, digits, planned)
    # Three configurations of two recipes: two thirds of the trials open the 300 test images.
    expected = 2 * sum(trial_s(epochs, tested=200) for epochs in (10, 20, 1))
    assert found.seconds == pytest.approx(expected)
    assert (found.trials, found.workers) == (6, 1)
    assert len(clockwork) == 2  # epochs make no kind of their own
    net, near = found.measurements
    assert (net.family, net.configuration, net.trials) == ("net", "net epochs=10", 4)
    assert net.trial_s == pytest.approx(trial_s(15, tested=200))
    assert (near.family, near.trials, near.images, near.measured_s) == ("near", 2, 1000, 2.0)
    fewer = estimate(small, digits, [p for p in planned if p.replicate == 1])
    assert fewer.seconds == pytest.approx(expected / 2)


@pytest.mark.usefixtures("clockwork")
def test_every_trial_opens_the_test_images_where_the_study_says_so(digits):
    small = made({"epochs": [10, 20]}, NET, replicates=1, split=Split(validation=100), test="all")
    found = estimate(small, digits, plan(small, digits))
    assert found.seconds == pytest.approx(sum(trial_s(epochs, tested=300) for epochs in (10, 20)))


def test_workers_share_the_trials_and_have_a_thread_each(digits, clockwork):
    small = made({}, NET, replicates=4)
    planned = plan(small, digits)
    alone = estimate(small, digits, planned).seconds
    assert clockwork[-1][1] is None
    assert estimate(small, digits, planned, workers=2).seconds == pytest.approx(alone / 2)
    assert clockwork[-1][1] == 1
    many = estimate(small, digits, planned, workers=99)
    assert (many.workers, many.seconds) == (4, pytest.approx(alone / 4))


@pytest.mark.usefixtures("clockwork")
def test_unlike_trials_cannot_be_shared_out_evenly(digits):
    small = made({"epochs": [1, 1000]}, NET, replicates=1)
    found = estimate(small, digits, plan(small, digits), workers=2)
    assert found.seconds > 0.001 * 500 * 1000


def test_what_costs_time_is_measured_by_itself(digits, clockwork):
    sweep = {"layers.l2": [0.1, 0.2], "optimizer.learning_rate": [0.1, 0.3], "layers.1.units": [4, 400]}
    small = made(sweep, NET, replicates=1)
    found = estimate(small, digits, plan(small, digits))
    assert [m.trials for m in found.measurements] == [4, 4]
    assert [recipe.layers[1].units for recipe, *_ in clockwork] == [4, 400]


def test_every_recipe_is_measured_even_when_the_time_is_up(digits, clockwork):
    small = made(
        {"layers.1.units": [4, 40, 400]}, NET, NET | {"name": "other", "prepare": "standardize"}, replicates=1
    )
    found = estimate(small, digits, plan(small, digits), seconds=0.0)
    assert len(clockwork) == 2
    assert [m.measured_s for m in found.measurements] == [2.0, 2.0, 0.0, 0.0, 0.0, 0.0]
    assert all(m.trial_s is not None for m in found.measurements)  # like its family's


def test_what_cannot_be_measured_is_said_and_left_out(digits):
    bad = {"name": "bad", "estimator": "knn(n_neighbors=0)"}
    small = made({}, bad, NET, replicates=1)
    found = estimate(small, digits, plan(small, digits), seconds=0.5)
    wrong, good = found.measurements
    assert wrong.trial_s is None
    assert "n_neighbors" in wrong.problem
    assert "\n" not in wrong.problem
    assert found.seconds == pytest.approx(good.trial_s)


def test_a_training_that_diverges_says_nothing_while_it_is_measured(digits):
    small = made({}, NET | {"optimizer": "SGD(1e30)"}, replicates=1)
    assert estimate(small, digits, plan(small, digits), seconds=0.2).trials == 1


def test_nothing_is_missing(digits):
    found = estimate(made({}, NET), digits, [])
    assert (found.seconds, found.trials, found.measurements) == (0.0, 0, ())


@pytest.mark.parametrize("recipe", [NET, KNN, {"name": "trees", "estimator": "forest(n_estimators=5)"}])
def test_real_measurements(digits, recipe):
    small = made({}, recipe, replicates=3)
    found = estimate(small, digits, plan(small, digits), workers=2, seconds=0.5)
    (one,) = found.measurements
    assert 100 <= one.images <= 540
    assert 0 < one.measured_s < 5
    assert 0 < one.trial_s < 60
    assert found.seconds == pytest.approx(one.trial_s * 3 / 2)
    assert found.measuring_s < 20


def test_test_images_take_no_part(digits):
    sealed = dataclasses.replace(
        digits, test=Sealed(digits.test.images, digits.test.labels, digits.test.classes)
    )
    small = made({}, NET, replicates=1)
    planned = plan(small, digits)
    Sealed.closed = True
    try:
        assert estimate(small, sealed, planned, seconds=0.2).seconds > 0
        with pytest.raises(AssertionError):
            _ = sealed.test.images
    finally:
        Sealed.closed = False


class Sealed(ImageSet):
    closed = False

    def __getattribute__(self, name):
        if name in ("images", "labels") and type(self).closed:
            raise AssertionError("test images were opened")
        return super().__getattribute__(name)

    def __len__(self):
        return 300


def test_few_images_are_enough():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (12, 4, 4, 1)).astype(np.uint8)
    part = ImageSet(images, np.arange(12) % 2, ("a", "b"))
    tiny = Dataset("tiny", part, part)
    small = made({}, NET, {"name": "d", "estimator": "dummy"}, replicates=1)
    found = estimate(small, tiny, plan(small, tiny), seconds=0.2)
    assert all(m.trial_s is not None for m in found.measurements)


def test_what_comes_before_the_epochs_is_no_measure_of_them(digits):
    """Keras takes seconds to begin, sometimes one more and sometimes one less."""
    before = itertools.cycle([2.0, 3.0, 1.0])

    class Begins:
        largest, images = 4000, digits.train

        def __call__(self, recipe, size):
            begin = next(before)
            ends = [begin + 1e-4 * size * (i + 1) for i in range(recipe.epochs)]
            history = tuple(Epoch(i, 1.0, 0.5, 0.5, seconds=end) for i, end in enumerate(ends, 1))
            return ends[-1], Trained(history)

    class Trained:
        phases = Phases()

        def __init__(self, history):
            self.history = history

        def predict_proba(self, images):
            return np.full((len(images), 10), 0.1, np.float32)

    recipe = from_dict(NET | {"epochs": 10})
    trial_s = short.measure(recipe, Begins(), seconds=8.0).trial(recipe, 50_000, 0)
    assert 1e-4 * 50_000 * 10 < trial_s < 1e-4 * 50_000 * 10 + 4


def test_a_short_trial_has_so_many_images_and_validation_in_proportion(digits, monkeypatch):
    seen = []

    class Trained:
        phases = Phases(compile_s=1e9)

    class Engine:
        def fit(self, recipe, train, validation, seed, *, threads):
            seen.append((len(train), len(validation), set(train.labels), threads))
            return Trained()

    monkeypatch.setattr(short, "engine", lambda name: Engine())
    spent, _ = Short(digits.train, 0.25, threads=1)(from_dict(NET), 200)
    assert spent == 0  # compiling is told apart
    assert seen == [(200, 50, set(range(10)), 1)]
    assert Short(digits.train, 0.25, threads=1).largest == 472  # (600 images - one of each class) / 1.25
