"""One trial, one process; what the dead leave is cleared up."""

import threading

from handlens.spec import from_dict
from handlens.studies.planning.plan import study
from handlens.studies.training.claims import at_work, claim, claimed
from handlens.studies.training.run import run_study


def test_a_claim_is_one_process_s(tmp_path):
    with claim(tmp_path, "a" * 20) as mine, claim(tmp_path, "b" * 20) as other:
        assert mine
        assert other
        assert claimed(tmp_path, "a" * 20)
        with claim(tmp_path, "a" * 20) as theirs:
            assert not theirs
        assert claimed(tmp_path, "a" * 20)
    assert not claimed(tmp_path, "a" * 20)
    assert not list((tmp_path / "claims").iterdir())


def test_many_who_want_one_claim(tmp_path):
    inside, most = [], []

    def want():
        for _ in range(200):
            with claim(tmp_path, "c" * 20) as mine:
                if mine:
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()

    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def test_what_the_dead_left_is_cleared_only_when_nobody_is_at_work(store, digits):
    run_study(net(), digits, store)
    (done,) = store.hashes()
    left = [store.root / ".unfinished-x", store.root / "checkpoints" / done, store.root / "claims" / done]
    live = store.root / "checkpoints" / ("f" * 20)
    for path in (*left[:2], live):
        path.mkdir(parents=True)
    left[2].touch()
    with at_work(store):
        run_study(net(), digits, store)
        assert all(path.exists() for path in left)
    run_study(net(), digits, store)
    assert not any(path.exists() for path in left)
    assert live.exists()


def net():
    recipe = from_dict({"name": "net", "layers": ["Flatten()", "Dense(8)"], "epochs": 2})
    return study(name="s", dataset="d", recipes=[recipe], replicates=1)
