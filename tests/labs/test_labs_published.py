import numpy as np
import pytest

from handlens.engines import scratch
from handlens.errors import SpecError
from handlens.labs.published import published
from handlens.labs.variants import OURS, read, with_keras
from handlens.spec import NetworkRecipe
from handlens.studies.planning.plan import configurations

STUDIES = sorted({name for lab in published().labs for name in lab.studies})


def recipe_of(row):
    return next(c.recipe for c in configurations(read(row.study)) if c.name == row.recipe)


@pytest.mark.parametrize("row", published().rows, ids=lambda row: f"{row.study} {row.recipe} {row.metric}")
def test_every_row_is_a_configuration_and_its_parameters_are_the_published_ones(row):
    recipe = recipe_of(row)
    if row.parameters is not None:
        outputs = row.outputs or 10
        network = scratch.build(recipe, (28, 28, 1), outputs, np.random.default_rng(0))
        assert network.count_params() == row.parameters


def test_our_24_letters_make_257_parameters_less_than_the_labs_25_outputs():
    row = next(row for row in published().rows if row.recipe == "dense-512-256")
    ours = scratch.build(recipe_of(row), (28, 28, 1), 24, np.random.default_rng(0))
    assert (row.outputs, row.parameters) == (25, 539_673)
    assert row.parameters - ours.count_params() == 256 + 1


def test_what_is_published():
    counts = {row.parameters for row in published().rows} - {None}
    assert counts == {539_673, 238_510, 545_810, 44_426, 35_626, 157_606}
    values = [row.value for row in published().of_study("b-sweep")]
    assert values == [0.98177, 0.98190, 0.98087, 0.98153, 0.98013]
    assert sum(row.continued for row in published().rows) == 7


def test_lab_d_sums_gradients_and_has_two_linear_layers_in_a_row():
    recipe = recipe_of(published().of_study("d")[0])
    assert (recipe.reduction, recipe.batch_size, recipe.epochs, recipe.prepare) == (
        "sum",
        512,
        20,
        "standardize",
    )
    assert [layer.activation for layer in recipe.layers[1:]] == ["relu", "linear", "relu"]


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_three_replicates_and_every_recipe_of_it_is_in_the_table(name):
    study, rows = read(name), published().of_study(name)
    assert study.replicates >= 3
    assert study.test == "all"
    named = {row.recipe for row in rows}
    assert {c.name for c in configurations(study) if not c.family.startswith(OURS)} == named


def test_chains_go_on_with_the_rows_that_the_lab_continued():
    known = published()
    for chain in known.chains:
        rows = {row.recipe: row for row in known.of_study(chain.study)}
        assert [rows[name].continued for name in chain.recipes] == [False] + [True] * (len(chain.recipes) - 1)


def test_keras_trains_every_network_of_labs_a_b_c_and_of_the_second_half_of_e():
    known = published()
    for lab in known.labs:
        for name in lab.studies:
            study = read(name)
            made = with_keras(study, lab, name).recipes[len(study.recipes) :]
            networks = [
                r for r in study.recipes if isinstance(r, NetworkRecipe) and not r.name.startswith(OURS)
            ]
            assert all(recipe.engine == "keras" for recipe in made)
            assert len(made) == (0 if lab.name == "D" or name == "e-scratch" else len(networks))


def test_a_lab_that_is_not_there():
    with pytest.raises(SpecError, match="no lab is called 'F'"):
        published().lab("F")
