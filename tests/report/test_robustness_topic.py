"""What is said and drawn of curves whose shapes are known."""

import json

import numpy as np
import pytest
from rich.console import Console

from handlens.evaluate.robustness import CORRUPTIONS, curve
from handlens.report.topic import topic_text, write_topics
from handlens.report.topics.robustness import number_text, robustness
from handlens.studies.judging.robustness import Robustness

N = 2000
FALLS = {
    "shift": (0.95, 0.95, 0.9, 0.5, 0.3, 0.1),
    "rotation": (0.95, 0.95, 0.95, 0.9, 0.525, 0.2),
    "noise": (0.95, 0.95, 0.95, 0.94, 0.94, 0.93),
    "blur": (0.95,) * 6,
    "contrast": (0.95, 0.9, 0.525, 0.3, 0.2, 0.1),
    "inversion": (0.95, 0.9, 0.8, 0.8, 0.75, 0.7),
}


def values(spec: dict) -> list[list[dict]]:
    """Every distinct set of rows in a specification."""
    sets = [part["data"] for part in [spec, *spec["layer"]] if "data" in part]
    rows = [spec["datasets"][d["name"]] if "name" in d else d["values"] for d in sets]
    return [row for i, row in enumerate(rows) if row not in rows[:i]]


def found(model: str, by: float = 1.0, **words: object) -> Robustness:
    """Curves through `FALLS`, each of them `by` times as high."""
    curves = tuple(
        curve(made, [np.arange(N)[None] < by * share * N for share in FALLS[name]], 0.1)
        for name, made in CORRUPTIONS.items()
    )
    told = {"part": "test", "images": N, "of": 10_000, "replicates": 1, "side": 28} | words
    return Robustness(model=model, dataset="digits", curves=curves, **told)


def test_the_finding_comes_first_and_in_words():
    topic = robustness([found("net")])
    assert topic.words[0] == (
        "net loses half of its accuracy when images are moved by 12 % of their side (3.3 pixels), "
        "rotated by 45 degrees or cut to 60 % of their contrast. "
        "It hardly minds noise (93.0 % at 96 grey levels) and blur (95.0 % at 3.0 pixels). "
        "At the severest it still gets 70.0 % of images turned 100 % of the way to their negative right. "
        "On 2,000 of 10,000 test images, which unchanged it gets 95.0 % [94.0–95.9] right."
    )
    assert "over images. " in topic.words[-1]
    assert "over images and seeds" in robustness([found("net", replicates=3)]).words[-1]


def test_the_table_has_a_row_a_corruption_and_a_column_a_model():
    (table,) = robustness([found("net"), found("trees", 0.8)]).tables
    assert table.columns == ("Corruption, unit", "net", "trees")
    cells = {row[0]: row[1:] for row in table.rows}
    assert list(cells) == [
        "Shift, %", "Rotation, degrees", "Noise, grey levels", "Blur, pixels", "Contrast, %", "Inversion, %",
    ]  # fmt: skip
    assert cells["Rotation, degrees"][0].startswith("45 [")
    assert cells["Blur, pixels"][0] == "beyond 3.0: 95.0 %"
    assert cells["Contrast, %"][0].startswith("60 [")


def test_of_several_models_the_one_that_bears_more_is_named_where_that_is_no_noise():
    assert "Of the 2 models net bears all six best." in robustness([found("net"), found("trees", 0.8)]).words
    alike = robustness([found("net"), found("twin", 0.999)])
    assert not any("bears" in words for words in alike.words)


def test_a_model_that_guesses():
    guess = found("guess", 0.1)
    assert robustness([guess]).words[0].startswith("guess is no better than chance")


def test_what_is_firm_everywhere_is_said_of_the_model():
    flat = tuple(curve(made, [np.arange(N)[None] < 0.95 * N] * 6, 0.1) for made in CORRUPTIONS.values())
    words = robustness([Robustness("rock", "d", "validation", N, N, 1, 28, flat)]).words[0]
    assert words.startswith("rock hardly minds shift (95.0 % at 24 %), rotation")
    assert words.endswith("On 2,000 validation images, which unchanged it gets 95.0 % [94.0–95.9] right.")


def test_six_charts_hold_every_model_and_every_strength():
    topic = robustness([found("net"), found("trees", 0.8)], {"net": "#111111", "trees": "#222222"})
    assert [figure.name for figure in topic.figures] == [f"robust-{name}" for name in CORRUPTIONS]
    assert topic.colours == (("net", "#111111"), ("trees", "#222222"))
    for figure, made in zip(topic.figures, CORRUPTIONS.values(), strict=True):
        spec = figure.page_spec()
        (rows,) = [data for data in values(spec) if len(data) > 1]
        assert len(rows) == 12
        assert {row["model"] for row in rows} == {"net", "trees"}
        reverse = spec["layer"][0]["encoding"]["x"]["scale"]["reverse"]
        assert reverse == (made.name == "contrast")
    assert topic.figures[-1].svg().startswith("<svg")


def test_the_page_the_terminal_and_the_plain_data(tmp_path):
    topic = robustness([found("net<b>")])
    write_topics("handlens compare", "Robust?", [topic], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "net&lt;b&gt;" in page
    assert "net<b> loses" not in page
    console = Console(width=100, record=True)
    console.print(topic_text(topic))
    assert "Strength at which half" in console.export_text()
    plain = json.loads(json.dumps(topic.plain, allow_nan=False))["models"][0]
    assert plain["curves"]["rotation"]["half"] == pytest.approx(45)
    assert plain["curves"]["blur"]["half"] is None
    assert plain["curves"]["contrast"]["points"][0] == pytest.approx(
        {"strength": 1.0, "mean": 0.95, "low": plain["curves"]["blur"]["points"][0]["low"],
         "high": plain["curves"]["blur"]["points"][0]["high"]}
    )  # fmt: skip


def test_numbers_have_the_digits_that_units_deserve():
    assert number_text("shift", 0.123) == "12"
    assert number_text("rotation", 30.96) == "31"
    assert number_text("blur", 1.234) == "1.2"
    assert number_text("blur", 1.234, 1) == "1.23"
