"""Studies, runs and images: what the API says is what the records and the report say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pytest
from serve_support import STUDY
from starlette.testclient import TestClient

from handlens.data import Dataset, features
from handlens.report import row_dict
from handlens.report.topic import Table, Topic
from handlens.serve.library import Wanted
from handlens.studies.planning.plan import plan, read_study
from handlens.studies.storage.result import StudyResult
from handlens.studies.storage.store import Store
from handlens.studies.training.run import gather


def asked(client: TestClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def result(trained: Path, images: Dataset) -> StudyResult:
    study = read_study(trained / "reports" / "small" / "study.toml")
    return gather(study, plan(study, images), Store(trained / "runs"))


def test_the_table_is_the_reports(client: TestClient, result: StudyResult) -> None:
    told = asked(client, "/api/studies/small")
    for row, line in zip(result.rows, told["models"], strict=True):
        assert {key: line[key] for key in row_dict(row)} == row_dict(row)
    assert [line["runs"] for line in told["models"]] == [
        [run.trial.hash for run in member.runs] for member in result.members
    ]
    assert told["looks"] == {"runs": 6, "configurations": 3}
    assert (told["trials"], told["done"], told["running"], told["tested"]) == (6, 6, False, True)
    (listed,) = asked(client, "/api/studies")["studies"]
    assert listed.items() <= told.items()


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("model", ["lenet5", "stump"])
def test_confusion_and_the_images_of_its_cells(
    client: TestClient, result: StudyResult, images: Dataset, part: str, model: str
) -> None:
    member = next(m for m in result.members if m.name == model)
    told = asked(client, f"/api/studies/small/confusion?model={model}&part={part}")
    scores = [t.look.scores for t in member.tests] if part == "test" else [r.validation for r in member.runs]
    wanted = np.sum([s.confusion for s in scores], axis=0)
    assert told["matrix"] == wanted.tolist()
    for i, line in enumerate(told["scores"]):
        assert line["recall"] == pytest.approx(wanted[i, i] / wanted[i].sum())
    np.fill_diagonal(wanted, 0)
    shown, given = np.unravel_index(wanted.argmax(), wanted.shape)
    cell = asked(
        client,
        f"/api/studies/small/confusion/images?model={model}&part={part}&shown={shown}&given={given}&size=3",
    )
    assert sum(image["replicates"] for image in cell["images"]) <= wanted.max()
    assert 0 < cell["total"] <= wanted.max()
    source = images.test if part == "test" else images.train
    assert {int(source.labels[image["position"]]) for image in cell["images"]} == {int(shown)}
    sure = [image["probability"] for image in cell["images"]]
    assert sure == sorted(sure, reverse=True)
    assert len(cell["grid"]["tiles"]) == len(cell["images"]) <= 3


def test_charts_are_vega_lite(client: TestClient) -> None:
    for query in ("", "?model=mlp&model=stump"):
        told = asked(client, f"/api/studies/small/charts{query}")
        names = [chart["name"] for chart in told["charts"]]
        assert names[0] == "accuracy"
        assert "confusion" in names
        assert "curve-loss" in names
        for chart in told["charts"]:
            alt.LayerChart.from_dict(chart["spec"])  # raises unless it is a specification
    colours = {line["model"]: line["colour"] for line in asked(client, "/api/studies/small")["models"]}
    assert len(set(colours.values())) == 3


def test_topics_of_whoever_has_something_to_say(make_client: Any, trained: Path) -> None:
    calls = []

    def topics(result: StudyResult, *_: Any) -> tuple[Topic, ...]:
        calls.append(result)
        table = Table("Names", ("model",), tuple((row.model,) for row in result.rows))
        return (Topic("verdicts", "Verdicts", ("It is <b>so</b>.",), (table,), plain={"n": float("nan")}),)

    client = make_client(trained, make_topics=topics)
    for _ in range(2):
        (told,) = asked(client, "/api/studies/small/topics")["topics"]
    assert told["words"] == ["It is <b>so</b>."]
    assert len(told["tables"][0]["rows"]) == 3
    assert told["plain"] == {"n": None}
    assert len(calls) == 1  # found out once


def test_history(client: TestClient, result: StudyResult) -> None:
    curves = asked(client, "/api/studies/small/history?model=lenet5")["curves"]
    member = next(m for m in result.members if m.name == "lenet5")
    assert [curve["run"] for curve in curves] == [run.trial.hash for run in member.runs]
    assert [curve["replicate"] for curve in curves] == [1, 2]
    assert [e["loss"] for e in curves[0]["epochs"]] == [e.loss for e in member.runs[0].history]


def test_runs(client: TestClient, result: StudyResult) -> None:
    told = asked(client, "/api/runs?limit=2")
    assert (told["total"], len(told["runs"])) == (6, 2)
    made = [run["created"] for run in asked(client, "/api/runs?study=small")["runs"]]
    assert made == sorted(made, reverse=True)
    run = result.chosen.runs[0]
    whole = asked(client, f"/api/runs/{run.trial.hash[:8]}")
    assert whole["recipe"] == run.trial.recipe
    assert whole["environment"]["versions"] == run.environment.versions
    assert whole["test"]["accuracy"] == result.chosen.tests[0].look.scores.accuracy
    assert whole["studies"] == ["small"]


def test_data_by_class_and_feature(client: TestClient, images: Dataset) -> None:
    told = asked(client, "/api/data/small")
    parts = told["parts"]
    assert parts["training"]["images"] + parts["validation"]["images"] == len(images.train)
    both = np.add(parts["training"]["counts"], parts["validation"]["counts"])
    assert both.tolist() == images.train.counts().tolist()
    assert parts["test"] == {"images": 1000, "counts": images.test.counts().tolist(), "sealed": False}
    page = asked(client, "/api/data/small/images?part=test&class=3&sort=entropy&order=desc&size=5")
    found = [image["position"] for image in page["images"]]
    entropy = features(images.test.images).entropy
    threes = np.flatnonzero(images.test.labels == 3)
    assert found == threes[np.argsort(-entropy[threes], kind="stable")][:5].tolist()
    assert page["total"] == len(threes)
    low, high = np.quantile(entropy[threes], [0.2, 0.4])
    some = asked(client, f"/api/data/small/images?part=test&class=3&sort=entropy&low={low}&high={high}")
    assert some["total"] == np.count_nonzero((entropy[threes] >= low) & (entropy[threes] <= high))


def test_doubt_is_the_missing_probability(client: TestClient, result: StudyResult) -> None:
    page = asked(client, "/api/data/small/images?part=test&sort=doubt&order=desc&size=4&model=mlp")
    member = next(m for m in result.members if m.name == "mlp")
    true = np.mean([t.probabilities[np.arange(1000), t.labels] for t in member.tests], axis=0)
    assert page["images"][0]["position"] == int(true.argmin())
    assert page["images"][0]["doubt"] == pytest.approx(1 - true.min(), abs=1e-5)


def test_one_image(client: TestClient, images: Dataset) -> None:
    import io

    from PIL import Image

    answer = client.get("/api/data/small/images/test/5.png?scale=2")
    assert answer.headers["content-type"] == "image/png"
    shown = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert (shown[::2, ::2] == images.test.images[5, :, :, 0]).all()


def test_runs_alone_are_a_study_of_their_data_set(
    make_client: Any, trained: Path, runs: dict[str, str]
) -> None:
    client = make_client(trained, wanted=Wanted(runs=(runs["lenet5"], runs["stump"])))
    (listed,) = asked(client, "/api/studies")["studies"]
    assert (listed["kind"], listed["trials"]) == ("runs", 2)
    told = asked(client, f"/api/studies/{listed['name']}")
    assert {line["model"] for line in told["models"]} == {"lenet5", "stump"}
    assert asked(client, f"/api/data/{listed['name']}")["classes"] == told["classes"]
    assert client.get(f"/api/runs/{runs['mlp']}").status_code == 404  # not served
    answer = client.post("/api/predict", json={"pixels": np.zeros((28, 28)).tolist()})
    assert [m["run"] for m in answer.json()["models"]] == [line["runs"][0] for line in told["models"]]


def test_without_reports_all_runs_are_served(make_client: Any, trained: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(trained / "runs", tmp_path / "runs")
    client = make_client(tmp_path)
    (listed,) = asked(client, "/api/studies")["studies"]
    assert (listed["name"], listed["done"]) == ("runs of mnist-5k", 6)
    assert len(asked(client, "/api/studies/runs of mnist-5k")["models"]) == 3


def test_an_empty_place(make_client: Any, tmp_path: Path) -> None:
    client = make_client(tmp_path)
    assert asked(client, "/api/studies") == {"studies": []}
    assert asked(client, "/api/about")["runs"] == 0
    assert client.post("/api/predict", json={"pixels": [[1]]}).status_code == 404


def test_a_study_without_runs(make_client: Any, tmp_path: Path) -> None:
    (tmp_path / "later.toml").write_text(STUDY.replace('"small"', '"later"'), encoding="utf-8")
    client = make_client(tmp_path, wanted=Wanted(studies=(tmp_path / "later.toml",)))
    told = asked(client, "/api/studies/later")
    assert (told["models"], told["trials"], told["done"]) == ([], 6, 0)
    assert client.get("/api/studies/later/charts").status_code == 409
    assert asked(client, "/api/studies/later/history") == {"curves": []}
    assert asked(client, "/api/data/later")["parts"]["test"]["sealed"] is True


def test_the_document_names_everything(client: TestClient) -> None:
    said = asked(client, "/openapi.json")
    assert len(said["paths"]) >= 15
    docs = client.get("/docs")
    assert "<script>" not in docs.text
    for address in ("/static/vendor/swagger-ui.js", "/static/vendor/swagger-ui.css", "/docs/docs.js"):
        assert address in docs.text
        assert client.get(address).status_code == 200
