"""A picture explained: the numbers shown are the numbers computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import LAYERS
from pages import HOSTILE, Page, values
from rich.console import Console

from handlens.data.images import Dataset
from handlens.engines import Model
from handlens.errors import StoreError
from handlens.records import Run
from handlens.report import insides
from handlens.report.explain import explain_text, row_dict, write_explain
from handlens.report.explanation import Explanation, explain, length, rows

IMAGE = 3  # of the test images
Explained = Callable[..., Explanation]


@pytest.fixture
def explained(taught: dict[str, tuple[Run, Model]], dataset: Dataset) -> Explained:
    def explained(name: str, **words: object) -> Explanation:
        return explain(*taught[name], dataset.test.images[IMAGE], picture="scan.png", **words)  # type: ignore[arg-type]

    return explained


@pytest.mark.parametrize("name", LAYERS)
def test_the_numbers_are_those_of_the_network(name: str, explained: Explained, taught, dataset) -> None:
    run, model = taught[name]
    image = dataset.test.images[IMAGE : IMAGE + 1]
    made = explained(name, label=2)
    np.testing.assert_array_equal(made.probabilities, model.predict_proba(image)[0])
    assert made.ranking()[0] == (run.classes[made.predicted], float(made.probabilities.max()))

    seen = rows(made)
    assert [row.shape for row in seen] == [layer.output_shape for layer in model.network.layers]
    assert sum(row.parameters for row in seen) == model.count_params()
    logits = model.network.predict_logits(image, offset=0.0, scale=np.float32(1 / 255))[0]
    np.testing.assert_allclose([seen[-1].low, seen[-1].high], [logits.min(), logits.max()], rtol=1e-5)
    np.testing.assert_allclose(seen[-1].mean, logits.mean(), rtol=1e-4, atol=1e-6)
    assert made.trace.losses[0] == pytest.approx(-np.log(made.probabilities[2]), rel=1e-4)
    # The loss's gradient with respect to the outputs is softmax(outputs) - target.
    gradient = made.probabilities - np.eye(10)[2]
    assert seen[-1].gradient == pytest.approx(np.linalg.norm(gradient), rel=1e-4)
    into = made.trace.layers[-1].input[0]
    kernel_and_bias = np.linalg.norm(gradient) * np.sqrt(np.square(into).sum() + 1)
    assert seen[-1].parameter_gradient == pytest.approx(kernel_and_bias, rel=1e-4)
    plain = row_dict(seen[0])
    assert plain["layer"] == LAYERS[name][0] or plain["layer"].startswith(LAYERS[name][0].partition("(")[0])


@pytest.mark.parametrize("name", LAYERS)
def test_the_page_and_the_terminal_show_them(name: str, explained: Explained, tmp_path: Path) -> None:
    made = explained(name)
    write_explain(made, tmp_path / "p.html", command="handlens explain x", charts=tmp_path / "charts")
    page = Page((tmp_path / "p.html").read_text(encoding="utf-8"))
    (table,) = page.tables
    console = Console(width=150)
    with console.capture() as capture:
        console.print(explain_text(made))
    text = capture.get()
    assert len(table) == 1 + len(made.texts)
    for cells, row, described in zip(table[1:], rows(made), made.texts, strict=True):
        assert described in " ".join(cells[0].split())
        assert cells[1].split() == " × ".join(map(str, row.shape)).split()
        shown = [float(cell) for cell in cells[3:7]]
        np.testing.assert_allclose(shown, [row.low, row.mean, row.high, row.gradient], rtol=6e-3, atol=1e-12)
        assert described in text
        assert f"{row.mean:.3g}" in text
    name_of, share = made.ranking()[0]
    assert f"{100 * share:.2f} %  {name_of}" in text
    assert f"Taken for {name_of} with a probability of {100 * share:.1f} %" in page.words["p"][1]
    bars = values(page.specs["probabilities"])[: len(made.run.classes)]
    assert [bar["class"] for bar in bars] == list(made.run.classes)
    np.testing.assert_allclose([bar["percent"] for bar in bars], 100 * made.probabilities)
    files = {path.name for path in (tmp_path / "charts").iterdir()}
    assert {"probabilities.svg", "seen.png", "covered.svg"} <= files


def test_pictures_of_convolutions(explained: Explained) -> None:
    made = explained("convolutions")
    weights = insides.weights(made)
    assert weights is not None
    assert len(weights.grid.tiles) == 24
    assert "24 of 30 filters" in weights.words
    kernel = made.trace.layers[0].parameters[0].values[..., 0, 5]
    drawn = weights.grid.images[5].astype(int)
    np.testing.assert_array_equal(drawn[..., 2] > drawn[..., 0], kernel > 0.01)
    np.testing.assert_array_equal(drawn[..., 2] < drawn[..., 0], kernel < -0.01)

    first, block = insides.feature_maps(made)
    assert first.grid.images.shape == (24, 6, 6, 1)
    output = made.trace.layers[0].output[0]
    chosen = insides.strongest(np.abs(output).mean(axis=(0, 1)))
    expected = np.rint(255 * output[..., chosen] / output[..., chosen].max())
    np.testing.assert_array_equal(first.grid.images[..., 0], np.moveaxis(expected, 2, 0))
    assert block.title.startswith("Layer 2: Residual(")
    assert block.grid.images.shape[3] == 3  # below zero and above


def test_pictures_of_dense_layers(explained: Explained) -> None:
    made = explained("dense")
    weights = insides.weights(made)
    assert weights is not None
    assert weights.grid.images.shape == (24, 8, 8, 3)
    answers = made.trace.layers[1].output[0]
    kernel = made.trace.layers[1].parameters[0].values  # [pixels, units]
    for tile, drawn in zip(weights.grid.tiles, weights.grid.images.astype(int), strict=True):
        unit = int(tile.lines[0].removeprefix("unit "))
        assert tile.lines[1] == f"{answers[unit]:.2f}"
        blue = drawn[..., 2] > drawn[..., 0]
        clear = np.abs(kernel[:, unit]) > 0.01
        np.testing.assert_array_equal(blue.ravel()[clear], kernel[clear, unit] > 0)
    assert insides.feature_maps(made) == []


def test_other_first_layers_have_no_pictures(explained: Explained) -> None:
    assert insides.weights(explained("neither")) is None
    weights = insides.weights(explained("depthwise"))
    assert weights is not None
    assert len(weights.grid.tiles) == 2


def test_the_label_decides_what_the_gradient_is_of(explained: Explained) -> None:
    alone, told = explained("dense"), explained("dense", label=4)
    assert alone.label == alone.predicted
    assert not alone.given
    assert told.label == 4
    assert length(told.trace.layers[-1].gradient) > length(alone.trace.layers[-1].gradient)


def test_what_cannot_be_explained_is_one_line(taught, dataset: Dataset) -> None:
    run, model = taught["dense"]
    image = dataset.test.images[0]
    with pytest.raises(StoreError, match="network from scratch"):
        explain(replace(run, engine="classic"), object(), image, picture="x")  # type: ignore[arg-type]
    for recipe in ({}, run.trial.recipe | {"layers": ["Flatten()"]}, run.trial.recipe | {"layers": 3}):
        with pytest.raises(StoreError):
            explain(replace(run, trial=replace(run.trial, recipe=recipe)), model, image, picture="x")


def test_hostile_names_stay_words(explained: Explained, tmp_path: Path) -> None:
    made = explained("dense")
    evil = "</title><script>alert(1)</script>"
    hostile = replace(
        made,
        run=replace(made.run, name=evil, classes=HOSTILE),
        picture=evil,
        notes=(evil,),
        label=0,
        given=True,
    )
    write_explain(hostile, tmp_path / "p.html", command=evil)
    page = Page((tmp_path / "p.html").read_text(encoding="utf-8"))
    assert len(page.scripts) == 3  # the specifications, Vega, ours
    assert evil in page.words["h1"][0]
