import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlens.errors import SpecError
from handlens.spec import SGD, Adam, from_dict, to_dict, zoo
from handlens.studies.planning.plan import configurations, plan, read_study, study
from handlens.studies.planning.sweep import Axis, read_sweep
from handlens.studies.planning.toml import to_toml

NET = {
    "name": "net",
    "layers": ["Flatten(), Dense(16, l2=0.5), Dropout(0.2), Dense(8)"],
    "optimizer": "SGD(0.3)",
}
RESIDUAL = {
    "name": "res",
    "layers": ["Conv2D(4, 3), Residual((Conv2D(4, 3, padding='same'), ReLU())), Flatten()"],
}
TREES = {"name": "trees", "estimator": "forest(n_estimators=5)"}


def made(sweep, *recipes):
    return configurations(study(name="s", dataset="d", recipes=[from_dict(r) for r in recipes], sweep=sweep))


def values(sweep, *recipes):
    return [dict(c.values) for c in made(sweep, *(recipes or (NET,)))]


def test_keys_multiply_and_the_last_varies_fastest():
    assert values({"epochs": [1, 2], "batch_size": [8, 16]}) == [
        {"epochs": 1, "batch_size": 8},
        {"epochs": 1, "batch_size": 16},
        {"epochs": 2, "batch_size": 8},
        {"epochs": 2, "batch_size": 16},
    ]


def test_a_zipped_group_is_taken_together_and_groups_multiply():
    groups = [{"epochs": [1, 2], "batch_size": [8, 16]}, {"clip_norm": [0.5, 1.0]}]
    found = values({"zip": groups, "optimizer.momentum": [0.0]})
    assert [(v["epochs"], v["batch_size"], v["clip_norm"]) for v in found] == [
        (1, 8, 0.5),
        (1, 8, 1.0),
        (2, 16, 0.5),
        (2, 16, 1.0),
    ]
    assert [next(iter(v)) for v in found] == ["optimizer.momentum"] * 4  # keys stand before groups


def test_every_kind_of_key_reaches_its_place():
    sweep = {
        "epochs": [7],
        "optimizer": ["Adam(0.01)"],
        "optimizer.beta_1": [0.5],
        "schedule": ["StepDecay()"],
        "schedule.every": [3],
        "loss.label_smoothing": [0.1],
        "layers.l2": [0.25],
        "layers.1.units": [99],
        "augment.rotate": [8.0],
        "prepare": ["standardize"],
        "estimator.max_depth": [4],
        "estimator.n_estimators": [9],
    }
    net, trees = made(sweep, NET, TREES)
    assert net.recipe == from_dict(
        NET
        | {
            "epochs": 7,
            "layers": ["Flatten(), Dense(99, l2=0.25), Dropout(0.2), Dense(8, l2=0.25)"],
            "optimizer": "Adam(0.01, beta_1=0.5)",
            "schedule": "StepDecay(every=3)",
            "loss": "SoftmaxCrossEntropy(label_smoothing=0.1)",
            "augment": "Augmentation(rotate=8.0)",
            "prepare": "standardize",
        }
    )
    assert to_dict(trees.recipe)["estimator"] == "forest(n_estimators=9, max_depth=4)"
    assert trees.recipe.prepare == "standardize"
    assert dict(trees.values) == {
        "prepare": "standardize",
        "estimator.max_depth": 4,
        "estimator.n_estimators": 9,
    }
    assert (net.name, net.family, trees.name) == ("net", "net", "trees")


def test_an_argument_of_layers_reaches_those_inside_a_residual_block():
    (one, two) = made({"layers.l2": [0.1, 0.2]}, RESIDUAL)
    assert str(to_dict(one.recipe)["layers"]).count("l2=0.1") == 2
    assert str(to_dict(two.recipe)["layers"]).count("l2=0.2") == 2


def test_whole_layers_and_estimators_can_be_swept():
    layers = [["Flatten()", "Dense(4)"], "Flatten(), Dense(5), Dense(6)"]
    assert [len(c.recipe.layers) for c in made({"layers": layers}, NET)] == [2, 3]
    found = made({"estimator": ["forest", "knn(n_neighbors=3)"]}, TREES)
    assert [c.name for c in found] == ["trees estimator=forest", "trees estimator=knn(n_neighbors=3)"]


def test_an_axis_makes_no_configurations_of_a_recipe_that_has_it_not():
    found = made(
        {"layers.l2": [0.1, 0.2], "estimator.n_estimators": [3, 4, 6]},
        NET,
        TREES,
        {"name": "d", "estimator": "dummy"},
    )
    assert [c.name for c in found] == [
        "net l2=0.1",
        "net l2=0.2",
        "trees n_estimators=3",
        "trees n_estimators=4",
        "trees n_estimators=6",
        "d",
    ]


def test_an_argument_that_only_one_of_the_swept_optimizers_has():
    found = values({"optimizer.momentum": [0.0, 0.9], "optimizer": ["SGD(0.1)", "Adam(0.01)"]})
    assert found == [
        {"optimizer.momentum": 0.0, "optimizer": "SGD(0.1)"},
        {"optimizer": "Adam(0.01)"},
        {"optimizer.momentum": 0.9, "optimizer": "SGD(0.1)"},
    ]


def test_none_stands_for_nothing_where_nothing_is_the_default():
    assert [c.recipe.ema for c in made({"ema": ["none", 0.99]}, NET)] == [None, 0.99]
    assert [c.recipe.patience for c in made({"patience": [None, 3]}, NET)] == [None, 3]
    assert [
        c.recipe.optimizer.weight_decay for c in made({"optimizer.weight_decay": ["none", 0.1]}, NET)
    ] == [None, 0.1]
    found = made({"estimator.max_depth": ["none", 3]}, TREES)
    assert [c.recipe.estimator.arguments["max_depth"] for c in found] == [None, 3]


def test_names_use_short_keys_unless_two_end_alike():
    first = made({"layers.l2": [1e-5, 0.001], "optimizer.learning_rate": [0.003, 0.01]}, NET)[0]
    assert first.name == "net l2=1e-05 learning_rate=0.003"
    first = made({"layers.1.units": [3, 4], "layers.3.units": [5, 6]}, NET)[0]
    assert first.name == "net layers.1.units=3 layers.3.units=5"
    first = made({"layers": [["Flatten()", "Dense(4)"], ["Flatten()"]]}, NET)[0]
    assert first.name == "net layers=Flatten(), Dense(4)"
    assert made({"optimizer.nesterov": [True, False]}, NET)[0].name == "net nesterov=true"


def test_python_may_give_arrays_and_descriptions():
    sweep = {
        "optimizer": [SGD(0.5), Adam()],
        "optimizer.learning_rate": np.array([0.25, 0.125]),
        "epochs": (np.int64(3),),
    }
    assert made(sweep, NET)[1].recipe.optimizer == SGD(0.125)
    assert read_sweep({"epochs": (np.int64(3),)}, "")[0].settings == ((3,),)


def linspace(*three):
    return [v for (v,) in read_sweep({"x": {"linspace": list(three)}}, "")[0].settings]


def logspace(*three):
    return [v for (v,) in read_sweep({"x": {"logspace": list(three)}}, "")[0].settings]


def test_ranges_are_clean_numbers():
    assert list(map(repr, logspace(1e-6, 1e-3, 4))) == ["1e-06", "1e-05", "0.0001", "0.001"]
    assert linspace(1e-6, 1e-3, 5) == [1e-06, 0.00025075, 0.0005005, 0.00075025, 0.001]
    assert linspace(-0.3, 0.3, 7) == [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]
    assert list(map(repr, linspace(10, 50, 5))) == ["10", "20", "30", "40", "50"]
    assert list(map(repr, linspace(1, 2, 3))) == ["1.0", "1.5", "2.0"]
    assert list(map(repr, logspace(1, 100, 3))) == ["1", "10", "100"]
    assert (linspace(3, 9, 1), logspace(3, 9, 1), linspace(3, 9, 2)) == ([3], [3], [3, 9])


ENDS = st.floats(-1e9, 1e9)


@given(first=ENDS, last=ENDS, count=st.integers(1, 40))
def test_linspace_agrees_with_numpy(first, last, count):
    found = linspace(first, last, count)
    assert found[0] == first
    np.testing.assert_allclose(found, np.linspace(first, last, count), rtol=1e-11, atol=1e-9 * 1e-3)


@given(first=st.floats(1e-9, 1e9), last=st.floats(1e-9, 1e9), count=st.integers(2, 40))
def test_logspace_agrees_with_numpy_and_holds_its_ends(first, last, count):
    found = logspace(first, last, count)
    assert (found[0], found[-1]) == (first, last)
    np.testing.assert_allclose(found, np.geomspace(first, last, count), rtol=1e-11)
    assert all(float(f"{v:.12g}") == v for v in found[1:-1])


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLOATS = st.floats(1e-9, 1e3, exclude_min=True)
FIELDS = {
    "epochs": st.integers(1, 99),
    "batch_size": st.integers(1, 512),
    "ema": st.none() | st.floats(0.1, 0.9),
    "optimizer": st.sampled_from(["SGD(0.1)", "Adam()", "RMSprop(0.5)"]),
    "optimizer.learning_rate": FLOATS,
    "layers.l2": FLOATS,
    "layers.1.units": st.integers(1, 300),
    "layers": st.sampled_from([["Flatten()", "Dense(7)"], ["Flatten()", "Dense(8)", "Dense(9)"]]),
    "augment.shift": FLOATS,
}


@st.composite
def sweeps(draw):
    keys = draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=4))
    plain = draw(st.integers(0, len(keys)))

    def column(key, size):
        return draw(st.lists(FIELDS[key], min_size=size, max_size=size, unique_by=repr))

    table = {key: column(key, draw(st.integers(1, 2))) for key in keys[:plain]}
    groups = [keys[i : i + 2] for i in range(plain, len(keys), 2)]
    size = draw(st.integers(1, 2))
    if groups:
        table["zip"] = [{key: column(key, size) for key in group} for group in groups]
    return table


@given(table=sweeps(), title=TEXT, when=st.sampled_from(["final", "all"]))
def test_a_study_comes_back_equal_from_its_toml(tmp_path_factory, table, title, when):
    recipes = [from_dict(NET), "forest"]
    try:
        found = study(name="s", title=title, dataset="mnist-5k", recipes=recipes, sweep=table, test=when)
    except SpecError as error:
        if "the same configuration" in str(error):  # what is drawn at random may be twice the same
            return
        raise
    path = tmp_path_factory.getbasetemp() / "again.toml"
    path.write_text(to_toml(found), encoding="utf-8")
    again = read_study(path)
    assert again == found
    assert configurations(again) == configurations(found)
    names = [c.name for c in configurations(found)]
    assert len(set(names)) == len(names)


def written(tmp_path, sweep):
    path = tmp_path / "a-study.toml"
    path.write_text(
        f'dataset = "digits"\n{sweep}\n[[recipe]]\nname = "net"\n'
        'layers = ["Flatten()", "Dense(16)"]\n[[recipe]]\nuse = "forest"\n'
    )
    return path


def test_toml_with_quotes_without_and_with_groups(tmp_path):
    text = """
        [sweep]
        "layers.l2" = { logspace = [1e-6, 1e-3, 4] }
        optimizer.learning_rate = [0.001, 0.003]
        layers.1.units = { linspace = [10, 30, 3] }
        [[sweep.zip]]
        epochs = [10, 20]
        batch_size = [64, 128]
    """
    found = read_study(written(tmp_path, text))
    assert found.sweep == (
        Axis(("layers.l2",), ((1e-6,), (1e-5,), (1e-4,), (1e-3,))),
        Axis(("optimizer.learning_rate",), ((0.001,), (0.003,))),
        Axis(("layers.1.units",), ((10,), (20,), (30,))),
        Axis(("epochs", "batch_size"), ((10, 64), (20, 128))),
    )
    assert len(configurations(found)) == 4 * 2 * 3 * 2 + 1


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("sweep = 3", "sweep is 3; expected a table [sweep]"),
        ("[sweep]\nepochs = 3", "[sweep] epochs: got 3; expected a list, { linspace"),
        ("[sweep]\nepochs = []", "[sweep] epochs: a list without values; expected at least one"),
        ("[sweep]\nepochs = {}", "[sweep] epochs: got {}; expected either linspace or logspace"),
        ("[sweep]\nepochs = [1979-05-27]", "[sweep] epochs: got datetime.date"),
        ("[sweep]\nlayers.l2 = [inf]", "[sweep] layers.l2: got inf; expected numbers"),
        (
            "[sweep]\nepochs = [1, 'x']",
            "[sweep] epochs: recipe 'net': epochs is 'x'; expected a whole number",
        ),
        ("[sweep]\nepochs = [0]", "[sweep] epochs: recipe 'net': epochs is 0; expected greater than 0"),
        (
            "[sweep]\noptimizer.learning_rate = [-1.0]",
            "[sweep] optimizer.learning_rate: SGD: learning_rate is -1.0",
        ),
        ("[sweep]\nlayers.l2 = [-1]", "[sweep] layers.l2: Dense: l2 is -1"),
        ("[sweep]\nlayers.l2 = ['none']", "[sweep] layers.l2: Dense: l2 is 'none'; expected a number"),
        ("[sweep]\noptimizer = ['Adm()']", "unknown name 'Adm'. Did you mean 'Adam'?"),
        ("[sweep]\nepoch = [1]", "[sweep]: no recipe has 'epoch'. Did you mean 'epochs'?"),
        (
            "[sweep]\nlearning_rate = [1.0]",
            "no recipe has 'learning_rate'. Did you mean 'optimizer.learning_rate'?",
        ),
        (
            "[sweep]\noptimizer.lr = [0.1]",
            "no recipe has 'optimizer.lr'. Did you mean 'optimizer.learning_rate'?",
        ),
        ("[sweep]\nlr = [0.1]", "no recipe has 'lr'. Did you mean 'optimizer.learning_rate'?"),
        ("[sweep]\nlayers.l3 = [1.0]", "no recipe has 'layers.l3'. Did you mean 'layers.l2'?"),
        ("[sweep]\nlayers.1.unit = [1]", "no recipe has 'layers.1.unit'. Did you mean 'layers.1.units'?"),
        ("[sweep]\nlayers.2.units = [1]", "no recipe has 'layers.2.units'. Did you mean 'layers.1.units'?"),
        ("[sweep]\nestimator.n_estimator = [1]", "Did you mean 'estimator.n_estimators'?"),
        ("[sweep]\nname = ['x']", "no recipe has 'name'"),
        ("[sweep]\noptimizer.beta_1 = [0.5]", "no recipe has 'optimizer.beta_1'"),
        ("[sweep]\na.b.c.d = [1]", "no recipe has 'a.b.c.d'"),
        ("[sweep]\nepochs = { linspace = [1, 2] }", "linspace is [1, 2]; expected [first, last, count]"),
        (
            "[sweep]\nepochs = { linspace = [1, 2, 0] }",
            "linspace has a count of 0; expected a whole number from 1",
        ),
        ("[sweep]\nepochs = { linspace = [1, 2, 2.0] }", "linspace has a count of 2.0"),
        ("[sweep]\nepochs = { linspace = [1, nan, 2] }", "linspace has nan; expected numbers"),
        ("[sweep]\nepochs = { linspace = [1, true, 2] }", "linspace has True; expected numbers"),
        ("[sweep]\nlayers.l2 = { logspace = [0, 1, 3] }", "logspace has 0; expected first and last above 0"),
        ("[sweep]\nlayers.l2 = { logspace = [1, -1, 3] }", "[sweep] layers.l2: logspace has -1"),
        (
            "[sweep]\nepochs = { linspace = [1, 2, 2], logspace = [1, 2, 2] }",
            "expected either linspace or logspace",
        ),
        (
            "[sweep]\nepochs = { linspace = [1, 2, 1000000000000] }",
            "1,000,000,000,000 configurations; expected at most 10,000",
        ),
        (
            "[sweep]\nlayers.l2 = { linspace = [0, 1, 200] }\nema = { linspace = [0.1, 0.5, 51] }",
            "10,200 configurations",
        ),
        ("[sweep]\nlayers.l2 = [0.1, 0.10]", "'net l2=0.1' and 'net l2=0.1' are the same configuration"),
        ("[sweep]\nlayers.l2 = [0, 0.0]", "'net l2=0' and 'net l2=0.0' are the same configuration"),
        ("[sweep.zip]\nepochs = [1]", "zip is not a list of tables. Write [[sweep.zip]]"),
        ("[[sweep.zip]]", "[sweep] zip 1: no keys; expected lists of one length"),
        (
            "[[sweep.zip]]\nepochs = [1, 2]\nbatch_size = [1]",
            "[sweep] zip 1: epochs has 2, batch_size has 1; expected lists of one length",
        ),
        ("[sweep]\nepochs = [1]\n[[sweep.zip]]\nepochs = [2]", "epochs stands there 2 times; expected once"),
        ('[test]\nwhen = "never"', "[test]: when is 'never'; expected 'final' or 'all'"),
        ("[test]\nwhen = [1]", "[test]: when is [1]; expected 'final' or 'all'"),
        ("[test]\nwhat = 1", "[test]: unknown key 'what'. "),
    ],
)
def test_a_mistake_names_the_file_and_the_key(tmp_path, sweep, message):
    path = written(tmp_path, sweep)
    with pytest.raises(SpecError) as caught:
        read_study(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_two_recipes_that_are_the_same_are_refused():
    with pytest.raises(SpecError, match="'net' and 'other' are the same configuration"):
        made({}, NET, NET | {"name": "other"})


def test_two_configurations_of_one_name_are_refused():
    other = TREES | {"name": "net epochs=3"}
    with pytest.raises(SpecError, match="two configurations are called 'net epochs=3'"):
        made({"epochs": [3, 4]}, NET, other)


def test_replicate_r_has_the_same_seed_in_every_configuration(digits):
    small = study(
        name="s",
        dataset="d",
        recipes=[from_dict(NET), zoo("dummy")],
        replicates=2,
        seed=5,
        sweep={"layers.l2": [0.1, 0.2]},
    )
    planned = plan(small, digits)
    assert [(p.name, p.family, p.replicate, p.trial.seed) for p in planned] == [
        ("net l2=0.1", "net", 0, 5),
        ("net l2=0.2", "net", 0, 5),
        ("dummy", "dummy", 0, 5),
        ("net l2=0.1", "net", 1, 6),
        ("net l2=0.2", "net", 1, 6),
        ("dummy", "dummy", 1, 6),
    ]
    assert len({p.trial.hash for p in planned}) == 6


def test_a_swept_trial_is_the_trial_of_the_recipe_written_out(digits):
    swept = study(
        name="a", dataset="d", recipes=[from_dict(NET)], sweep={"optimizer.learning_rate": [0.1, 0.2]}
    )
    plain = study(name="b", dataset="d", recipes=[from_dict(NET | {"optimizer": "SGD(0.2)"})])
    assert plan(plain, digits)[0].trial.hash == plan(swept, digits)[1].trial.hash


def test_each_configuration_is_checked_against_the_images(digits):
    pooled = NET | {"layers": ["MaxPooling2D(2), Conv2D(3, 3), Flatten()"]}
    wrong = study(
        name="a", dataset="d", recipes=[from_dict(pooled)], sweep={"layers.kernel_size": [3, [5, 5]]}
    )
    with pytest.raises(SpecError, match=r"recipe 'net kernel_size=\(5, 5\)'"):
        plan(wrong, digits)
