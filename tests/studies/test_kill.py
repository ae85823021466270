"""Studies that are killed, interrupted, run twice at once or short of disk, as real processes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from handlens.studies.storage.store import Store
from handlens.studies.storage.verify import verify

STUDY = """
dataset = "digits"
replicates = 3
[[recipe]]
name = "a"
layers = ["Flatten()", "Dense(32, activation='relu')"]
epochs = 6
[[recipe]]
name = "b"
layers = ["Conv2D(4, 3, activation='relu')", "Flatten()"]
epochs = 2
[[recipe]]
name = "c"
layers = ["Flatten()", "Dropout(0.3)"]
epochs = 12
[[recipe]]
name = "d"
layers = ["Flatten()"]
epochs = 9
"""
LONG = (
    'dataset = "digits"\nreplicates = 4\n[[recipe]]\nname = "long"\nlayers = ["Flatten()"]\nepochs = 99999\n'
)
SOAK = 50 if os.environ.get("HANDLENS_SOAK") else 5
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and process groups of POSIX")


@pytest.fixture(autouse=True)
def ctrl_c():
    """A process started here hears Ctrl-C even where these tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def handlens(tmp_path):
    """Start `handlens run` in its own process group, as a terminal would; whoever is left is killed."""
    started = []

    def start(name="study", *words, text=STUDY, code="from handlens.cli import main; main()", **environment):
        (tmp_path / f"{name}.toml").write_text(text)
        script = Path(sys.executable).with_name("handlens")  # what workers import again as their main module
        how = [script] if script.exists() and "trouble" not in code else [sys.executable, "-c", code]
        out = (tmp_path / f"{name}.out").open("w")
        process = subprocess.Popen(
            [*how, "run", f"{name}.toml", "--events", *words],
            cwd=tmp_path,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        out.close()
        process.out = tmp_path / f"{name}.out"
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            kill(process)
        process.stderr.close()


def kill(process):
    """The whole tree at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def events(process):
    return [json.loads(line) for line in process.out.read_text().splitlines() if line.endswith("}")]


def until(process, ready, seconds=120):
    """Wait until something is so, while the process lives."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def begun(process):
    return lambda: any(event["event"] == "epoch" for event in events(process))


def somebody_is_left(process):
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def nobody_is_left(process):
    """Of its group; Python's own helper of multiprocessing takes an instant to notice."""
    end = time.monotonic() + 10
    while somebody_is_left(process):
        assert time.monotonic() < end
        time.sleep(0.02)


def finish(process):
    assert process.wait(timeout=300) == 0, process.stderr.read()
    return events(process)


def finished(root):
    """The runs that are there, each with what would change if it were made again."""
    records = {path.parent.name: path for path in root.glob("*/run.json")}
    return {
        name: (path.parent.stat().st_ino, path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for name, path in records.items()
    }


def table(tmp_path, name="study"):
    return (tmp_path / "reports" / name / "scores.csv").read_bytes()


def test_kill_9_at_random_instants(handlens, tmp_path):
    """A study is killed again and again until it is over; then the next one, until all kills are spent."""
    whole = handlens("study", "--workers", "1", "--runs", "whole")
    finish(whole)
    expected = table(tmp_path)
    assert len(finished(tmp_path / "whole")) == 12
    rng, kills, round_ = random.Random(SOAK), 0, 0
    while kills < SOAK:
        runs, round_ = tmp_path / f"runs-{round_}", round_ + 1
        done, over = {}, False
        while not over:
            process = handlens("study", "--workers", "2", "--runs", str(runs))
            if kills < SOAK:
                some_time(process, rng)
            if kills < SOAK and process.poll() is None:
                kill(process)
                kills += 1
            else:
                finish(process)
                over = True
            now = finished(runs)
            assert {hash: now.get(hash) for hash in done} == done
            done = now
        assert len(done) == 12
        assert table(tmp_path) == expected
        store = Store(runs)
        assert verify(store, store.hashes()).faults == ()
        assert not list(runs.glob(".unfinished-*"))
        assert not list((runs / "checkpoints").glob("*"))


def some_time(process, rng):
    """Half of the instants come after training has begun, the others at any time before."""
    if rng.random() < 0.5:
        while process.poll() is None and not any(event["event"] == "epoch" for event in events(process)):
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.5))
    else:
        time.sleep(rng.uniform(0, 2.0))


def test_workers_do_not_outlive_a_parent_that_is_killed(handlens):
    process = handlens("long", "--workers", "2", text=LONG)
    until(process, begun(process))
    process.kill()
    process.wait()
    nobody_is_left(process)


@pytest.mark.parametrize("count", ["1", "2"])
def test_ctrl_c_stops_and_the_same_command_goes_on(handlens, tmp_path, count):
    text = STUDY.replace("epochs = 9", "epochs = 99999")
    process = handlens("study", "--workers", count, text=text)
    until(process, lambda: any(e["recipe"] == "d" and e["event"] == "epoch" for e in events(process)))
    before = finished(tmp_path / "runs")
    assert before
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 130
    said = process.stderr.read()
    assert said.strip() == "stopped: finished runs are kept in runs; the same command goes on from there"
    nobody_is_left(process)
    assert not list((tmp_path / "runs").glob(".unfinished-*"))
    process = handlens("study", "--workers", count, text=STUDY)
    finish(process)
    now = finished(tmp_path / "runs")
    assert {hash: now[hash] for hash in before} == before
    assert len(now) == 12


def slow_disk(handlens, tmp_path, seconds):
    """A study whose first run is being written, for so many seconds."""
    (tmp_path / "slow").write_text(str(seconds))
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    place = {"PYTHONPATH": path, "TROUBLE": str(tmp_path)}
    process = handlens("study", "--workers", "2", code="import trouble; trouble.main()", **place)
    until(process, (tmp_path / "saving").exists)
    os.killpg(process.pid, signal.SIGINT)
    return process


def test_ctrl_c_finishes_writing(handlens, tmp_path):
    process = slow_disk(handlens, tmp_path, 1.5)
    assert process.wait(timeout=60) == 130
    assert finished(tmp_path / "runs")
    assert "Traceback" not in process.stderr.read()


def test_a_second_ctrl_c_stops_now(handlens, tmp_path):
    process = slow_disk(handlens, tmp_path, 15)
    time.sleep(0.5)
    assert process.poll() is None
    begin = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert time.monotonic() - begin < 8
    assert not finished(tmp_path / "runs")
    assert "Traceback" not in process.stderr.read()
    nobody_is_left(process)


def test_two_at_once_train_nothing_twice(handlens, tmp_path):
    both = [handlens(name, "--workers", "2", text=f'name = "{name}"\n{STUDY}') for name in ("one", "two")]
    told = [finish(process) for process in both]
    kinds = [[(e["number"], e["event"]) for e in events if e["event"] in ("done", "kept")] for events in told]
    assert sorted(number for number, _ in kinds[0]) == sorted(number for number, _ in kinds[1])
    assert sorted(number for each in kinds for number, kind in each if kind == "done") == list(range(1, 13))
    assert table(tmp_path, "one") == table(tmp_path, "two")
    assert [path.name for path in (tmp_path / "runs" / "claims").iterdir()] == ["in-use"]


def mounted(tmp_path, mount, text=STUDY):
    """Run a study with two workers in a file system of its own."""
    if not shutil.which("unshare"):
        pytest.skip("no unshare, which gives a place to mount file systems in")
    (tmp_path / "study.toml").write_text(text)
    (tmp_path / "small").mkdir()
    code = "from handlens.cli import main; import sys; sys.argv = ['handlens', *sys.argv[1:]]; main()"
    words = "run study.toml --workers 2 --runs small/runs --json"
    script = f'{mount} || exit 99; "$PYTHON" -c "$CODE" {words}; said=$?; cp -r small/runs kept; exit $said'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHON": sys.executable, "CODE": code},
    )
    if done.returncode in (1, 99) and "Traceback" not in done.stderr:
        pytest.skip(f"no file system may be mounted here ({done.stderr.strip()})")
    return done


def test_a_full_disk_is_one_line_and_what_is_finished_stays(tmp_path):
    done = mounted(tmp_path, "mount -t tmpfs -o size=300k tmpfs small")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr
    assert "finished runs are kept" in done.stderr
    store = Store(tmp_path / "kept")
    assert 0 < len(store.hashes()) < 12
    assert verify(store, store.hashes()).faults == ()


def test_a_read_only_folder_is_one_line(tmp_path):
    mount = "mount -t tmpfs tmpfs small && mkdir small/runs && mount -o remount,ro small"
    done = mounted(tmp_path, mount)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Read-only file system" in done.stderr
