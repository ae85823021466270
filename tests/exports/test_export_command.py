"""`handlens export` and `handlens card`, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from handlens import cli
from handlens.exports.document import read_json


@pytest.fixture
def handlens(bench: Any, tmp_path: Path, monkeypatch: Any, capsys: Any) -> Any:
    """Call a command by its words, in an empty folder, with the runs of the bench."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDLENS_RUNS", str(bench.store.root))
    monkeypatch.setenv("HANDLENS_REPORTS", str(tmp_path / "reports"))

    def call(*words: object) -> SimpleNamespace:
        monkeypatch.setattr("sys.argv", ["handlens", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        output = capsys.readouterr()
        return SimpleNamespace(status=left.value.code or 0, out=output.out, err=output.err)

    return call


def test_each_form_by_its_own_name(handlens: Any, bench: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs onnx: pip install 'handlens[onnx]'")
    hash = bench.hashes["lenet5"]
    for to in ("onnx", "html", "json"):
        done = handlens("export", hash[:10], "--to", to)
        assert (done.status, done.err) == (0, "")
        path = tmp_path / f"lenet5-{hash[:8]}.{to}"
        assert done.out.startswith(
            f"{path.name}: {path.stat().st_size:,} bytes; lenet5, run {hash[:8]}, test"
        )
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".html", ".json", ".onnx"]


def test_for_a_program(handlens: Any, bench: Any, tmp_path: Path) -> None:
    done = handlens("export", bench.hashes["lenet5"], "--to", "json", "--out", "x.json", "--json")
    plain = json.loads(done.out)
    assert plain["bytes"] == (tmp_path / "x.json").stat().st_size
    assert plain["passport"] == read_json(tmp_path / "x.json")[1]
    assert (
        handlens("export", bench.hashes["lenet5"], "--to", "html", "-o", "y.html", "-q").out.count("\n") == 1
    )


def test_a_file_is_only_written_over_when_asked(handlens: Any, bench: Any, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("mine")
    words = ("export", bench.hashes["lenet5"], "--to", "json", "--out", "x.json")
    done = handlens(*words)
    assert done.status == 2
    assert "exists already" in done.err
    assert "--force" in done.err
    assert (tmp_path / "x.json").read_text() == "mine"
    assert handlens(*words, "--force").status == 0
    read_json(tmp_path / "x.json")


def test_what_cannot_be(handlens: Any, bench: Any, classic: Any, tmp_path: Path) -> None:
    hash, other = bench.hashes["lenet5"], classic.hashes
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    runs = ("--runs", classic.store.root)
    for words, said in [
        (("export", hash, "--to", "onx"), "did you mean 'onnx'"),
        (("export", hash, "--to", "pickle"), "known: html, json, keras, onnx"),
        (("export", "nothing", "--to", "html"), "runs list"),
        (("export", hash, "--to", "html", "--bits", "8"), "expected 16 or 32"),
        (("export", hash, "--to", "onnx", "--bits", "16"), "--to html or --to json"),
        (("export", hash, "--to", "html", "--input", "uint8"), "--to onnx"),
        (("export", hash, "--to", "onnx", "--input", "int8"), "uint8 or float32"),
        (("export", hash, "--to", "html", "-o", "file/x.html"), "cannot be written"),
        (("export", hash, "--to", "html", "-o", "folder"), "is a folder"),
        (("export", hash, "--to", "keras", "-o", "x.h5"), "ends in .keras"),
        (("export", other["forest"], "--to", "html", *runs), "randomforestclassifier cannot be exported"),
        (("export", other["knn"], "--to", "json", *runs), "--to onnx knows forest"),
        (("export", other["rbf-svm"], "--to", "html", *runs), "expected a network, logistic"),
        (("card", "nothing"), "runs list"),
        (("card", hash, "--out", "folder"), "is a folder"),
    ]:
        done = handlens(*words)
        assert (done.status, done.out) == (2, ""), words
        assert said in done.err.lower(), done.err
        assert done.err.startswith("handlens: ")
        assert done.err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_the_folder_is_made(handlens: Any, bench: Any, tmp_path: Path) -> None:
    hash = bench.hashes["lenet5"]
    assert handlens("export", hash, "--to", "json", "-o", "new/deep/x.json").status == 0
    read_json(tmp_path / "new" / "deep" / "x.json")


def test_a_folder_that_may_not_be_written(handlens: Any, bench: Any, monkeypatch: Any) -> None:
    def locked(**_: object) -> str:
        raise PermissionError(13, "Permission denied")  # which root, who may run this, is never told

    monkeypatch.setattr("handlens.exports.files.tempfile.mkdtemp", locked)
    done = handlens("export", bench.hashes["lenet5"], "--to", "html", "-o", "x.html")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "x.html: cannot be written (Permission denied)" in done.err


def test_nothing_is_left_of_a_file_that_cannot_be_finished(
    handlens: Any, bench: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    """The disk is full while the file is written, and what was there before stays."""
    (tmp_path / "x.html").write_text("old")

    def full(self: Path, *_: object, **__: object) -> int:
        self.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    done = handlens("export", bench.hashes["lenet5"], "--to", "html", "-o", "x.html", "--force")
    assert done.status == 2
    assert "No space left on device" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["x.html"]
    assert (tmp_path / "x.html").read_text() == "old"


def test_the_card(handlens: Any, bench: Any, tmp_path: Path) -> None:
    printed = handlens("card", bench.hashes["lenet5"][:10])
    assert printed.status == 0
    assert printed.out.startswith("# Model card: lenet5\n")
    done = handlens("card", bench.hashes["lenet5"], "--out", "MODEL.md")
    assert done.out.startswith("MODEL.md: ")
    assert (tmp_path / "MODEL.md").read_text(encoding="utf-8") == printed.out
    assert handlens("card", bench.hashes["lenet5"], "--out", "MODEL.md").status == 2
    plain = json.loads(handlens("card", bench.hashes["lenet5"], "--json").out)
    assert plain["card"] == printed.out
    assert plain["run"] == bench.hashes["lenet5"]


def test_a_classifier_on_a_page(handlens: Any, classic: Any, tmp_path: Path) -> None:
    for name in ("logistic", "linear-svm", "dummy", "perceptron"):
        words = ("--to", "html", "-o", f"{name}.html", "--runs", classic.store.root)
        assert handlens("export", classic.hashes[name], *words).status == 0
        assert "<canvas" in (tmp_path / f"{name}.html").read_text(encoding="utf-8")
