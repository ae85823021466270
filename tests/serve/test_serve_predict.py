"""Pictures in, answers out: the same as the model's own, whichever way the picture came."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serve_support import png, site_of
from starlette.testclient import TestClient

from handlens.data import Dataset
from handlens.errors import SpecError
from handlens.studies.storage.store import Store
from handlens.studies.training.trial import load_model


def asked(client: TestClient, run: str, **how: Any) -> Any:
    answer = client.post(f"/api/predict?run={run}&fit=false&details=false", **how)
    assert answer.status_code == 200, answer.text
    return answer.json()


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def expected(root: Path, run: str, images: Any) -> Any:
    return load_model(Store(root / "runs"), run)[1].predict_proba(images)


@pytest.fixture(scope="module")
def some(images: Dataset) -> Any:
    return np.asarray(images.test.images[:7])


@pytest.mark.parametrize("model", ["lenet5", "mlp", "stump"])
@pytest.mark.parametrize("how", ["lists", "base64", "files", "data"])
def test_each_way_gives_the_models_own_probabilities(
    client: TestClient, runs: dict[str, str], trained: Path, some: Any, model: str, how: str
) -> None:
    files = [png(image) for image in some]
    ways: dict[str, dict[str, Any]] = {
        "lists": {"json": {"pixels": some[..., 0].tolist()}},
        "base64": {"json": {"pixels": encoded(some.tobytes()), "shape": list(some.shape)}},
        "files": {"files": [("pictures", (f"{i}.png", file)) for i, file in enumerate(files)]},
        "data": {"json": {"pictures": [f"data:image/png;base64,{encoded(file)}" for file in files]}},
    }
    said = asked(client, runs[model], **ways[how])
    given = np.array([picture["answers"][0]["probabilities"] for picture in said["pictures"]])
    np.testing.assert_allclose(given, expected(trained, runs[model], some), atol=2e-6)
    names = [said["models"][0]["classes"][i] for i in given.argmax(axis=1)]
    assert [picture["answers"][0]["class"] for picture in said["pictures"]] == names
    if how == "files":
        assert [picture["name"] for picture in said["pictures"]] == [f"{i}.png" for i in range(len(some))]


def test_one_picture_as_the_body(client: TestClient, runs: dict[str, str], trained: Path, some: Any) -> None:
    said = asked(client, runs["mlp"], content=png(some[0]), headers={"content-type": "image/png"})
    given = said["pictures"][0]["answers"][0]["probabilities"]
    np.testing.assert_allclose(given, expected(trained, runs["mlp"], some[:1])[0], atol=2e-6)


def test_every_model_of_the_study_answers(client: TestClient, runs: dict[str, str], some: Any) -> None:
    said = client.post(
        "/api/predict?study=small", content=png(some[0]), headers={"content-type": "image/png"}
    )
    told = said.json()
    assert {model["run"] for model in told["models"]} == set(runs.values())
    assert [a["run"] for a in told["pictures"][0]["answers"]] == [m["run"] for m in told["models"]]
    assert {m["model"]: m["insides"] for m in told["models"]} == {"lenet5": True, "mlp": True, "stump": False}


def test_a_reversed_picture_is_noticed_and_put_right(
    client: TestClient, runs: dict[str, str], some: Any
) -> None:
    url = f"/api/predict?run={runs['lenet5']}"
    head = {"content-type": "image/png"}
    (plain,) = client.post(url, content=png(some[0]), headers=head).json()["pictures"][0]["answers"]
    (turned,) = client.post(url, content=png(255 - some[0]), headers=head).json()["pictures"][0]["answers"]
    assert plain["noticed"] == []
    assert plain["corrected"] is None
    assert turned["noticed"] == ["inverted"]
    assert turned["corrected"]["probabilities"] == pytest.approx(plain["probabilities"], abs=0.02)
    assert pixels(turned["corrected"]["seen"]) == pytest.approx(some[0, :, :, 0], abs=2)
    assert (pixels(turned["seen"]) == 255 - some[0, :, :, 0]).all()


def pixels(address: str) -> Any:
    from PIL import Image

    head, _, text = address.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_a_large_photograph_like_picture(client: TestClient, some: Any) -> None:
    big = np.kron(255 - some[3, :, :, 0] // 2, np.ones((9, 9), np.uint8))
    colour = np.stack([big, big, np.maximum(big, 3) - 3], axis=2)
    answer = client.post("/api/predict?study=small", files=[("p", ("a.png", png(colour)))])
    assert answer.status_code == 200
    told = answer.json()["pictures"][0]
    assert (told["height"], told["width"]) == (252, 252)
    assert all("inverted" in a["noticed"] and a["corrected"] for a in told["answers"])


def test_insides_of_a_network(client: TestClient, runs: dict[str, str], some: Any) -> None:
    answer = client.post(
        f"/api/runs/{runs['lenet5'][:9]}/insides", json={"pixels": some[0, :, :, 0].tolist()}
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert len(told["layers"]) > 5
    for layer in told["layers"]:
        grid = layer["pictures"]["grid"]
        sheet = pixels(grid["sheet"])
        rows = -(-len(grid["tiles"]) // grid["columns"])
        assert sheet.shape[:2] == (rows * grid["height"], grid["columns"] * grid["width"])
    assert told["filters"]["grid"]["tiles"]
    assert pixels(told["occlusion"]["grid"]["sheet"]).shape == (28, 28, 3)
    assert told["class"] == told["classes"][int(np.argmax(told["probabilities"]))]
    assert (pixels(told["seen"]["sheet"]) == some[0, :, :, 0]).all()


def test_insides_of_a_dense_network(client: TestClient, runs: dict[str, str], some: Any) -> None:
    answer = client.post(f"/api/runs/{runs['mlp']}/insides?fit=false", json={"pixels": some[0].tolist()})
    assert answer.status_code == 413  # [28][28][1] are 28 pictures of 28 x 1
    told = client.post(
        f"/api/runs/{runs['mlp']}/insides", json={"pixels": [some[0, :, :, 0].tolist()]}
    ).json()
    units = next(layer for layer in told["layers"] if layer["output_shape"] == [32])
    assert units["pictures"]["grid"]["tiles"][0]["alt"].startswith("32 units")


def test_a_classical_model_has_no_insides(client: TestClient, runs: dict[str, str], some: Any) -> None:
    answer = client.post(f"/api/runs/{runs['stump']}/insides", json={"pixels": some[0, :, :, 0].tolist()})
    assert answer.status_code == 409
    assert "from scratch" in answer.json()["error"]


def test_requests_that_arrive_together_are_one_batch(trained: Path, runs: dict[str, str], some: Any) -> None:
    async def together() -> tuple[Any, int, int]:
        site = site_of(trained)
        desk = await site.desks.desk(runs["mlp"])
        gate = asyncio.create_task(desk.call(lambda: time.sleep(0.2)))
        await asyncio.sleep(0.05)
        answers = await asyncio.gather(*(desk.predict(some[i : i + 1]) for i in range(7)))
        await gate
        return np.concatenate(answers), desk.batches, len(answers)

    answers, batches, count = asyncio.run(asyncio.wait_for(together(), 30))
    assert (batches, count) == (1, 7)
    np.testing.assert_allclose(answers, expected(trained, runs["mlp"], some), atol=2e-6)


def test_one_model_that_fails_costs_its_own_requests(trained: Path, runs: dict[str, str], some: Any) -> None:
    async def wrong_then_right() -> Any:
        desk = await site_of(trained).desks.desk(runs["mlp"])
        with pytest.raises(SpecError):
            await desk.predict(some[:1, :5, :5])
        return await desk.predict(some[:1])

    assert asyncio.run(wrong_then_right()).shape == (1, 10)


def test_answers_are_bounded(client: TestClient, runs: dict[str, str]) -> None:
    many = base64.b64encode(bytes(28 * 28 * 1000)).decode()
    body = json.dumps({"pixels": many, "shape": [1000, 28, 28, 1]})
    head = {"content-type": "application/json"}
    query = "&".join(f"run={run}" for run in runs.values())
    refused = client.post(f"/api/predict?{query}&fit=false", content=body, headers=head)
    assert refused.status_code == 413
    brief = client.post(f"/api/predict?{query}&fit=false&details=false", content=body, headers=head)
    assert brief.status_code == 200
    assert len(brief.json()["pictures"]) == 1000
