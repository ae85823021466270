"""A folder of pictures: classes, sizes, colours, and pictures that cannot be read."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from handlens.data.formats import Options, list_files, read
from handlens.data.formats.stacking import BATCH


def picture(value: int, shape=(6, 5)) -> np.ndarray:
    """A picture that no other value gives."""
    return (np.arange(np.prod(shape)).reshape(shape) + value).astype(np.uint8)


@pytest.fixture
def tree(fresh):
    """`tree({"a/1.png": array})`: a folder with these pictures (bytes are written as they are)."""

    def build(files, root=None):
        root = root or fresh()
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                Image.fromarray(content).save(path)
        return root

    return build


def test_classes_in_the_order_in_which_people_count(tree):
    root = tree({f"{name}/{i}.png": picture(10 * i) for name in ("10", "2", "a") for i in range(2)})
    source = read(root)
    part = source.parts["all"]
    assert source.format == "folder"
    assert part.labels.tolist() == ["2", "2", "10", "10", "a", "a"]
    np.testing.assert_array_equal(part.images[1, :, :, 0], picture(10))
    assert source.files == list_files(root)
    assert len(source.files) == 6
    assert source.notes == ()


def test_parts(tree):
    root = tree(
        {"Training/a/1.png": picture(1), "Training/b/1.png": picture(2), "test_set/a/9.png": picture(3)}
    )
    parts = read(root).parts
    assert list(parts) == ["train", "test"]
    assert parts["test"].labels.tolist() == ["a"]
    np.testing.assert_array_equal(parts["test"].images[0, :, :, 0], picture(3))


def test_validation_part(tree):
    files = {"train/a/1.png": picture(1), "val/a/1.png": picture(2)}
    source = read(tree(files))
    assert list(source.parts) == ["train", "test"]
    assert "validation part serves as test" in source.notes[0]
    source = read(tree({**files, "test/a/1.png": picture(3)}))
    assert len(source.files) == 2
    assert "validation part was left out" in source.notes[0]


def test_class_may_be_called_train(tree):
    assert read(tree({"train/1.png": picture(1), "ship/1.png": picture(2)})).parts["all"].labels.tolist() == [
        "ship",
        "train",
    ]


def test_mixed_sizes_become_the_median_or_what_the_user_names(tree):
    sizes = {"a/1.png": (6, 5), "a/2.png": (6, 5), "b/1.png": (30, 20)}
    root = tree({name: picture(0, size) for name, size in sizes.items()})
    source = read(root)
    assert source.parts["all"].images.shape == (3, 6, 5, 1)
    assert source.notes == ("1 pictures of other sizes were resized to the median, 6 x 5",)
    assert read(root, Options(size=(8, 7))).parts["all"].images.shape == (3, 8, 7, 1)


def test_one_colour_picture_makes_all_rgb(tree):
    colour = np.dstack([picture(0), picture(9), picture(90)])
    images = read(tree({"a/1.png": picture(1), "a/2.png": colour, "b/3.png": picture(3)})).parts["all"].images
    assert images.shape == (3, 6, 5, 3)
    np.testing.assert_array_equal(images[0], np.dstack([picture(1)] * 3))
    np.testing.assert_array_equal(images[1], colour)
    np.testing.assert_array_equal(images[2], np.dstack([picture(3)] * 3))


def test_large_pictures_by_threads_keep_their_order(tree):
    noise = np.random.default_rng(0).integers(0, 256, (12, 150, 150), np.uint8)
    images = read(tree({f"{i // 6}/{i % 6}.png": image for i, image in enumerate(noise)})).parts["all"].images
    np.testing.assert_array_equal(images[..., 0], noise)


def test_content_counts_not_the_name(tree):
    root = tree({"a/1.png": picture(1), "b/2.png": picture(2), "a/readme.txt": b"about a", "a/.hidden": b"x"})
    (root / "a" / "1.png").rename(root / "a" / "1.data")
    (root / "b" / "2.png").rename(root / "b" / "2.jpg")
    assert read(root).parts["all"].labels.tolist() == ["a", "b"]


def test_unreadable_pictures_are_named_and_counted(tree, refusal):
    root = tree({f"a/{i}.png": picture(i) for i in range(6)} | {"b/1.png": picture(7)})
    whole = (root / "a" / "0.png").read_bytes()
    for i in (1, 2, 3, 4):
        (root / "a" / f"{i}.png").write_bytes(whole[: 40 + i])
    line = refusal(root, "4 of 7 pictures cannot be read", str(Path("a", "1.png")), "--skip-bad")
    assert str(Path("a", "4.png")) not in line
    source = read(root, Options(skip_bad=True))
    part = source.parts["all"]
    assert part.labels.tolist() == ["a", "a", "b"]
    np.testing.assert_array_equal(part.images[:, 0, 0, 0], [0, 5, 7])
    assert source.notes[-1].startswith("4 unreadable pictures left out: ")


def test_all_pictures_unreadable(tree, refusal):
    root = tree({"a/1.png": b"no", "b/2.png": b"no"})
    refusal(root, "holds no picture that can be read", options=Options(skip_bad=True))
    refusal(root, "2 of 2 pictures cannot be read", options=Options(size=(3, 3), skip_bad=True))


def test_class_whose_pictures_were_all_left_out(tree, refusal):
    root = tree({"a/1.png": picture(1), "b/2.png": b"no"})
    refusal(root, f"{os.sep}b: is a class without pictures", "remove it", options=Options(skip_bad=True))


def test_empty_class(tree, refusal):
    root = tree({"train/a/1.png": picture(1)})
    (root / "train" / "b").mkdir()
    refusal(root, f"{Path('train', 'b')}: is a class without pictures", "Put pictures into the folder")


def test_what_handlens_wrote_beside_the_classes_is_no_class(tree):
    """`handlens run --dataset .` works a second time; a class that is called so stays one."""
    root = tree({"a/1.png": picture(1), "b/1.png": picture(2), "runs/1.png": picture(3)})
    (root / "reports" / "first").mkdir(parents=True)
    assert read(root).parts["all"].labels.tolist() == ["a", "b", "runs"]
    (root / "runs" / "1.png").unlink()
    (root / "runs" / "0123456789abcdef0123").mkdir()
    assert read(root).parts["all"].labels.tolist() == ["a", "b"]


def test_no_images(fresh, tree, refusal):
    refusal(fresh(), "holds no images", "one folder a class")
    refusal(tree({"1.png": picture(1)}), "holds no images", "one folder a class")


def test_links_that_leave_the_folder_are_not_followed(tree):
    outside = tree({"secret/1.png": picture(9)})
    root = tree({"a/1.png": picture(1), "b/1.png": picture(2)})
    (root / "a" / "out.png").symlink_to(outside / "secret" / "1.png")
    (root / "c").symlink_to(outside / "secret")
    (root / "b" / "in.png").symlink_to(root / "a" / "1.png")
    assert read(root).parts["all"].labels.tolist() == ["a", "b", "b"]


def test_more_than_one_batch(tree):
    root = tree({"a/0.png": picture(1, (2, 2)), "b/0.png": picture(2, (2, 2))})
    for i in range(1, BATCH + 5):
        (root / "a" / f"{i}.png").hardlink_to(root / "a" / "0.png")
    part = read(root).parts["all"]
    assert part.images[:, 0, 0, 0].tolist() == [1] * (BATCH + 5) + [2]


def test_size_that_memory_does_not_allow(tree, refusal, monkeypatch):
    monkeypatch.setattr("handlens.data.formats.contract.MAX_BYTES", 100)
    root = tree({"a/1.png": picture(1), "b/1.png": picture(2)})
    refusal(root, "GiB of pixels", "smaller images", options=Options(size=(8, 8)))
    assert read(root).parts["all"].images.nbytes == 60
    refusal(tree({"a/2.png": np.dstack([picture(1), picture(2), picture(3)])}, root), "GiB of pixels")
