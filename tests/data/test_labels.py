"""Labels become contiguous and their names keep what they meant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.data.catalogue import entry
from handlens.data.labels import encode, fits
from handlens.errors import DataError


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=40).filter(lambda x: len(set(x)) > 1))
def test_numbers_with_gaps_become_contiguous_and_name_themselves(values):
    (coded,), classes = encode([np.array(values)])
    assert coded.dtype == np.int64
    assert [classes[i] for i in coded] == [str(v) for v in values]
    assert list(map(int, classes)) == sorted(set(values))


@given(st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=20).filter(lambda x: len(set(x)) > 1))
def test_words_keep_their_meaning(values):
    values = [v.rstrip("\0") or "?" for v in values]  # NumPy's strings end at the first of trailing zeros
    if len(set(values)) < 2:
        return
    (coded,), classes = encode([np.array(values)])
    assert [classes[i] for i in coded] == values
    assert len(set(classes)) == len(classes)


def test_numbers_as_words_are_in_numerical_order():
    _, classes = encode([np.array(["10", "9", "cat", "ant"])])
    assert classes == ("9", "10", "ant", "cat")


def test_training_and_test_images_share_one_list():
    (train, test), classes = encode([np.array([7, 3, 5]), np.array([5, 5])])
    assert classes == ("3", "5", "7")
    assert (train.tolist(), test.tolist()) == ([2, 0, 1], [1, 1])


def test_numbers_in_one_part_and_words_in_the_other_are_one_class():
    (train, test), classes = encode([np.array([1, 2]), np.array(["2", "1"])])
    assert (train.tolist(), test.tolist(), classes) == ([0, 1], [1, 0], ("1", "2"))


def test_sign_letters_never_slip_past_the_missing_j():
    labels = np.array([label for label in range(25) if label != 9])
    (coded,), classes = encode([labels], entry("sign-mnist").classes)
    assert len(classes) == 24
    assert "".join(classes) == "ABCDEFGHIKLMNOPQRSTUVWXY"
    assert (classes[9], classes[coded[labels.tolist().index(10)]]) == ("K", "K")


def test_emnist_letters_count_from_one():
    (coded,), classes = encode([np.array([1, 26, 2])], entry("emnist-letters").classes)
    assert [classes[i] for i in coded] == ["A", "Z", "B"]


def test_words_among_the_names_keep_the_order_of_the_names():
    (coded,), classes = encode([np.array(["cat", "ant", "cat"])], ["cat", "ant"])
    assert (coded.tolist(), classes) == ([0, 1, 0], ("cat", "ant"))


def test_fits():
    letters = entry("sign-mnist").classes
    assert fits([np.array([0, 24]), np.array([3])], letters)
    assert fits([np.array(["A", "Y"])], letters)
    assert not fits([np.array([0, 26])], letters)
    assert not fits([np.array(["A", "AA"])], letters)


@pytest.mark.parametrize(
    ("parts", "names", "says"),
    [
        ([[0, 0]], None, "only one class, '0'"),
        ([[]], None, "no classes"),
        ([[0, 1]], ["a", "b", "c"], "class 'c' without a training image"),
        ([[0, 1], [2]], None, "class '2' without a training image"),
        ([[0, 1], [2]], {0: "a", 1: "b", 2: "c"}, "class 'c' without a training image"),
        ([[0, 5]], ["a", "b"], "label 5 has no class name; expected labels from 0 to 1"),
        ([["cat", "dgo"]], ["cat", "dog"], "did you mean 'dog'"),
        ([[0, 1]], ["a", "a"], "'a' is given twice"),
        ([[0, 1]], [], "label 0 has no class name"),
        ([[0]], [str(i) for i in range(9)], "'1', '2', '3', '4', '5', ... without"),
    ],
)
def test_what_cannot_be_encoded(parts, names, says):
    kind = None if parts[0] and isinstance(parts[0][0], str) else np.int64
    with pytest.raises(DataError, match=f"(?i)there: .*{says}"):
        encode([np.array(part, dtype=kind) for part in parts], names, "there")
