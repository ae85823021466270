import json
from types import SimpleNamespace

import pytest

from handlens.cli.progress import bar_texts, clock_text, shown
from handlens.cli.tally import Tally
from handlens.records import Epoch
from handlens.studies.training.run import Event, Job


def job(number, name, total=4, epochs=0, family=""):
    recipe = SimpleNamespace(epochs=epochs) if epochs else SimpleNamespace()
    trial = SimpleNamespace(hash=f"{number:020x}")
    said = {"name": name, "family": family or name, "replicate": number - 1}
    return Job(SimpleNamespace(recipe=recipe, trial=trial, **said), number, total)


class Study:
    """Tells a tally of events at the times that are set."""

    def __init__(self, images=1000):
        self.now = 0.0
        self.tally = Tally(images, lambda: self.now)

    def tell(self, kind, job, epoch=None):
        at = Epoch(epoch, 1.0, 0.5, 0.5, validation_accuracy=0.9) if epoch else None
        self.tally.note(Event(kind, job, epoch=at))


def test_time_left_expects_a_configuration_to_take_as_long_again():
    study, jobs = Study(), [job(1, "a"), job(2, "b"), job(3, "a"), job(4, "b")]
    for each in jobs:
        study.tell("missing", each)
    assert study.tally.seconds_left() is None
    study.tell("begun", jobs[0])
    study.now = 10.0
    study.tell("done", jobs[0])
    assert study.tally.seconds_left() == 30.0  # nothing is known of b: as long as all others
    study.tell("begun", jobs[1])
    study.now = 12.0
    study.tell("done", jobs[1])
    assert study.tally.seconds_left() == 10 + 2
    study.tell("begun", jobs[2])
    study.now = 15.0
    assert study.tally.seconds_left() == 7 + 2


def test_a_configuration_is_expected_to_take_as_long_as_others_of_its_recipe():
    study = Study()
    jobs = [job(1, "a (1)", family="a"), job(2, "b"), job(3, "a (2)", family="a")]
    for each, seconds in zip(jobs[:2], (3.0, 100.0), strict=True):
        study.tell("begun", each)
        study.now += seconds
        study.tell("done", each)
    study.tell("missing", jobs[2])
    assert study.tally.seconds_left() == 3.0


def test_a_network_under_way_counts_by_its_epochs():
    study, net = Study(), job(1, "net", epochs=10)
    study.tell("begun", net)
    study.now = 4.0
    study.tell("epoch", net, 2)
    assert study.tally.images_per_second == 250.0
    assert study.tally.completed == 0.2
    # It went on from a checkpoint: epoch 2 was the first one here, and took 4 s.
    assert study.tally.seconds_left() == 32.0
    study.now = 6.0
    study.tell("epoch", net, 3)
    assert study.tally.images_per_second == 500.0
    assert study.tally.seconds_left() == 21.0
    study.now = 7.0
    assert study.tally.seconds_left() == 20.0


def test_trials_side_by_side():
    study, jobs = Study(), [job(n, "net", total=5, epochs=4) for n in range(1, 6)]
    for each in jobs:
        study.tell("missing", each)
    for each in jobs[:2]:
        study.tell("begun", each)
    study.now = 1.0
    study.tell("epoch", jobs[0], 1)
    study.tell("epoch", jobs[1], 1)
    texts = bar_texts(study.tally)
    assert texts["now"] == "2 running · epochs 1/4, 1/4"
    assert texts["speed"] == "2,000 images/s"
    assert texts["count"] == "0/5"
    assert texts["left"] == ""
    study.tell("failed", jobs[1])
    study.now = 4.0
    study.tell("done", jobs[0])
    study.tell("begun", jobs[2])
    assert bar_texts(study.tally)["count"] == "1/5, 1 failed"
    assert bar_texts(study.tally)["now"] == "net · replicate 3"
    assert study.tally.seconds_left() == (4 + 4 + 4) / 2
    study.tell("begun", jobs[2])  # a second attempt
    assert len(study.tally.running) == 1


def test_the_last_trial_is_not_shared_out():
    study, jobs = Study(), [job(1, "a", total=2), job(2, "a", total=2)]
    for each in jobs:
        study.tell("begun", each)
    study.now = 10.0
    study.tell("done", jobs[0])
    study.now = 4.0
    assert study.tally.seconds_left() == 6.0


def test_clock_text():
    assert clock_text(None) == ""
    assert clock_text(65.2) == "1:05 left"
    assert clock_text(3 * 3600 + 61) == "3:01:01 left"


@pytest.mark.parametrize(("quiet", "events"), [(True, True), (False, True), (True, False)])
def test_events_are_a_line_each(capsys, quiet, events):
    net = job(1, "net", epochs=2)
    with shown(1000, quiet=quiet, events=events) as show:
        for kind, epoch in (("missing", 0), ("begun", 0), ("epoch", 1), ("epoch", 2), ("done", 0)):
            show(Event(kind, net, epoch=Epoch(epoch, 1.0, 0.5, 0.5) if epoch else None))
    said = capsys.readouterr()
    assert said.err == ""
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["event"] for line in lines] == (
        ["missing", "begun", "epoch", "epoch", "done"] if events else []
    )
    if events:
        assert [line["running"] for line in lines] == [0, 1, 1, 1, 0]
        assert lines[-1]["done"] == 1
        assert lines[2]["epoch"] == 1
        assert lines[2]["epochs"] == 2
        assert lines[2]["images_per_second"] > 0
