"""The page in a real browser, from a real server: drawn on, looked through, watched while a study runs."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drawing import draw
from page_support import (
    Watched,
    crowded,
    first_answers,
    in_the_way,
    inked,
    photograph,
    program,
    served,
    until,
)

from handlens.data import Dataset
from handlens.studies.planning.plan import read_study
from handlens.studies.storage.store import Store
from handlens.studies.training.run import Event, run_study

pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
VIEWS = {
    "#try?study=small": ".pad-canvas",
    "#study?study=small": ".matrix",
    "#data?study=small": ".grid",
    "#runs?study=small": "table",
}
BRIEF = """
name = "brief"
dataset = "mnist-5k"
replicates = 1
[[recipe]]
name = "small"
layers = ["Flatten()", "Dense(8, activation='relu')"]
epochs = 3
[[recipe]]
name = "stump"
estimator = "sklearn.tree.DecisionTreeClassifier(max_depth=3)"
"""
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def root(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own with the trained study, to which more may be added."""
    place = tmp_path_factory.mktemp("page") / "copy"
    shutil.copytree(trained, place)
    return place


@pytest.fixture(scope="module")
def origin(root: Path) -> Iterator[str]:
    with served(root) as address:
        yield address


@pytest.fixture
def watched(browser: Any, origin: str) -> Iterator[Open]:
    """Makes pages; at the end none may have complained or asked for anything from elsewhere."""
    made = []

    def make(**how: Any) -> Watched:
        made.append(Watched(browser, origin, **how))
        return made[-1]

    yield make
    for one in made:
        one.page.close()
        assert one.faults == []
        assert one.asked > 5


@pytest.fixture
def open_page(watched: Open) -> Open:
    return lambda view, **how: watched(**how).open(view, VIEWS[view])


def test_a_3_is_drawn_with_the_mouse_and_read(open_page: Open) -> None:
    page = open_page("#try?study=small")
    assert page.locator(".answer").count() == 0
    draw(page)
    answers = first_answers(page)
    assert list(answers) == ["lenet5", "mlp", "stump"]
    assert answers["lenet5"] == "3"
    assert page.locator("[data-model=lenet5] .bars li").first.inner_text().startswith("3")
    assert page.locator("[data-model=lenet5] .seen").first.get_attribute("src").startswith("data:image/png")
    until(page, "document.querySelector('[role=status]').textContent.includes('lenet5: 3')")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_selector(".waiting")
    assert inked(page) == 0


def test_keyboard_and_finger_draw_too(open_page: Open) -> None:
    page = open_page("#try?study=small", viewport={"width": 400, "height": 800}, has_touch=True)
    page.locator(".pad-canvas").focus()
    for key in ["Space", *["ArrowDown"] * 10, "Space"]:
        page.keyboard.press(key)
    page.wait_for_selector(".answer")
    with_keys = inked(page)
    assert with_keys > 500
    box = page.locator(".pad-canvas").bounding_box()
    finger = page.context.new_cdp_session(page)
    for kind, share in (("touchStart", 0.2), ("touchMove", 0.5), ("touchMove", 0.8), ("touchEnd", None)):
        at = [] if share is None else [{"x": box["x"] + share * box["width"], "y": box["y"] + 40}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
    assert inked(page) > with_keys + 500
    page.keyboard.press("Escape")
    page.wait_for_selector(".waiting")


def test_a_network_is_looked_into_while_one_draws(open_page: Open) -> None:
    page = open_page("#try?study=small")
    draw(page)
    page.locator(".inside summary").click()
    page.wait_for_selector(".layer")
    # It follows the drawing, so what came before the last stroke may be there first.
    until(page, "document.querySelector('.inside .lead').textContent.startsWith('Taken for 3')")
    titles = page.locator(".layer h3").all_inner_texts()
    assert any("ilter" in title for title in titles)
    assert any("Conv2D" in title for title in titles)
    assert any("occlusion" in title for title in titles)
    assert page.locator(".layer .sprite").count() > 20
    page.select_option("#inside-of", label="mlp")
    until(page, "!document.querySelector('.inside-body').textContent.includes('Conv2D')")
    assert "inside=" in page.url


@pytest.mark.parametrize("way", ["upload", "paste", "drop"])
def test_a_photograph_is_put_right(open_page: Open, images: Dataset, way: str) -> None:
    page = open_page("#try?study=small")
    photo = photograph(images, 3)
    if way == "upload":
        page.set_input_files("#upload", {"name": "three.png", "mimeType": "image/png", "buffer": photo})
    else:
        page.evaluate(
            "([way, bytes]) => { const all = new DataTransfer();"
            "all.items.add(new File([new Uint8Array(bytes)], 'three.png', {type: 'image/png'}));"
            "const how = {bubbles: true, cancelable: true};"
            "document.body.dispatchEvent(way === 'paste'"
            " ? new ClipboardEvent('paste', {...how, clipboardData: all})"
            " : new DragEvent('drop', {...how, dataTransfer: all})); }",
            [way, list(photo)],
        )
    assert first_answers(page)["lenet5"] == "3"
    card = page.locator("[data-model=lenet5]")
    assert set(card.locator(".tag").all_inner_texts()) >= {"inverted", "off centre"}
    assert "As given, it would say" in card.locator(".as-given").inner_text()
    assert card.locator(".seen").count() == 2
    assert inked(page) > 1000  # the pad shows it


def test_what_is_no_picture_is_told_in_one_line(watched: Open) -> None:
    one = watched()
    page = one.open("#try?study=small", ".pad-canvas")
    page.set_input_files("#upload", {"name": "x.txt", "mimeType": "text/plain", "buffer": b"x"})
    page.wait_for_selector(".problem")
    assert "x.txt is no picture" in page.locator(".problem").inner_text()
    page.set_input_files("#upload", {"name": "x.png", "mimeType": "image/png", "buffer": b"no PNG"})
    until(page, "document.querySelector('.problem')?.textContent.includes('x.txt') === false")
    assert "\n" not in page.locator(".problem").inner_text()
    one.faults = [said for said in one.faults if "status of 4" not in said]


def test_a_cell_of_the_confusion_matrix_opens_its_images(open_page: Open) -> None:
    page = open_page("#study?study=small")
    cells = page.locator(".wrong [data-cell]:not([aria-disabled])")
    cell = cells.first
    count, name = int(cell.inner_text()), cell.get_attribute("data-cell")
    cell.click()
    page.wait_for_selector(".cell-images .sprite")
    told = page.locator(".cell-images h3").inner_text()
    assert "taken for" in told
    images = int(told.split(": ")[1].split()[0])
    assert 1 <= images <= count <= 2 * images  # two replicates
    assert page.locator(".cell-images .sprite").count() == min(images, 32)
    page.reload()
    page.wait_for_selector(".cell-images .sprite")
    assert page.locator("[aria-pressed=true]").get_attribute("data-cell") == name
    page.locator("[data-cell='0 0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.cell") == "1 1"
    assert page.locator(".matrix [tabindex='0']").count() == 1


def test_shares_are_rounded_as_python_rounds_them(open_page: Open) -> None:
    page = open_page("#study?study=small")
    shares = [0.9525, 0.0625, 0.96375, 1.0, 0.0, 0.123456]
    made = page.evaluate(
        "async (shares) => { const { percent } = await import('/static/dom.js');"
        " return shares.map((one) => percent(one)); }",
        shares,
    )
    assert made == [f"{100 * share:.1f}" for share in shares]


def test_the_address_keeps_order_filter_and_choice(open_page: Open) -> None:
    page = open_page("#study?study=small")
    names = lambda: page.locator(".recipes tbody th a").all_inner_texts()  # noqa: E731
    assert names() == ["lenet5", "mlp", "stump"]
    page.get_by_role("button", name="Recipe", exact=False).first.click()
    page.get_by_role("button", name="Recipe", exact=False).first.click()
    assert names() == ["stump", "mlp", "lenet5"]
    page.locator("[aria-label='Compare mlp']").check()
    page.fill("#filter", "tree")
    until(page, "document.querySelector('#accuracy')?.textContent.includes('lenet5') === false")
    page.reload()
    page.wait_for_selector("#accuracy svg")
    assert names() == ["stump"]
    page.fill("#filter", "")
    assert page.locator("[aria-label='Compare mlp']").is_checked()
    drawn = page.locator("#accuracy svg").text_content()
    assert "mlp" in drawn
    assert "stump" not in drawn


def test_a_study_says_all_it_can(open_page: Open) -> None:
    page = open_page("#study?study=small", viewport={"width": 400, "height": 800})
    page.wait_for_selector("section[id^=topic-]", timeout=60_000)
    assert "looked at" in page.locator("#looks").inner_text()
    assert page.locator("#curves .chart").count() == 3
    assert page.locator("#confusion .scores tbody tr").count() == 10
    places = page.locator("[data-chart]").count()
    until(page, f"document.querySelectorAll('[data-chart][data-drawn] svg').length === {places}")
    assert places > 6
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.locator(".recipes a").first.click()
    page.wait_for_selector(".view-run h1")
    for said in ("Settings", "Environment", "Seed", "numpy"):
        assert said in page.inner_text("main")
    assert in_the_way(page) == []


def test_images_are_browsed_by_class_feature_and_doubt(open_page: Open) -> None:
    page = open_page("#data?study=small")
    page.select_option("#d-class", label="7")
    until(page, "document.querySelector('#images .line.first').textContent === '7'")
    page.select_option("#d-sort", "doubt")
    page.wait_for_selector("#images .line:not(.first)")
    doubts = [float(line) for line in page.locator("#images .line:not(.first)").all_inner_texts()]
    assert doubts == sorted(doubts, reverse=True)
    assert "sort=doubt" in page.url
    assert "part=validation" in page.url
    page.locator("#images .tile").first.click()
    first = page.locator("dialog .pairs").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("dialog .pairs").inner_text() != first
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.locator("#images .tile").first.click()
    page.locator("dialog a").click()
    assert set(first_answers(page)) == {"lenet5", "mlp", "stump"}


def test_the_theme_changes_and_is_kept(open_page: Open) -> None:
    page = open_page("#runs?study=small", color_scheme="light")
    ground = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    assert ground() == "rgb(255, 255, 255)"
    page.locator("#theme").click()
    page.locator("#theme").click()
    assert page.locator("#theme").get_attribute("aria-label").startswith("Colours: Dark")
    dark = ground()
    assert dark != "rgb(255, 255, 255)"
    page.reload()
    page.wait_for_selector("table")
    assert ground() == dark


def test_many_recipes_long_names_and_colours_fit_a_telephone(watched: Open, root: Path) -> None:
    name = crowded(root)
    one = watched(viewport={"width": 360, "height": 780})
    page = one.open(f"#study?study={name}", ".matrix")
    assert page.locator(".recipes tbody tr").count() == 15
    page.get_by_role("button", name="Show all 18 recipes").click()
    assert page.locator(".recipes tbody tr").count() == 18
    assert page.locator("[data-cell]").count() == 24 * 24
    assert in_the_way(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    one.open(f"#data?study={name}", ".grid")
    assert page.locator("#images .sprite").count() == 48
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#images .tile").first.click()
    page.locator("dialog a").click()
    assert len(first_answers(page)) == 12
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", list(VIEWS))
def test_nothing_is_in_the_way(open_page: Open, view: str, scheme: str) -> None:
    """No serious or critical finding of axe-core; no scrolling sideways."""
    page = open_page(view, color_scheme=scheme)
    if "try" in view:
        draw(page)
        first_answers(page)
        page.locator(".inside summary").click()
        page.wait_for_selector(".layer")
    elif "study" in view.split("?")[0]:
        page.wait_for_selector("section[id^=topic-]", timeout=60_000)
        page.locator(".wrong [data-cell]:not([aria-disabled])").first.click()
        page.wait_for_selector(".cell-images .sprite")
    elif "runs" in view:
        page.locator("tbody a").first.click()
        page.wait_for_selector(".view-run dl")
        assert in_the_way(page) == []
        page.go_back()
        page.wait_for_selector(".view-runs table")
    else:
        page.locator("#images .tile").first.click()
        assert in_the_way(page) == []
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
    assert in_the_way(page) == []
    for width in (360, 400, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_running_study_is_watched(watched: Open, root: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.toml").write_text(
        'name = "slow"\ndataset = "mnist-5k"\nreplicates = 1\n[[recipe]]\nuse = "lenet5"\nepochs = 60\n',
        encoding="utf-8",
    )
    places = ("--runs", str(root / "runs"), "--reports", str(tmp_path / "reports"))
    one = watched()
    with program("run", str(tmp_path / "slow.toml"), *places, "--quiet"):
        page = one.open("#try?study=small", ".pad-canvas")
        until(  # it joins the list when the page next asks
            page,
            "fetch('/api/studies').then((r) => r.text()).then((all) => all.includes('\"slow\"'))",
        )
        page = one.open("#study?study=slow", "#live:not([hidden]) .chart svg path")
        points = (
            "Math.max(...[...document.querySelectorAll('#live .mark-line path')]"
            ".map((path) => (path.getAttribute('d') ?? '').split(/[ML]/).length - 1))"
        )
        until(page, f"{points} >= 2")
        before = page.evaluate(points)
        until(page, f"{points} >= {before + 2}")
        assert "epoch" in page.locator("#live .now").inner_text()
    page.wait_for_selector("#live", state="hidden")


def test_a_study_is_followed_to_its_verdicts(
    watched: Open, root: Path, images: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(BRIEF, encoding="utf-8")
    one, seen = watched(), threading.Event()

    def wait(event: Event) -> None:
        if event.kind == "epoch":
            assert seen.wait(60)

    training = threading.Thread(
        target=run_study,
        args=(read_study(path), images, Store(root / "runs")),
        kwargs={"on_event": wait},
    )
    training.start()
    try:
        page = one.open("#try?study=small", ".pad-canvas")
        until(page, "fetch('/api/studies').then((r) => r.text()).then((all) => all.includes('brief'))")
        page = one.open("#study?study=brief", "#live:not([hidden])")
    finally:
        seen.set()
        training.join()
    (root / "reports" / "brief").mkdir()
    shutil.copy(path, root / "reports" / "brief")
    page.wait_for_selector("#live", state="hidden")
    page.wait_for_selector("section[id^=topic-]", timeout=60_000)
    assert page.locator(".recipes tbody tr").count() == 2


@pytest.mark.parametrize(
    "view", ["#study?study=nobody", "#run?run=ffff", "#data?study=nobody", "#try?run=ffff"]
)
def test_what_is_not_there_is_told_in_one_line(watched: Open, view: str) -> None:
    one = watched()
    one.page.goto(f"{one.origin}/{view}")
    one.page.wait_for_selector("main .problem")
    said = one.page.locator("main").inner_text().strip()
    assert said
    assert "\n" not in said
    one.faults = [said for said in one.faults if "status of 404" not in said]
