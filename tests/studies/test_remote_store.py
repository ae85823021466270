"""Runs on their way: parcels come out as they went in, and nothing else comes out of them."""

import dataclasses
import stat
import uuid
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlens.errors import HandlensError, StoreError
from handlens.studies.cluster import remote_store
from handlens.studies.cluster.remote_store import Shelf, pack, unpack
from handlens.studies.planning.plan import plan
from handlens.studies.storage.store import Store
from handlens.studies.training.trial import train_trial, training


@pytest.fixture(scope="module")
def made(digits, tmp_path_factory):
    """A store with one trained network, the run's name, and its parcel."""
    from handlens.spec import from_dict
    from handlens.studies.planning.plan import study

    net = from_dict(
        {"name": "net", "layers": ["Flatten()", "Dense(4)"], "epochs": 1, "optimizer": "SGD(0.1)"}
    )
    folder = tmp_path_factory.mktemp("made")
    store = Store(folder / "runs")
    [planned] = plan(study(name="s", dataset="d", recipes=[net], replicates=1), digits)
    run = train_trial(planned, training(digits), store)
    return store, run.trial.hash, pack(store, run.trial.hash, folder / "run.zip")


def files(store, hash):
    folder = store.folder(hash)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_run_arrives_as_it_left(made, tmp_path):
    store, hash, parcel = made
    arrived = Store(tmp_path / "runs")
    run = unpack(parcel, hash, tmp_path / "unpacked").store_in(arrived)
    assert run == store.read(hash) == arrived.read(hash)
    assert files(arrived, hash) == files(store, hash)
    assert [path.name for path in arrived.root.iterdir()] == [hash]


def test_another_run_is_refused(made, tmp_path):
    parcel = made[2]
    with pytest.raises(StoreError, match="is the record of run"):
        unpack(parcel, "0" * 20, tmp_path / "unpacked")


@pytest.mark.parametrize(
    "name",
    ["../run.json", "/etc/run.json", "model/../../x", "C:\\x", "model\\x", "a//b", ".hidden", "model/", ""],
)
def test_names_that_lead_elsewhere_are_refused(made, tmp_path, name):
    _, hash, parcel = made
    bad = tmp_path / "bad.zip"
    bad.write_bytes(parcel.read_bytes())
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(StoreError, match="holds a file called"):
        unpack(bad, hash, tmp_path / "inner" / "unpacked")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [bad]


def test_a_link_arrives_as_a_plain_file(made, tmp_path):
    _, hash, parcel = made
    bad = tmp_path / "bad.zip"
    bad.write_bytes(parcel.read_bytes())
    link = zipfile.ZipInfo("model/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr(link, b"/etc/passwd")
    unpack(bad, hash, tmp_path / "unpacked")
    path = tmp_path / "unpacked" / hash / "model" / "link"
    assert not path.is_symlink()
    assert path.read_bytes() == b"/etc/passwd"


def test_what_swells_is_refused_before_it_does(made, tmp_path):
    _, hash, _ = made
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run.json", bytes(10**7))
    with pytest.raises(StoreError, match="compressed"):
        unpack(bomb, hash, tmp_path / "unpacked")
    assert not (tmp_path / "unpacked" / hash / "run.json").exists()


def test_files_that_share_their_bytes_are_refused(made, tmp_path):
    """Many entries of the directory that lead to the same bytes: a bomb without compression."""
    _, hash, _ = made
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w") as archive:
        archive.writestr("a", bytes(10**5))
        first = archive.infolist()[0]
        for number in range(50):
            twin = zipfile.ZipInfo(f"a{number}")
            for name in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(twin, name, getattr(first, name))
            archive.filelist.append(twin)
    with pytest.raises(StoreError, match="more than it holds"):
        unpack(bomb, hash, tmp_path / "unpacked")


def test_too_many_files_and_files_for_folders_are_refused(made, tmp_path, monkeypatch):
    _, hash, parcel = made
    clash = tmp_path / "clash.zip"
    with zipfile.ZipFile(clash, "w") as archive:
        archive.writestr("model", b"x")
        archive.writestr("model/x", b"x")
    with pytest.raises(StoreError, match="a file and a folder of one name"):
        unpack(clash, hash, tmp_path / "one")
    monkeypatch.setattr(remote_store, "FILES_LIMIT", 3)
    with pytest.raises(StoreError, match="files"):
        unpack(parcel, hash, tmp_path / "two")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_happens_to_a_parcel_it_is_refused_or_right(made, tmp_path, data):
    store, hash, parcel = made
    raw = bytearray(parcel.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            raw[at] ^= data.draw(st.integers(1, 255))
        elif at:
            del raw[at:]
    folder = tmp_path / uuid.uuid4().hex
    folder.mkdir()
    (folder / "run.zip").write_bytes(raw)
    try:
        received = unpack(folder / "run.zip", hash, folder / "unpacked")
    except StoreError:
        return
    assert received.run == store.read(hash)
    received.store_in(Store(folder / "runs"))
    assert files(Store(folder / "runs"), hash) == files(store, hash)


fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (extra ray)")


@pytest.fixture(params=["path", "file", "memory"])
def shelf(request, tmp_path):
    made = {
        "path": Shelf.of(str(tmp_path / "shelf")),
        "file": Shelf.of(f"file://{tmp_path}/shelf"),
        "memory": Shelf(f"memory://{uuid.uuid4().hex}"),
    }[request.param]
    if request.param == "memory":
        fsspec.filesystem("memory").makedirs(made.address)
    else:
        made.check()
    return made


def test_a_shelf_keeps_parcels(made, shelf, tmp_path):
    _, hash, parcel = made
    assert not shelf.has(hash)
    with pytest.raises(StoreError, match="cannot be read"):
        shelf.get(hash, tmp_path / "fetched.zip")
    shelf.put(hash, parcel)
    shelf.put(hash, parcel)  # another machine had the same trial
    assert shelf.has(hash)
    assert shelf.get(hash, tmp_path / "fetched.zip").read_bytes() == parcel.read_bytes()
    places, root = fsspec.core.url_to_fs(shelf.address)
    assert [Path(name).name for name in places.ls(root, detail=False)] == [f"{hash}.zip"]
    shelf.remove(hash)
    assert not shelf.has(hash)


def test_a_parcel_too_large_is_not_fetched(made, shelf, tmp_path, monkeypatch):
    _, hash, parcel = made
    shelf.put(hash, parcel)
    monkeypatch.setattr(remote_store, "SIZE_LIMIT", 100)
    with pytest.raises(StoreError, match="bytes"):
        shelf.get(hash, tmp_path / "fetched.zip")
    assert not (tmp_path / "fetched.zip").exists()


@pytest.mark.parametrize("address", ["memory://runs", "nonsense://runs", "/proc/no/such/folder"])
def test_a_place_that_cannot_be_is_one_line(address):
    with pytest.raises(HandlensError) as caught:
        Shelf.of(address).check()
    assert address in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_relative_path_is_the_same_on_every_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Shelf.of("shelf").address == str(tmp_path / "shelf")
    assert dataclasses.replace(Shelf.of("s3://bucket/runs")).address == "s3://bucket/runs"
