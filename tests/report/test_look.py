from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from pages import Page
from rich.console import Console

from handlens.data.images import Dataset, ImageSet
from handlens.report import look_text, write_look
from handlens.report.blocks import WIDTH, small


def shown(dataset: Dataset, width: int = 80, colours: bool = False) -> str:
    console = Console(
        width=width,
        force_terminal=colours,
        color_system="truecolor" if colours else None,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(look_text(dataset))
    return capture.get()


def test_the_terminal_says_what_the_data_are(dataset: Dataset) -> None:
    text = shown(dataset)
    for words in (
        dataset.title,
        "8 × 8 pixels, grey",
        "0 to 255",
        "1,297 training, 500 test",
        *dataset.notes,
    ):
        assert words in text
    rows = [
        line.split() for line in text.splitlines() if len(line.split()) == 3 and line.split()[0].isdigit()
    ]
    counts = [[int(cell) for cell in row[1:]] for row in rows]
    assert counts == np.stack([dataset.train.counts(), dataset.test.counts()], axis=1).tolist()
    assert max(map(len, text.splitlines())) <= 80
    assert "▀" not in text


def test_pictures_need_colours(dataset: Dataset) -> None:
    text = shown(dataset, colours=True)
    assert text.count("▀") == 10 * WIDTH * WIDTH // 2


def test_a_picture_keeps_its_proportions_and_colours() -> None:
    image = np.zeros((4, 8, 3), dtype=np.uint8)
    image[:, 4:] = (255, 0, 0)
    drawn = small(image)
    assert drawn.shape == (8, WIDTH, 3)
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, -1] == (255, 0, 0)).all()


def test_many_classes_fit() -> None:
    names = tuple(f"a class with the name {i}" for i in range(47))
    images = ImageSet(np.zeros((94, 5, 5, 3), np.uint8), np.arange(94) % 47, names)
    text = shown(Dataset("many", images, images), colours=False)
    assert max(map(len, text.splitlines())) <= 80
    assert "colour (RGB)" in text


def test_the_page_has_the_facts(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "look.html"
    write_look(dataset, path)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.words["h1"] == ["Optical digits"]
    assert "1,297 training, 500 test" in page.words["dd"]
    assert len([a for _, a in page.tags if a.get("role") == "img"]) == 10
    assert [row[1].strip() for row in page.tables[0][1:]] == [str(n) for n in dataset.train.counts()]
    assert len(page.specs) == 7
    assert path.stat().st_size < 3_000_000


def test_a_dataset_without_test_images_can_be_looked_at(dataset: Dataset, tmp_path: Path) -> None:
    bare = Dataset("bare", dataset.train, dataset.train.take([]))
    write_look(bare, tmp_path / "look.html")
    assert "0 test" in shown(bare)


def test_importing_reports_loads_nothing_heavy() -> None:
    heavy = ["altair", "vl_convert", "pandas", "jinja2", "PIL", "rich", "sklearn", "scipy", "IPython"]
    code = (
        "import sys, handlens.report, handlens.report.notebook\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
