"""Damage is named by run and file; reading a damaged run is a StoreError; what is removed is made again."""

import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlens.errors import StoreError
from handlens.studies.planning.plan import plan
from handlens.studies.storage import disk, manifest
from handlens.studies.storage.gather import by_dataset
from handlens.studies.storage.store import Store
from handlens.studies.storage.verify import mend, remove, verify
from handlens.studies.training.run import run_study
from handlens.studies.training.trial import load_model, open_test, train_trial, training


@pytest.fixture(scope="module")
def whole(digits, tmp_path_factory):
    """Runs of every engine, one replicate with its look at the test images."""
    from handlens.spec import from_dict
    from handlens.studies.planning.plan import study

    store = Store(tmp_path_factory.mktemp("whole") / "runs")
    net = {"name": "net", "layers": ["Flatten()", "Dense(8)"], "epochs": 1, "optimizer": "SGD(0.3)"}
    recipes = [from_dict(net), from_dict({"name": "trees", "estimator": "forest(n_estimators=2)"})]
    made = study(name="s", dataset="digits-test", recipes=recipes, replicates=1, test="all")
    run_study(made, digits, store)
    return store, made


@pytest.fixture
def copy(whole, tmp_path):
    return Store(shutil.copytree(whole[0].root, tmp_path / "runs"))


def everything(store, hash):
    """All that anybody reads of a run."""
    store.read(hash), store.predictions(hash), store.right(hash)
    if store.opened(hash):
        store.tested(hash), store.right(hash, test=True)
    store.model(hash), load_model(store, hash)
    by_dataset(store, [hash])


def refusal(read, hash):
    """What is said where a run cannot be read; nothing where it can. Any other exception passes."""
    try:
        read(hash)
    except StoreError as error:
        return str(error)
    return ""


def test_whole_runs_have_no_fault(whole):
    store = whole[0]
    found = verify(store, store.names())
    assert (found.runs, found.faults) == (2, ())
    assert found.files == sum(1 for hash in store.names() for _ in disk.files(store.folder(hash)))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(data=st.data())
def test_one_flipped_byte_anywhere_is_named(whole, data):
    store = whole[0]
    hash = data.draw(st.sampled_from(store.names()))
    path = data.draw(st.sampled_from(sorted(disk.files(store.folder(hash)))))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = data.draw(st.integers(1, 255))
    try:
        path.write_bytes(content[:at] + bytes([content[at] ^ flipped]) + content[at + 1 :])
        faults = verify(store, store.names()).faults
        said = refusal(lambda hash: everything(store, hash), hash)
    finally:
        path.write_bytes(content)
    assert [(f.run, f.file) for f in faults] == [(hash, path.relative_to(store.folder(hash)).as_posix())]
    assert faults[0].harm
    assert "damaged" in faults[0].what
    # Nobody reads history.csv but people.
    assert path.name == "history.csv" or hash in said


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(data=st.data())
def test_what_hostile_hands_list_anew_is_a_store_error_or_readable(whole, data):
    """The list of files vouches for the damage: now the readers are alone with it."""
    store = whole[0]
    hash = data.draw(st.sampled_from(store.names()))
    part = data.draw(st.sampled_from([store.folder(hash), store.folder(hash) / "test"]))
    ours = [p for p in sorted(disk.files(part)) if p.parent == part and p.name != "files.json"]
    path = data.draw(st.sampled_from(ours))
    content, listed = path.read_bytes(), (part / "files.json").read_bytes()
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(0, len(changed))) :]
    try:
        path.write_bytes(changed)
        aside = part.parent / "aside"
        if part.name != "test":
            (part / "test").rename(aside)
        (part / "files.json").unlink()
        manifest.write(part)
        if part.name != "test":
            aside.rename(part / "test")
        for read in (
            store.read,
            store.predictions,
            store.right,
            store.tested,
            lambda hash: by_dataset(store, [hash]),
        ):
            assert "\n" not in refusal(read, hash)
    finally:
        path.write_bytes(content)
        (part / "files.json").write_bytes(listed)


@pytest.mark.parametrize("file", ["run.json", "predictions.npz", "files.json", "test/look.json", "model"])
def test_what_is_missing_is_named(copy, file):
    hash = copy.names()[0]
    path = copy.folder(hash) / file
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    faults = verify(copy, copy.names()).faults
    assert {fault.run for fault in faults} == {hash}
    assert all(fault.file.startswith(file) and fault.what == "is missing" for fault in faults)
    assert faults


def test_what_was_added_is_named_but_does_no_harm(copy):
    hash = copy.names()[0]
    for name in ("notes.txt", "model/more", "test/more"):
        (copy.folder(hash) / name).write_text("mine")
    faults = verify(copy, copy.names()).faults
    assert {(fault.file, fault.harm) for fault in faults} == {
        ("notes.txt", False),
        ("model/more", False),
        ("test/more", False),
    }
    assert mend(copy, faults) == ()
    assert copy.has(hash)


def test_a_run_under_another_name_is_named(copy):
    hash = copy.names()[0]
    other = "0123456789abcdef0123"
    copy.folder(hash).rename(copy.folder(other))
    (fault,) = verify(copy, [other]).faults
    assert str(fault) == f"{other}/run.json is the record of run {hash}"


def test_a_damaged_run_is_named_with_its_remedy_and_made_again(copy, whole, digits):
    study = whole[1]
    hash = plan(study, digits)[0].trial.hash
    before = copy.predictions(hash).probabilities
    path = copy.folder(hash) / "predictions.npz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        StoreError, match=f"handlens runs verify {hash[:8]} --remove --runs .* makes it again"
    ):
        run_study(study, digits, copy)
    assert mend(copy, verify(copy, copy.names()).faults) == (hash,)
    assert hash not in copy.names()
    run_study(study, digits, copy)
    assert verify(copy, copy.names()).faults == ()
    np.testing.assert_array_equal(copy.predictions(hash).probabilities, before)


def test_where_test_scores_alone_are_damaged_the_model_stays(copy, whole, digits):
    hash = copy.names()[0]
    created = copy.read(hash).created
    (copy.folder(hash) / "test" / "look.json").write_text("{}")
    with pytest.raises(StoreError, match=r"look\.json"):
        run_study(whole[1], digits, copy)
    assert mend(copy, verify(copy, copy.names()).faults) == (hash,)
    assert copy.has(hash)
    assert not copy.opened(hash)
    run_study(whole[1], digits, copy)
    assert copy.opened(hash)
    assert copy.read(hash).created == created
    assert copy.looks(digits.test.digest()).runs == 2


def test_removing_takes_what_belongs_to_the_run_and_leaves_its_look(copy, digits):
    hash, other = copy.names()
    for name in (hash, f"{hash}.json", other):
        for folder in ("failed", "checkpoints"):
            (copy.root / folder).mkdir(exist_ok=True)
            (copy.root / folder / name).write_text("left")
    remove(copy, hash)
    assert copy.names() == (other,)
    for folder in ("failed", "checkpoints"):
        assert [p.name for p in (copy.root / folder).iterdir()] == [other]
    assert copy.looks(digits.test.digest()).runs == 2
    assert not list(copy.root.glob(".*"))


@pytest.mark.parametrize("name", ["looks", "failed", "..", "0" * 20, ""])
def test_only_runs_are_removed(copy, name):
    with pytest.raises(StoreError, match="no run of this store"):
        remove(copy, name)
    assert len(copy.names()) == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_runs_of_two_machines_are_merged_by_copying(small, digits, tmp_path, order):
    """Each trains a part, one of the runs both; one of them has opened test images."""
    items = plan(small, digits)
    machines = [Store(tmp_path / name) for name in ("a", "b")]
    for machine, part in zip(machines, (items[:3], items[2:5]), strict=True):
        for item in part:
            train_trial(item, training(digits), machine)
            if machine is machines[0] or item is items[4]:
                open_test(item.trial.hash, digits.test, machine)
    merged = Store(tmp_path / "merged")
    for at in order:
        shutil.copytree(machines[at].root, merged.root, dirs_exist_ok=True)
    assert set(merged.names()) == {item.trial.hash for item in items[:5]}
    assert verify(merged, merged.names()).faults == ()
    looks = merged.looks(digits.test.digest())
    assert (looks.runs, looks.configurations) == (4, 3)
    for item in items[:5]:
        everything(merged, item.trial.hash)
    opened = [merged.opened(item.trial.hash) for item in items[:5]]
    assert opened == [True, True, True, False, True]
    before = {hash: merged.read(hash).created for hash in merged.names()}
    run_study(small, digits, merged)
    assert {hash: merged.read(hash).created for hash in before} == before
    assert len(merged.names()) == 6


def test_half_a_copy_is_named(copy, tmp_path):
    """A copy that was broken off: what came is held against the list, or there is none."""
    hash = copy.names()[0]
    names = sorted(p.relative_to(copy.folder(hash)) for p in disk.files(copy.folder(hash)))
    for count in range(1, len(names)):
        half = Store(tmp_path / str(count))
        for name in names[:count]:
            (half.folder(hash) / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(copy.folder(hash) / name, half.folder(hash) / name)
        lost = [name for name in names[count:] if name.parts[0] != "test"]
        faults = verify(half, half.names()).faults
        assert bool(faults) is bool(lost or (half.folder(hash) / "test").exists())
        assert not lost or "missing" in str(faults)


def test_two_studies_share_their_runs(small, digits, store):
    import dataclasses

    first = run_study(small, digits, store)
    before = {hash: store.read(hash).created for hash in store.names()}
    trained = []
    other = dataclasses.replace(small, name="other", recipes=small.recipes[1:])
    second = run_study(other, digits, store, on_event=lambda event: trained.append(event.kind))
    assert set(trained) == {"kept"}
    assert {hash: store.read(hash).created for hash in store.names()} == before
    hashes = {run.trial.hash for member in first.members for run in member.runs}
    assert {run.trial.hash for member in second.members for run in member.runs} < hashes
