"""`handlens audit` as a user calls it, on real digits with planted faults."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A file of 460 digits: 30 test images copied from training, two of them under another label."""
    data = load_digits()
    images = np.clip(data.images * 16, 0, 255).astype(np.uint8).repeat(2, 1).repeat(2, 2)
    labels = data.target.astype(np.int64)
    train, test = np.arange(240), np.concatenate([np.arange(700, 870), np.arange(30)])
    test_labels = labels[test]
    test_labels[-2:] = (test_labels[-2:] + 1) % 10
    path = tmp_path_factory.mktemp("data") / "faulty.npz"
    train_images = np.concatenate([images[train], images[:20]])
    np.savez(
        path,
        x_train=train_images,
        y_train=np.concatenate([labels[train], labels[:20]]),
        x_test=images[test],
        y_test=test_labels,
    )
    return path


def test_an_audit_says_what_it_found_and_leaves_a_page(handlens, faulty, tmp_path):
    done = handlens("audit", faulty, "--charts", "figures")
    assert done.status == 0
    assert "30 of 200 test images (15.0 %) have copies among the training images" in done.out
    assert "2 pairs of copies have different labels" in done.out
    assert "doubtful labels:" in done.err
    page = (tmp_path / "reports" / "audit-faulty" / "audit.html").read_text(encoding="utf-8")
    assert page.count('class="sprite sprite-leaks-training-test"') == 24
    for name in ("leaks-training-test", "shift-test", "label-shares"):
        assert (tmp_path / "figures" / f"{name}.png").stat().st_size > 1000


def test_json_holds_every_finding(handlens, faulty):
    plain = handlens("audit", faulty, "--quick", "--json").json
    assert plain["leaks"]["leaked_test_images"] == list(range(170, 200))
    assert plain["leaks"]["training_families"] == 20
    assert plain["leaks"]["contradictions"] == 2
    first = plain["leaks"]["pairs"]["training-test"]["first"][0]
    assert first["positions"][1] == first["positions"][0] + 170
    assert (first["kind"], first["score"]) == ("exact", 1.0)
    assert plain["shift"]["images"]["kind"] in ("none seen", "copies", "shifted")
    assert sum(plain["shift"]["labels"]["training"]) == 260
    assert "--quick" in plain["doubts"]["reason"]
    assert set(plain["seconds"]) == {"copies", "shift", "doubtful labels"}


def test_a_run_is_scored_three_ways(handlens, faulty):
    handlens("run", "--dataset", faulty, "--models", "knn", "--replicates", "1", "-q")
    done = handlens("audit", faulty, "--quick", "--run", "faulty-knn", "--json")
    scores = done.json["rescored"]["scores"]
    assert [(score["way"], score["part"], score["images"]) for score in scores[:3]] == [
        ("as given", "test", 200),
        ("without leaked images", "test", 170),
        ("as given", "validation", 26),
    ]
    assert scores[3]["way"] == "split by families"
    text = handlens("audit", faulty, "--quick", "--run", "faulty-knn").out
    assert "Scored three ways" in text
    assert "30 leaked test images" in text
    assert handlens("runs", "verify").status == 0
    fewer = handlens("audit", faulty, "--quick", "--run", "faulty-knn", "--no-train", "--json")
    assert len(fewer.json["rescored"]["scores"]) == 2


def test_what_cannot_be_is_one_line(handlens, faulty):
    missing = handlens("audit", faulty, "--run", "nothing")
    assert missing.status == 2
    assert missing.err.count("\n") == 1
    handlens("run", "--dataset", "digits", "--models", "dummy", "--replicates", "1", "-q")
    other = handlens("audit", faulty, "--run", "digits-dummy")
    assert other.status == 2
    assert "was trained on other images (digits)" in other.err


def test_a_folder_of_a_few_large_pictures_is_looked_at(handlens, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(30):
        folder = tmp_path / "own" / ("few" if number < 3 else "many")
        folder.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    done = handlens("audit", tmp_path / "own", "--quick")
    assert done.status == 0
    assert "too few to tell" in done.out
    assert "The source has no test images: 6 of its 30 images" in done.out
