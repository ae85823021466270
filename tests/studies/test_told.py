"""What a study that runs leaves for those who watch: whole lines, gone at the end, in nobody's way."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handlens.data import Dataset, ImageSet
from handlens.records import Epoch
from handlens.studies.planning.plan import Study, read_study, study
from handlens.studies.storage.store import Store
from handlens.studies.training.progress import PROGRESS, key_of, plain, running, told
from handlens.studies.training.run import Event, run_study
from handlens.studies.training.workers import in_processes


def small() -> Dataset:
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    images = rng.integers(0, 60, (80, 6, 6, 1), dtype=np.uint8) + (labels * 150)[:, None, None, None]
    made = ImageSet(images.astype(np.uint8), labels.astype(np.int64), ("dark", "light"))
    return Dataset("tiny", made, made.take(np.arange(20)))


def planned(**more: Any) -> Study:
    from handlens.spec import Dense, Flatten, NetworkRecipe, parse
    from handlens.spec.training import OPTIMIZERS

    recipe = NetworkRecipe(
        "net",
        layers=(Flatten(), Dense(4)),
        optimizer=parse("SGD(0.1)", OPTIMIZERS, where="test"),
        epochs=2,
    )
    return study(name="watched one", dataset="tiny", recipes=[recipe], replicates=2, **more)


def lines(store: Store) -> list[dict[str, Any]]:
    path = store.root / PROGRESS / f"{key_of('watched one')}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("workers", [0, 1])
def test_every_event_is_a_line_before_it_is_told(tmp_path: Path, workers: int) -> None:
    store, seen = Store(tmp_path), []

    def on_event(event: Event) -> None:
        assert running(tmp_path, "watched one")
        if event.kind in ("begun", "epoch", "done"):
            seen.append((event.kind, event.job.planned.trial.hash))
            last = lines(store)[-1]
            assert (last["event"], last["run"]) == seen[-1]
        if event.epoch is not None:
            assert lines(store)[-1]["epoch"] == plain(event.epoch)
            assert read_study(tmp_path / PROGRESS / f"{key_of('watched one')}.toml") == planned()
            first = lines(store)[0]
            assert (first["event"], first["name"], first["trials"]) == ("study", "watched one", 2)

    how = {"train": in_processes(workers)} if workers else {}
    run_study(planned(), small(), store, on_event=on_event, **how)
    assert [kind for kind, _ in seen] == ["begun", "epoch", "epoch", "done"] * 2
    assert not (tmp_path / PROGRESS).exists()
    assert not running(tmp_path, "watched one")
    assert sorted(p.name for p in (tmp_path / "claims").iterdir()) == ["in-use"]


def test_a_study_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if event.kind == "epoch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(planned(), small(), Store(tmp_path), on_event=interrupt)
    assert not (tmp_path / PROGRESS).exists()


def test_a_folder_that_cannot_be_written_costs_the_watchers_only(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).write_text("in the way")
    result = run_study(planned(), small(), Store(tmp_path))
    assert result.rows[0].replicates == 2
    assert not running(tmp_path, "watched one")


def test_two_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    store, heard = Store(tmp_path), []
    with told(planned(), 2, store, heard.append) as first, told(planned(), 2, store, heard.append) as second:
        assert second == heard.append  # the second one is not written
        assert first != heard.append
        assert len(lines(store)) == 1


def test_what_a_killed_process_leaves_is_nobodys(tmp_path: Path) -> None:
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2]); import test_told as t; from pathlib import Path\n"
        "def on_event(event):\n"
        "    if event.kind == 'epoch': os.kill(os.getpid(), 9)\n"
        "t.run_study(t.planned(), t.small(), t.Store(Path(sys.argv[1])), on_event=on_event)"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)]
    assert subprocess.run(command, timeout=60).returncode == -9
    assert len(lines(Store(tmp_path))) == 3
    assert not running(tmp_path, "watched one")
    run_study(planned(), small(), Store(tmp_path))
    assert not (tmp_path / PROGRESS).exists()


def test_a_loss_that_is_no_number_is_still_json() -> None:
    said = json.dumps(plain(Epoch(1, float("nan"), 0.1, 0.1, float("inf"))), allow_nan=False)
    assert json.loads(said)["loss"] is None
    assert json.loads(said)["validation_loss"] is None


def test_lines_cost_next_to_nothing(tmp_path: Path) -> None:
    """An epoch of 50 ms may lose 1 %: half a millisecond a line; on a busy machine the quickest counts."""
    from handlens.studies.training.jobs import Job

    epoch, quickest = Epoch(1, 0.1, 0.9, 0.9, 0.1, 0.9, 0.9, 1.0), 1.0
    from handlens.studies.planning.plan import plan

    job = Job(plan(planned(), small())[0], 1, 2)
    with told(planned(), 2, Store(tmp_path), lambda event: None) as tell:
        for _ in range(50):
            begin = time.perf_counter()
            tell(Event("epoch", job, epoch=epoch))
            quickest = min(quickest, time.perf_counter() - begin)
    assert quickest < 0.0005


def test_no_name_leads_elsewhere() -> None:
    assert Path(key_of("../..")).name == key_of("../..")
