"""Downloads from a real server on this machine that behaves badly on request."""

import hashlib
import io
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from mirrors import Behaviour, Site, running

from handlens.data.catalogue import Entry, File
from handlens.data.download import download
from handlens.data.transfer import Failed, Patience, transfer
from handlens.errors import DataError

BODY = bytes(range(256)) * 4000
NAME = "train-images-idx3-ubyte.gz"
QUICK = Patience(connect=2.0, read=0.3)


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


def published(body: bytes = BODY, name: str = NAME) -> File:
    return File(name, len(body), hashlib.sha256(body).hexdigest())


def good(body: bytes = BODY) -> Behaviour:
    return Behaviour({NAME: body})


def test_a_whole_file(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = good()
    (path,) = download(site.entry(published()), tmp_path / "new", QUICK, progress=False)
    assert path == tmp_path / "new" / NAME
    assert path.read_bytes() == BODY
    assert [file.name for file in path.parent.iterdir()] == [NAME]


def test_what_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = good()
    for _ in range(2):
        download(site.entry(published()), tmp_path, QUICK)
    assert site.mirrors["one"].requests == 1


def test_several_files_and_a_progress_bar(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    site.mirrors["one"] = Behaviour({"images": b"first", "labels": b"second"})
    files = published(b"first", "images"), published(b"second", "labels")
    paths = download(site.entry(*files), tmp_path, progress=True)
    assert [path.read_bytes() for path in paths] == [b"first", b"second"]
    out, err = capsys.readouterr()
    assert out == ""
    assert "images" in err
    assert "6/6 bytes" in err


def test_a_broken_transfer_is_taken_up_where_it_broke(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(), cut=[300_000, 200_000])
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY
    assert site.mirrors["one"].asked == [None, "bytes=300000-", "bytes=500000-"]


def test_it_is_taken_up_by_a_later_call(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(), cut=[1000, 0])
    with pytest.raises(DataError, match="connection broke"):
        download(site.entry(published()), tmp_path, QUICK)
    assert (tmp_path / f"{NAME}.part").stat().st_size == 1000
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY
    assert site.mirrors["one"].asked[-1] == "bytes=1000-"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_changed_since_is_fetched_from_its_beginning(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(b"x" * len(BODY)), cut=[1000, 0])
    with pytest.raises(DataError):
        download(site.entry(published()), tmp_path, QUICK)
    site.mirrors["one"] = replace(good(), etag='"two"')
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert site.mirrors["one"].asked == ["bytes=1000-"]
    assert path.read_bytes() == BODY


def test_a_server_without_ranges_sends_it_all_again(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(), ranges=False, cut=[300_000])
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY
    assert site.mirrors["one"].requests == 2


def test_a_server_without_validators_is_asked_for_it_all(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(), etag="", cut=[300_000])
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY
    assert site.mirrors["one"].asked == [None, None]


def test_a_spoilt_beginning_is_thrown_away(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(), cut=[1000, 0])
    with pytest.raises(DataError):
        download(site.entry(published()), tmp_path, QUICK)
    (tmp_path / f"{NAME}.part").write_bytes(b"?" * 1000)
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY
    assert site.mirrors["one"].asked[2:] == ["bytes=1000-", None]


def test_an_unfinished_file_that_is_too_long_is_thrown_away(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(), cut=[1000, 0])
    with pytest.raises(DataError):
        download(site.entry(published()), tmp_path, QUICK)
    (tmp_path / f"{NAME}.part").write_bytes(BODY)
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY


def test_a_wrong_hash_and_then_the_second_mirror(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = good(BODY[:-1] + b"!")
    site.mirrors["two"] = good()
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY
    assert (site.mirrors["one"].requests, site.mirrors["two"].requests) == (1, 1)


def test_a_wrong_hash_everywhere_leaves_nothing_behind(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = good(BODY[:-1] + b"!")
    with pytest.raises(DataError, match="not what was published"):
        download(site.entry(published()), tmp_path, QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_404_and_then_the_second_mirror(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = Behaviour({})
    site.mirrors["two"] = good()
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY
    assert site.mirrors["one"].requests == 1


def test_a_time_out_and_then_the_second_mirror(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(), stall=1.0)
    site.mirrors["two"] = good()
    begun = time.monotonic()
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY
    assert time.monotonic() - begun < 1.0


@pytest.mark.parametrize(("announce", "says"), [(True, "are announced"), (False, "came")])
@pytest.mark.parametrize("body", [BODY * 20, BODY[:1000]])
def test_a_file_of_another_size_is_not_taken(
    site: Site, tmp_path: Path, body: bytes, announce: bool, says: str
) -> None:
    site.mirrors["one"] = replace(good(body), announce=announce)
    with pytest.raises(DataError, match=f"bytes {says}, 1,024,000 were published"):
        download(site.entry(published()), tmp_path, QUICK)
    assert not list(tmp_path.glob("*.part"))


def test_an_endless_file_is_read_no_further_than_needed(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(BODY * 20), announce=False)
    came: list[int] = []
    with pytest.raises(Failed):
        transfer(f"{site.address}/one/{NAME}", published(), tmp_path / "part", QUICK, came.append)
    assert sum(came) == len(BODY) + 1


def test_a_beginning_from_one_mirror_is_not_continued_at_another(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = replace(good(b"?" * len(BODY)), cut=[1000, 0])
    site.mirrors["two"] = good()
    (path,) = download(site.entry(published()), tmp_path, QUICK)
    assert path.read_bytes() == BODY
    assert site.mirrors["two"].asked == [None]


def test_all_mirrors_dead_says_what_to_put_where(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = Behaviour({}, status=503)
    site.mirrors["two"] = replace(good(), stall=1.0)
    entry = site.entry(published(), published(b"x", "labels"))
    entry = replace(entry, mirrors=(*entry.mirrors, "http://127.0.0.1:9/"))
    with pytest.raises(DataError) as caught:
        download(entry, tmp_path, QUICK)
    told = str(caught.value)
    assert "HTTP 503" in told
    assert "no answer in time" in told
    assert "no connection" in told
    assert f"{NAME}, labels from http://page" in told
    assert str(tmp_path) in told
    assert "\n" not in told


def test_no_mirror_at_all(tmp_path: Path) -> None:
    entry = Entry("n", "N", "http://page", "", "", MappingProxyType({}), (File("a.csv"), File("b.csv")))
    with pytest.raises(
        DataError, match=r"without a login.*a\.csv, b\.csv from http://page and put them into"
    ):
        download(entry, tmp_path)


def test_a_folder_that_cannot_be_made(site: Site, tmp_path: Path) -> None:
    site.mirrors["one"] = good()
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"(?i)put them into"):
        download(site.entry(published()), tmp_path / "file" / "folder", QUICK)


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def test_members_of_an_archive(site: Site, tmp_path: Path) -> None:
    body = packed({"gzip/a": b"first", "gzip/b": b"second", "../c": b"outside", "gzip/../../d": b"outside"})
    site.mirrors["one"] = Behaviour({"gzip.zip": body})
    archive = replace(published(body, "gzip.zip"), folder="gzip")
    paths = download(site.entry(File("a"), File("b"), archive=archive), tmp_path / "new", QUICK)
    assert [path.read_bytes() for path in paths] == [b"first", b"second"]
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["a", "b", "new"]
    download(site.entry(File("a"), File("b"), archive=archive), tmp_path / "new", QUICK)
    assert site.mirrors["one"].requests == 1


@pytest.mark.parametrize(
    ("members", "says"),
    [({"gzip/b": b"first"}, "lacks a"), ({"gzip/a": b"0" * 100_000}, "promises 100,000 bytes")],
)
def test_an_archive_without_what_it_should_hold(
    site: Site, tmp_path: Path, members: dict[str, bytes], says: str
) -> None:
    body = packed(members)
    site.mirrors["one"] = Behaviour({"gzip.zip": body})
    with pytest.raises(DataError, match=says):
        download(site.entry(File("a"), archive=replace(published(body, "gzip.zip"), folder="gzip")), tmp_path)
