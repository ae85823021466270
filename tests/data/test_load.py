"""The one door for images: names, paths, classes, test images, notes, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handlens.data import Options, load
from handlens.errors import DataError

pytestmark = pytest.mark.usefixtures("cache")

LETTERS = "ABCDEFGHIKLMNOPQRSTUVWXY"


def images(n: int, side: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side), dtype=np.uint8)


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def table(path: Path, labels: list[int], header: bool = True) -> Path:
    rows = [",".join(map(str, [y, *x.ravel()])) for y, x in zip(labels, images(len(labels)), strict=True)]
    first = ["label," + ",".join(f"pixel{i + 1}" for i in range(36))] if header else []
    path.write_text("\n".join(first + rows) + "\n")
    return path


def test_mnist_5k() -> None:
    data = load("mnist-5k")
    assert (data.name, data.shape, data.classes) == ("mnist-5k", (28, 28, 1), tuple("0123456789"))
    assert data.train.counts().tolist() == [400] * 10
    assert data.test.counts().tolist() == [100] * 10
    assert data.train.images.max() == 255
    assert data.licence == "CC BY-SA 3.0"
    assert data.notes == (
        "the source has no test images: 1,000 of its 5,000 images, stratified by class and always the same, "
        "are the test images",
    )
    # What a data set is must never change by itself: every stored run is named after it.
    assert (
        data.digest
        == load("mnist-5k").digest
        == "9340a43d79583a302b6bd61732f5a898f29e1c441b38c059360814bbfde4a453"
    )


def test_digits_fill_the_range_of_grey_levels() -> None:
    from sklearn.datasets import load_digits

    data = load("digits")
    assert (len(data.train), len(data.test), data.shape) == (1438, 359, (8, 8, 1))
    ours = np.concatenate([data.train.images, data.test.images]).reshape(1797, 64)
    theirs = np.rint(load_digits().data * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, theirs))
    assert ours.max() == 255


def test_a_misspelt_name() -> None:
    with pytest.raises(
        DataError, match=r"unknown data set 'mnist5k', and no such file\. Did you mean 'mnist-5k'"
    ):
        load("mnist5k")


def test_a_name_wins_over_a_file_unless_it_has_a_slash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    npz(tmp_path / "x", x=images(10), y=np.arange(10) % 2)
    (tmp_path / "x.npz").rename(tmp_path / "digits")
    assert load("digits").shape == (8, 8, 1)
    assert load("./digits").shape == load(Path("digits")).shape == (6, 6, 1)


def test_a_path_without_a_slash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    npz(tmp_path / "mine.npz", x=images(10), y=np.arange(10) % 2)
    data = load("mine.npz")
    assert (data.name, data.source) == ("mine", "mine.npz")
    (tmp_path / "mine.npz").rename(tmp_path / "my.own.npz.gz")
    assert load("my.own.npz.gz").name == "my.own"


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "none.csv")


def test_training_and_test_part(tmp_path: Path) -> None:
    x, y = images(9), np.array([2, 7, 7, 2, 5, 5, 2, 7, 5])
    data = load(npz(tmp_path / "a.npz", x_train=x[:6], y_train=y[:6], x_test=x[6:], y_test=y[6:]))
    assert data.classes == ("2", "5", "7")
    assert (data.train.images[..., 0] == x[:6]).all()
    assert (data.test.images[..., 0] == x[6:]).all()
    assert [data.classes[i] for i in data.test.labels] == ["2", "7", "5"]
    assert data.notes == ()


def test_no_test_part_splits_one_off(tmp_path: Path) -> None:
    x = images(50)
    data = load(npz(tmp_path / "a.npz", x=x, y=np.arange(50) % 5))
    assert data.test.counts().tolist() == [2] * 5
    both = [*data.train.images.tolist(), *data.test.images.tolist()]
    assert sorted(both) == sorted(x[..., None].tolist())
    assert "10 of its 50 images" in data.notes[0]
    assert load(tmp_path / "a.npz", test=0.5).test.counts().tolist() == [5] * 5
    assert len(load(tmp_path / "a.npz", test=20).test) == 20


@pytest.mark.parametrize("share", [0.0, 1.0, 48])
def test_a_share_that_cannot_be_met(tmp_path: Path, share: float) -> None:
    with pytest.raises(DataError, match="a: test images"):
        load(npz(tmp_path / "a.npz", x=images(50), y=np.arange(50) % 5), test=share)


def test_test_images_from_another_file(tmp_path: Path) -> None:
    train = npz(tmp_path / "a.npz", x=images(8), y=np.arange(8) % 2)
    test = npz(tmp_path / "b.npz", x=images(4, seed=1), y=np.arange(4) % 2)
    data = load(train, test=str(test))
    assert (len(data.train), len(data.test)) == (8, 4)
    assert str(test) in data.notes[0]
    npz(test, x=images(6, seed=2), y=np.arange(6) % 2)
    assert len(load(train, test=test).test) == 6


def test_two_sets_of_test_images(tmp_path: Path) -> None:
    x, y = images(4), np.arange(4) % 2
    path = npz(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(DataError, match="a: has test images already"):
        load(path, test=path)


def test_signs_are_known_by_the_name_of_their_file(tmp_path: Path) -> None:
    labels = [label for label in range(25) if label != 9] * 5
    data = load(table(tmp_path / "sign_mnist_train.csv", labels))
    assert "".join(data.classes) == LETTERS
    assert data.classes[9] == "K"
    assert "the class names are those of sign-mnist, whose files are called the same" in data.notes
    assert "are the test images" in data.notes[-1]


def test_the_names_of_signs_are_not_forced_on_labels_that_do_not_fit(tmp_path: Path) -> None:
    data = load(table(tmp_path / "sign_mnist_train.csv", [0, 1, 99] * 4))
    assert data.classes == ("0", "1", "99")


def test_names_from_a_data_set_a_list_and_a_mapping(tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv", [0, 10, 24] * 4)
    assert load(path).classes == ("0", "10", "24")
    assert load(path, classes="sign-mnist").classes == ("A", "K", "Y")
    assert load(path, classes={0: "zero", 10: "ten", 24: "x", 5: "five"}).classes == ("zero", "ten", "x")
    with pytest.raises(DataError, match=r"(?i)did you mean 'sign-mnist'"):
        load(path, classes="sign-mnst")
    with pytest.raises(DataError, match="mine: class 'c' without a training image"):
        load(npz(tmp_path / "mine.npz", x=images(4), y=np.arange(4) % 2), classes=["a", "b", "c"])


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    for part, n in (("train", 3), ("test", 1)):
        for name in ("cat", "dog"):
            (tmp_path / "pets" / part / name).mkdir(parents=True)
            for i in range(n):
                Image.fromarray(images(1, 8, seed=i)[0]).save(tmp_path / "pets" / part / name / f"{i}.png")
    data = load(tmp_path / "pets")
    assert (data.name, data.classes, len(data.train), len(data.test)) == ("pets", ("cat", "dog"), 6, 2)
    assert load(tmp_path / "pets", Options(size=(4, 4))).shape == (4, 4, 1)


def test_only_a_test_part(tmp_path: Path) -> None:
    data = load(npz(tmp_path / "my_test.npz", x=images(20), y=np.arange(20) % 2))
    assert (len(data.train), len(data.test)) == (16, 4)
    assert "only a test part" in data.notes[0]


def test_classes_without_test_images_are_told(tmp_path: Path) -> None:
    x, y = images(6), np.arange(6) % 3
    data = load(npz(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x[:1], y_test=y[:1]))
    assert data.notes == ("no test images of 1, 2",)
    assert data.classes == data.test.classes == ("0", "1", "2")


def test_what_is_refused(tmp_path: Path) -> None:
    x, y = images(6), np.arange(6) % 2
    with pytest.raises(DataError, match="class '1' without a training image"):
        load(npz(tmp_path / "a.npz", x_train=x, y_train=y * 0, x_test=x, y_test=y))
    with pytest.raises(DataError, match="only one class, '0'"):
        load(npz(tmp_path / "b.npz", x=x, y=y * 0))
    with pytest.raises(DataError, match="no images"):
        load(npz(tmp_path / "c.npz", x=x[:0], y=y[:0]))
    wide = npz(tmp_path / "d.npz", x=images(6, 7), y=y)
    with pytest.raises(DataError, match=r"training images are \[6, 6, 1\], test images \[7, 7, 1\]"):
        load(npz(tmp_path / "e.npz", x=x, y=y), test=wide)


def test_a_second_load_reads_nothing_and_a_change_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import import_module

    path = npz(tmp_path / "a.npz", x=images(20), y=np.arange(20) % 2)
    first = load(path)
    module = import_module("handlens.data.load")

    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    with monkeypatch.context() as patch:
        patch.setattr(module, "read", refuse)
        assert load(path).digest == first.digest
    npz(path, x=images(20, seed=9), y=np.arange(20) % 2)
    assert load(path).digest != first.digest


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HANDLENS_CACHE", str(tmp_path / "file" / "cache"))
    path = npz(tmp_path / "a.npz", x=images(20), y=np.arange(20) % 2)
    with pytest.warns(UserWarning, match="cannot be written"):
        assert len(load(path).train) == 16
