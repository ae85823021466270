import pytest

from handlens.labs.variants import Quick, folder

TINY = {"training": 200, "test": 100, "epochs": 1, "replicates": 1, "keras": 1}


@pytest.fixture
def studies(tmp_path, monkeypatch):
    """Lab C's study on images that come with a package; a quick run that takes seconds."""
    monkeypatch.setattr("handlens.labs.variants.Quick.__init__.__defaults__", tuple(TINY.values()))
    place = tmp_path / "studies"
    place.mkdir()
    text = (folder() / "c.toml").read_text(encoding="utf-8")
    (place / "c.toml").write_text(text.replace('dataset = "mnist"', 'dataset = "mnist-5k"'))
    assert Quick().training == TINY["training"]
    return place


def test_help_has_an_example(handlens):
    assert "Example: handlens labs A E --quick" in " ".join(handlens("labs", "--help").out.split())


def test_a_quick_lab_leaves_table_markdown_and_page(handlens, studies, tmp_path):
    done = handlens("labs", "c", "--quick", "--studies", studies, "--workers", 1, "-q")
    assert (done.status, done.err) == (0, "")
    assert "hidden-300-300-300" in done.out
    assert "quick run: not judged" in done.out
    folder = tmp_path / "reports" / "labs-quick"
    assert "## Lab C." in (folder / "labs.md").read_text()
    assert "Lab C." in (folder / "report.html").read_text()
    words = ("--workers", 1, "--json", "--times", "runs")
    again = handlens("labs", "C", "--quick", "--studies", studies, *words)
    rows = again.json["labs"][0]["rows"]
    assert {row["engine"] for row in rows} == {"from scratch", "Keras"}
    assert rows[0]["parameters"] == rows[1]["parameters"] == 7960
    assert rows[1]["obtained"] is not None
    assert all(row["verdict"] is None for row in rows)
    assert rows[0]["elsewhere"] == [[rows[0]["wall_s"], rows[0]["device"]]]


def test_further_replicates_come_after_what_every_lab_asks_for(handlens, monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr("handlens.labs.run.run_lab", lambda lab, how: done.append(f"run {lab.name}") or lab)
    monkeypatch.setattr("handlens.labs.more.settled", lambda lab, how: done.append(f"more {lab.name}") or lab)
    monkeypatch.setattr("handlens.labs.output.write", lambda found, folder, command: tmp_path)
    monkeypatch.setattr("handlens.labs.output.summary", lambda found: {})
    assert handlens("labs", "C", "B", "--json").status == 0
    assert done == ["run C", "run B", "more C", "more B"]


def test_the_time_of_what_is_missing(handlens, studies, monkeypatch):
    fewer = tuple((TINY | {"keras": 0}).values())
    monkeypatch.setattr("handlens.labs.variants.Quick.__init__.__defaults__", fewer)
    done = handlens("labs", "C", "--quick", "--time", "--studies", studies, "--json")
    assert done.json[0]["missing"] == done.json[0]["trials"] == 6
    assert done.json[0]["seconds"] > 0


def test_a_lab_that_is_not_there(handlens):
    done = handlens("labs", "F")
    assert done.status == 2
    assert "no lab is called 'F'" in done.err


def test_a_folder_without_the_study(handlens, tmp_path):
    done = handlens("labs", "C", "--studies", tmp_path)
    assert done.status == 2
    assert "there is no such study file" in done.err
