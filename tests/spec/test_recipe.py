import pytest

from handlens.errors import SpecError
from handlens.spec import (
    Adam,
    Dense,
    Estimator,
    EstimatorRecipe,
    Flatten,
    NetworkRecipe,
    digest,
    from_dict,
    to_dict,
    zoo,
    zoo_names,
)


def network(**fields):
    return from_dict({"name": "net", "layers": ["Flatten()", "Dense(8)"]} | fields)


@pytest.mark.parametrize("name", zoo_names())
def test_every_recipe_of_the_zoo_comes_back_equal_from_plain_data(name):
    assert from_dict(to_dict(zoo(name))) == zoo(name)


def test_mlp_is_short_for_the_dense_network_of_500_and_300():
    assert zoo("mlp") == zoo("mlp-500-300")
    assert [layer.units for layer in zoo("mlp").layers if isinstance(layer, Dense)] == [500, 300]


def test_a_table_and_python_give_the_same_recipe():
    made = NetworkRecipe("net", (Flatten(), Dense(8)), optimizer=Adam(0.01), epochs=3)
    assert network(optimizer="Adam(0.01)", epochs=3) == made
    assert network(layers="Flatten(), Dense(8)", optimizer="Adam(0.01)", epochs=3) == made


def test_estimators_by_short_name_and_by_path():
    assert from_dict({"name": "a", "estimator": "linear-svm(C=0.1)"}) == EstimatorRecipe(
        "a", Estimator("linear-svm", {"C": 0.1})
    )
    path = "sklearn.svm.SVC"
    assert from_dict({"name": "a", "estimator": f"{path}(kernel='rbf')"}).estimator.name == path


def test_use_starts_from_the_zoo_and_changes_what_is_said():
    changed = from_dict({"use": "mlp", "name": "short", "epochs": 2})
    assert changed.epochs == 2
    assert changed.layers == zoo("mlp").layers


def test_a_default_that_is_written_out_changes_nothing():
    assert digest(to_dict(network(batch_size=128))) == digest(to_dict(network()))
    assert digest(to_dict(network(batch_size=64))) != digest(to_dict(network()))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "a"}, "a recipe has either layers, an estimator or a model. Write"),
        ({"name": "a", "layers": ["Flatten()"], "estimator": "forest"}, "either layers, an estimator"),
        ({"layers": ["Flatten()"]}, "argument 'name' is missing"),
        ({"name": "a", "layers": []}, "layers is []"),
        ({"name": "a", "layers": [5]}, "layers[0]: got 5; expected a text in quotes"),
        ({"name": "a", "layers": ["Flatten()", "Dens(5)"]}, "recipe 'a': layers[1]: unknown name 'Dens'"),
        ({"name": "a", "layers": ["Flatten()"], "epoch": 3}, "unknown key 'epoch'. Did you mean 'epochs'?"),
        ({"name": "a", "layers": ["Flatten()"], "epochs": 0}, "epochs is 0; expected greater than 0"),
        ({"name": "a", "layers": ["Flatten()"], "epochs": 1.5}, "epochs is 1.5; expected a whole number"),
        ({"name": "a", "layers": ["Flatten()"], "optimizer": "Adm()"}, "Did you mean 'Adam'?"),
        (
            {"name": "a", "layers": ["Flatten()"], "optimizer": "Adam(lr=0.1)"},
            "unknown argument 'lr'. Did you mean 'learning_rate'?",
        ),
        ({"name": "a", "layers": ["Flatten()"], "optimizer": "SGD(0)"}, "learning_rate is 0"),
        ({"name": "a", "layers": ["Flatten()"], "optimizer": 3}, "expected a text in quotes"),
        ({"name": "a", "layers": ["Flatten()"], "keep": "first"}, "keep is 'first'"),
        ({"name": "a", "estimator": "forest(100)"}, "arguments without a name"),
        ({"name": "a", "estimator": "forest("}, "cannot be read"),
        ({"use": "forst"}, "no recipe is called 'forst'. Did you mean 'forest'?"),
        ({"use": 3}, "expected a text in quotes"),
    ],
)
def test_a_mistake_is_one_line_that_says_where_and_what_to_do(table, message):
    with pytest.raises(SpecError) as caught:
        from_dict(table)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
