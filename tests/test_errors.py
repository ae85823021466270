import pytest

from handlens.errors import DataError, HandlensError, MissingExtra, did_you_mean


def test_an_error_is_one_line_with_where_what_expected_and_remedy():
    error = DataError("label is -1\nhere", where="a.csv", expected="0 or more", remedy="correct it")
    assert str(error) == "a.csv: label is -1 here; expected 0 or more. Correct it"
    assert isinstance(error, HandlensError)


def test_only_what_is_needed():
    assert str(HandlensError("no images")) == "no images"


def test_a_missing_extra_says_how_to_get_it():
    assert "pip install 'handlens[parquet]'" in str(MissingExtra("pyarrow", "parquet"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("forst", "did you mean 'forest'?"),
        ("FOREST", "did you mean 'forest'?"),
        ("xyz", "known: forest, mlp"),
    ],
)
def test_did_you_mean(name, sentence):
    assert did_you_mean(name, ["mlp", "forest"]) == sentence


@pytest.mark.parametrize(
    ("name", "known", "sentence"),
    [
        ("lr", ["learning_rate", "rho"], "did you mean 'learning_rate'?"),
        (
            "optimizer.lr",
            ["optimizer.decay", "optimizer.learning_rate"],
            "did you mean 'optimizer.learning_rate'?",
        ),
        ("n_epochs", ["epochs", "batch_size"], "did you mean 'epochs'?"),
        ("batch", ["epochs", "batch_size"], "did you mean 'batch_size'?"),
        ("wd", ["decay", "weight_decay"], "did you mean 'weight_decay'?"),
        ("lr", ["C", "gamma"], "known: C, gamma"),
    ],
)
def test_what_others_call_it(name, known, sentence):
    assert did_you_mean(name, known) == sentence
