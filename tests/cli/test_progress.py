from types import SimpleNamespace

from handlens.cli.progress import TimeLeft, clock_text


def event(kind, name):
    return SimpleNamespace(kind=kind, planned=SimpleNamespace(name=name))


def test_time_left_expects_a_recipe_to_take_as_long_again():
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    assert left.seconds(["a", "b"], None, 0.0) is None
    left.note(event("begun", "a"))
    now[0] = 10.0
    left.note(event("done", "a"))
    left.note(event("begun", "b"))
    now[0] = 12.0
    left.note(event("done", "b"))
    assert left.seconds(["a", "b", "b"], None, 0.0) == 10 + 2 + 2
    assert left.seconds(["unknown"], None, 0.0) == 6


def test_the_trial_in_progress_counts_by_its_epochs():
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    left.note(event("begun", "a"))
    now[0] = 4.0
    left.note(event("done", "a"))
    left.note(event("begun", "net"))
    now[0] = 7.0
    assert left.seconds([], "net", 0.25) == 9.0
    assert left.seconds([], "net", 0.0) == 1.0


def test_clock_text():
    assert clock_text(None) == ""
    assert clock_text(65.2) == "1:05 left"
    assert clock_text(3 * 3600 + 61) == "3:01:01 left"
