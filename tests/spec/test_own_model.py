"""Recipes of the user's own Keras models: where the code is, and what of it makes another trial."""

import dataclasses
import hashlib
import json.decoder
import sys
from pathlib import Path

import pytest

from handlens.errors import SpecError
from handlens.spec import Adam, KerasRecipe, from_dict, to_dict
from handlens.spec.source import source_of
from handlens.studies.planning.fields import settable, with_value
from handlens.studies.planning.plan import read_study, study
from handlens.studies.planning.toml import to_toml

TEXT = "raise RuntimeError('nobody may import this')\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a module and a package that cannot be imported."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package").mkdir()
    for path in ("own.py", "package/__init__.py", "package/inner.py"):
        (tmp_path / path).write_text(TEXT)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("module", ["own", "package", "package.inner"])
def test_the_source_is_found_and_not_imported(module):
    assert source_of(module) == hashlib.sha256(TEXT.encode()).hexdigest()
    assert not {"own", "package", "package.inner"} & set(sys.modules)


def test_an_installed_module_is_found_behind_the_current_folder(folder):
    installed = source_of("json.decoder")
    assert installed == hashlib.sha256(Path(json.decoder.__file__).read_bytes()).hexdigest()
    (folder / "json").mkdir()
    (folder / "json" / "__init__.py").write_text("")
    (folder / "json" / "decoder.py").write_text("here = 1\n")
    assert source_of("json.decoder") == hashlib.sha256(b"here = 1\n").hexdigest()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("module", ["nowhere", "package.nowhere", "own.inner", "sys", "math"])
def test_what_has_no_python_file_is_refused(module):
    with pytest.raises(SpecError, match=f"no Python file of a module '{module}' is found"):
        source_of(module)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "text", ["own", "own:", ":build", "own:build()", "own.py:build", "own:a.b", "../own:build"]
)
def test_a_model_is_a_module_and_a_function(text):
    expected = "no Python file" if text == "own.py:build" else "expected module:function"
    with pytest.raises(SpecError, match=expected):
        KerasRecipe(name="a", model=text)


@pytest.mark.usefixtures("folder")
def test_a_recipe_is_read_and_written_equal():
    table = {"name": "a", "model": "own:build", "optimizer": "Adam(0.01)", "epochs": 3}
    recipe = from_dict(table)
    assert isinstance(recipe, KerasRecipe)
    assert (recipe.optimizer, recipe.loss, recipe.source) == (Adam(0.01), None, source_of("own"))
    assert from_dict({k: v for k, v in to_dict(recipe).items() if v is not None}) == recipe


def test_a_changed_file_is_another_recipe(folder):
    table = {"name": "a", "model": "own:build"}
    before = from_dict(table)
    (folder / "own.py").write_text(TEXT + "# changed\n")
    assert from_dict(table) != before
    assert from_dict(to_dict(before)) == before  # a stored one stays what it was


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("more", [{"layers": ["Flatten()"]}, {"estimator": "forest"}, {"use": "forest"}])
def test_a_recipe_is_of_one_kind(more):
    with pytest.raises(SpecError, match="either layers, an estimator or a model"):
        from_dict({"name": "a", "model": "own:build"} | more)


def test_fields_of_a_model_are_set_by_their_keys(folder):
    recipe = from_dict({"name": "a", "model": "own:build", "optimizer": "Adam()"})
    keys = settable(recipe)
    assert {"epochs", "batch_size", "optimizer.learning_rate", "augment.shift", "model"} <= keys
    assert not {"source", "name", "layers", "layers.l2"} & keys
    assert with_value(recipe, "optimizer.learning_rate", 0.1).optimizer == Adam(0.1)
    assert with_value(recipe, "loss", "MeanSquaredError()").loss is not None
    (folder / "own.py").rename(folder / "other.py")
    (folder / "other.py").write_text("# another\n")
    assert with_value(recipe, "model", "other:build").source == source_of("other")


def test_a_study_of_it_is_written_and_read_equal(folder):
    made = study(
        name="s", title="s", dataset="digits", recipes=[from_dict({"name": "a", "model": "own:build"})]
    )
    (folder / "study.toml").write_text(to_toml(made))
    read = read_study(folder / "study.toml")
    assert read == dataclasses.replace(made)
