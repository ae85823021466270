"""A disk that is full, fails or may not be written: one line, nothing half-written, nothing lost."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from handlens.errors import StoreError
from handlens.studies.planning.plan import plan
from handlens.studies.storage.store import Store
from handlens.studies.storage.verify import remove, verify
from handlens.studies.training.trial import open_test, train_trial, training


def tree(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture
def tasks(small, digits, store, monkeypatch):
    """Everything that writes into a store, by name: to be called as often as one likes."""
    kept, new = plan(small, digits)[1::3]
    calls = {}

    def catching(task, true):
        def catch(*args, **kwargs):
            calls[task] = lambda: true(*args, **kwargs)  # of the last run, which is the new one
            return true(*args, **kwargs)

        return catch

    with monkeypatch.context() as patch:
        for task in ("write", "write_test", "note_look"):
            patch.setattr(Store, task, catching(task, getattr(Store, task)))
        for item in (kept, new):
            train_trial(item, training(digits), store)
            open_test(item.trial.hash, digits.test, store)
    remove(store, new.trial.hash)
    calls["remove"] = lambda: remove(store, new.trial.hash)
    return calls, kept.trial.hash, new.trial.hash


CALLS = [(Path, name) for name in ("mkdir", "open", "rename", "replace", "write_text", "write_bytes")]
CALLS += [(os, "fsync"), (os, "open"), (np, "savez_compressed"), (np, "save")]


@pytest.mark.parametrize("task", ["write", "write_test", "note_look", "remove"])
@pytest.mark.parametrize(("owner", "name"), CALLS, ids=lambda value: getattr(value, "__name__", value))
def test_every_call_that_fails_in_turn(tasks, store, monkeypatch, task, owner, name):
    """The first call fails, then the second one, ... until the task comes through."""
    calls, kept, new = tasks
    before = {path: content for path, content in tree(store.root).items() if kept in str(path)}
    for turn in range(1, 1000):
        if new in store.names():
            remove(store, new)
        if task != "write":
            calls["write"]()
        failed = fail(calls[task], monkeypatch, owner, name, turn)
        now = tree(store.root)
        assert {path: now[path] for path in before} == before
        whole = [hash for hash in store.names() if store.has(hash)]
        assert verify(store, whole).faults == ()
        assert store.names() == tuple(whole)
        if owner is not os or name != "open":  # which clearing up needs as well
            assert not list(store.root.glob(".unfinished-*")) or task == "remove"
        if not failed:
            break
    assert turn < 1000
    assert store.has(new) is (task != "remove")


def fail(task, monkeypatch, owner, name, turn):
    """Let a task's call number `turn` fail; whether there was such a call."""
    true, calls = getattr(owner, name), []

    def broken(*args, **kwargs):
        calls.append(args)
        if len(calls) == turn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return true(*args, **kwargs)

    said = ""
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        try:
            task()
        except StoreError as error:
            said = str(error)
    assert "\n" not in said
    assert not said or ("No space left" in said and len(calls) >= turn)
    return len(calls) >= turn


SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from sklearn.datasets import load_digits
from handlens.data import Dataset, ImageSet
from handlens.errors import HandlensError
from handlens.spec import from_dict
from handlens.studies.planning.plan import plan, study
from handlens.studies.training.run import run_study
from handlens.studies.storage.store import Store
from handlens.studies.storage.verify import remove, verify

pixels, labels = load_digits(return_X_y=True)
images = np.clip(pixels * 16, 0, 255).astype(np.uint8).reshape(-1, 8, 8, 1)
names = tuple("0123456789")
parts = [ImageSet(images[a:b], labels[a:b].astype(np.int64), names) for a, b in ((0, 600), (600, 900))]
net = {"name": "net", "layers": ["Flatten()", "Dense(500)"], "epochs": 1}
recipes = [from_dict(net), from_dict({"name": "trees", "estimator": "forest(n_estimators=20)"})]
data = Dataset("digits", *parts)
made = study(name="s", dataset="digits", recipes=recipes, replicates=8)
answers = {}
for place in sys.argv[2:]:
    store, said = Store(Path(sys.argv[1], place, "runs")), ""
    try:
        run_study(made, data, store)
    except HandlensError as error:
        said = str(error)
    there = store.hashes()
    left = [path.name for path in store.root.glob(".*")]
    answer = {"said": said, "there": there, "names": store.names(), "left": left}
    answer["faults"] = [str(fault) for fault in verify(store, there).faults]
    for hash in there:
        remove(store, hash)
    answers[place] = answer | {"after": store.names()}
print(json.dumps(answers))
"""

SIZES = ("4k", "500k", "2m")
MOUNT = """
for place in "$@"; do
    size=$place; test "$place" = ro && size=1m
    mkdir "$0/$place" && mount -t tmpfs -o size="$size" tmpfs "$0/$place" || exit 99
done
mkdir "$0/ro/runs" && mount -o remount,ro "$0/ro" || exit 99
exec "$PYTHON" -c "$SCRIPT" "$0" "$@"
"""


@pytest.fixture(scope="module")
def mounted(tmp_path_factory):
    """What the script says of each place, file systems of a size in bytes, and one that is read-only."""
    if not shutil.which("unshare"):
        pytest.skip("no unshare, which gives a place to mount file systems in")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", MOUNT, tmp_path_factory.mktemp("mounts"), *SIZES, "ro"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHON": sys.executable, "SCRIPT": SCRIPT},
    )
    if done.returncode in (1, 99) and "Traceback" not in done.stderr:
        pytest.skip(f"no file system may be mounted here ({done.stderr.strip()})")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_a_small_disk_fills_up(mounted, size):
    done = mounted[size]
    assert "No space left on device" in done["said"]
    assert "finished runs are kept" in done["said"]
    assert "\n" not in done["said"]
    assert done["faults"] == done["left"] == done["after"] == []
    assert done["names"] == done["there"]
    assert bool(done["there"]) is (size != "4k")


@pytest.mark.slow
def test_a_folder_that_may_only_be_read(mounted):
    assert "Read-only file system" in mounted["ro"]["said"]
    assert mounted["ro"]["names"] == []
