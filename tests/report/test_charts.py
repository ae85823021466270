from __future__ import annotations

import base64
import io
import struct
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import values

from handlens.data.images import Dataset, ImageSet
from handlens.evaluate import Interval
from handlens.records import Epoch
from handlens.report import write_look, write_study
from handlens.report.charts.accuracy import accuracies, domain
from handlens.report.charts.curves import learning_curves, points
from handlens.report.charts.figure import COLOURS, recipe_colours
from handlens.report.charts.images import BINS, histogram_rows, quantile_rows
from handlens.report.charts.matrix import matrices
from handlens.report.formats import MISSING
from handlens.report.pictures import COLUMNS, Tile, first_of_each, grid, reduced, sprite
from handlens.report.selection import MOST
from handlens.studies.storage.result import StudyResult


def png_size(content: bytes) -> tuple[int, int]:
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_every_chart_is_written_as_png_and_svg(study: StudyResult, dataset: Dataset, tmp_path: Path) -> None:
    charts = tmp_path / "charts"
    write_study(study, dataset, tmp_path / "study.html", charts=charts)
    names = {path.stem for path in charts.iterdir()}
    assert names >= {
        "accuracy",
        "curve-loss",
        "curve-accuracy",
        "curve-macro-f1",
        "confusion",
        "class-counts",
    }
    assert names >= {
        "confusion-normalised",
        "feature-mean",
        "feature-entropy-by-class",
        "mistakes",
        "classes",
    }
    for name in names:
        root = ElementTree.fromstring((charts / f"{name}.svg").read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.find(".//{http://www.w3.org/2000/svg}text") is not None
        width, height = png_size((charts / f"{name}.png").read_bytes())
        assert (width, height) == pytest.approx(
            (2 * float(root.attrib["width"]), 2 * float(root.attrib["height"])), abs=2
        )
    from PIL import Image

    shades = Image.open(io.BytesIO((charts / "accuracy.png").read_bytes())).convert("RGB").getcolors(1 << 20)
    assert shades is not None
    assert len(shades) > 20


def test_look_writes_its_charts(dataset: Dataset, tmp_path: Path) -> None:
    write_look(dataset, tmp_path / "look.html", charts=tmp_path / "charts")
    names = {path.name for path in (tmp_path / "charts").iterdir()}
    assert {"class-counts.png", "feature-mean.svg", "classes.png"} <= names


def test_colours_stand_for_recipes_everywhere(study: StudyResult) -> None:
    colours = recipe_colours([row.model for row in study.rows])
    assert list(colours.values()) == list(COLOURS[: len(colours)])
    for figure in [accuracies(study.rows), *learning_curves(study.members, colours)]:
        spec = figure.page_spec()
        scales = [
            layer["encoding"]["color"]["scale"]
            for layer in spec["layer"]
            if "scale" in layer["encoding"].get("color", {})
        ]
        assert scales
        for scale in scales:
            assert all(colours[name] == c for name, c in zip(scale["domain"], scale["range"], strict=True))


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("ground", ["#ffffff", "#15181c"])
def test_colours_are_seen_on_light_and_dark(colour: str, ground: str) -> None:
    light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_a_recipe_far_behind_is_named_at_the_edge(study: StudyResult) -> None:
    figure = accuracies(study.rows)
    rows = {row["recipe"]: row for row in values(figure.page_spec())}
    assert rows["guess"]["far"]
    assert not rows[study.rows[0].model]["far"]
    assert "guess" in figure.caption
    low, high = domain(study.rows[:-1])
    assert all(low <= 100 * row.test.low <= 100 * row.test.high <= high for row in study.rows[:-1])
    assert 0 <= low < high <= 100


def test_equal_and_perfect_rows_still_have_an_axis(study: StudyResult) -> None:
    perfect = [replace(study.rows[0], test=Interval(1, 1, 1), validation=Interval(1, 1, 1))]
    low, high = domain(perfect)
    assert low < high == 100


@pytest.mark.parametrize("last", [1, 2, 3, 4, 5, 7, 8, 25, 300])
def test_an_axis_of_epochs_has_whole_ones_once(study: StudyResult, last: int) -> None:
    (member,) = (m for m in study.members if m.name == "mlp")
    run = replace(
        member.runs[0],
        history=tuple(Epoch(e, 1 / e, 0.5, 0.5, 1 / e, 0.5, 0.5, 1.0) for e in range(1, last + 1)),
    )
    figure = learning_curves([replace(member, runs=(run,))], {"mlp": COLOURS[0]})[0]
    texts = [node.text for node in ElementTree.fromstring(figure.svg()).iter() if node.tag.endswith("text")]
    ticks = [text for text in texts[: texts.index("Epoch")] if text]
    assert ticks == sorted(set(ticks), key=int)
    assert 1 <= len(ticks) <= 7
    assert all(1 <= int(tick) <= last for tick in ticks)
    if last <= 7:
        assert len(ticks) == last


def test_curves_follow_replicates_that_stop_early(study: StudyResult) -> None:
    mlp = next(member for member in study.members if member.name == "mlp")
    short = replace(mlp.runs[0], history=mlp.runs[0].history[:2])
    early = replace(mlp, runs=(short, *mlp.runs[1:]))
    reached = {(p["part"], p["epoch"]): p["runs"] for p in points(early, "loss")}
    assert reached["validation", 2] == 3
    assert reached["validation", 3] == 2
    assert learning_curves([m for m in study.members if m.name != "mlp"], {}) == []


def test_numbers_stand_in_small_matrices_only() -> None:
    for k, layers in ((10, 2), (15, 2), (16, 1), (47, 1)):
        names = [f"c{i}" for i in range(k)]
        spec = matrices(np.eye(k, dtype=np.int64) * 3, names)[0].page_spec()
        assert len(spec["layer"]) == layers
        assert len(values(spec)) == k


@given(st.lists(st.floats(-1e6, 1e6), max_size=50), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_histograms_count_every_image(train: list[float], test: list[float]) -> None:
    rows = histogram_rows({"training": np.array(train), "test": np.array(test)})
    assert len(rows) == 2 * BINS
    total = sum(row["percent"] for row in rows if row["part"] == "test")
    assert total == pytest.approx(100, abs=0.01)
    total = sum(row["percent"] for row in rows if row["part"] == "training")
    assert total == pytest.approx(100 if train else 0, abs=0.01)


def test_quantiles_are_those_of_each_class() -> None:
    rows = quantile_rows(np.array([1.0, 2, 3, 10, 20, 30]), np.array([0, 0, 0, 2, 2, 2]), ["a", "b", "c"])
    assert [(row["class"], row["q50"]) for row in rows] == [("a", 2), ("c", 20)]


@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3]))
def test_a_sprite_holds_every_image_in_its_place(n: int, height: int, width: int, channels: int) -> None:
    images = np.random.default_rng(n).integers(0, 256, (n, height, width, channels), dtype=np.uint8)
    sheet = sprite(images)
    for i in range(n):
        row, column = divmod(i, COLUMNS)
        cut = sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        assert (cut == images[i]).all()


def test_large_images_are_reduced_and_colour_is_kept() -> None:
    images = np.zeros((2, 200, 100, 3), dtype=np.uint8)
    images[1] = (250, 10, 20)
    small = reduced(images, 50)
    assert small.shape == (2, 50, 25, 3)
    assert (small[1] == (250, 10, 20)).all()
    made = grid("g", "G", images, [Tile(("a",), "a"), Tile(("b",), "b")])
    assert png_size(base64.b64decode(made.uri.partition(",")[2])) == made.sheet == (2 * 56, 112)
    assert made.scale == 1


def test_the_first_image_of_each_class_skips_empty_classes() -> None:
    images = ImageSet(np.zeros((4, 2, 2, 1), np.uint8), np.array([2, 0, 2, 0]), ("a", "b", "c"))
    assert first_of_each(images) == [(0, 1), (2, 0)]


def test_a_ring_alone_stands_at_the_validation_accuracy(study: StudyResult) -> None:
    rows = [study.rows[0], replace(study.rows[1], test=None, macro_f1=None)]
    spec = accuracies(rows).page_spec()
    layers = [layer for layer in spec["layer"] if layer["mark"]["type"] in ("rule", "point")]
    drawn = [{row["recipe"] for row in spec["datasets"][layer["data"]["name"]]} for layer in layers]
    both = {row.model for row in rows}
    assert [names == both for names in drawn] == [False, True, False]  # line, ring, dot
    (point,) = (row for row in values(spec) if row["recipe"] == rows[1].model)
    assert point["at"] == point["validation"] == 100 * rows[1].validation.mean
    assert (point["test"], point["low"], point["range"]) == (None, None, MISSING)


def test_long_names_are_drawn_whole(study: StudyResult) -> None:
    names = [f"mlp layers.0.units=300 learning_rate=0.001 l2={l2}" for l2 in ("1e-05", "0.0001")]
    rows = [replace(row, model=name) for row, name in zip(study.rows, names, strict=False)]
    lines = {row["line"] for row in values(accuracies(rows).page_spec())}
    assert {" ".join(line.split("\n")) for line in lines} == set(names)
    assert max(len(part) for line in lines for part in line.split("\n")) <= 30


def test_twelve_lines_have_twelve_colours_and_no_bands(sweep: StudyResult) -> None:
    assert len(set(COLOURS)) == len(COLOURS) >= MOST
    taught = [member for member in sweep.members if member.family == "mlp"]
    for count, bands in ((6, 1), (7, 0)):
        some = taught[:count]
        figure = learning_curves(some, recipe_colours([member.name for member in some]))[0]
        marks = [layer["mark"]["type"] for layer in figure.page_spec()["layer"]]
        assert marks.count("area") == bands
        assert ("bands" in figure.caption) == bool(bands)
