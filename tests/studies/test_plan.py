import dataclasses

import pytest

from handlens.errors import DataError, HandlensError, SpecError
from handlens.records import Split
from handlens.spec import zoo
from handlens.studies.planning.plan import plan, read_study, study
from handlens.studies.planning.toml import to_toml
from handlens.studies.search.wanted import search_table

RECIPE = '[[recipe]]\nuse = "dummy"\n'


def written(tmp_path, text):
    path = tmp_path / "a-study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_comes_back_equal_from_its_toml(tmp_path):
    made = study(
        name="a-study",
        title='Quotes " and \\ and ü, 😀 and \x7f',
        dataset="mnist-5k",
        recipes=["forest", "mlp", "knn"],
        replicates=5,
        seed=7,
        split=Split(validation=500, seed=3),
        charts=True,
        classes="sign-mnist",
        sweep={"epochs": [10, 20]},
        test="all",
    )
    assert read_study(written(tmp_path, to_toml(made))) == made


def test_what_is_not_said_has_defaults(tmp_path):
    found = read_study(written(tmp_path, f'dataset = "digits"\n{RECIPE}'))
    assert (found.name, found.replicates, found.split) == ("a-study", 3, Split(validation=0.1, seed=0))
    assert (found.test, found.sweep) == ("final", ())


def test_reading_options_reach_the_reader(tmp_path):
    text = f'dataset = "digits"\n[reading]\nsize = [28, 20]\nskip_bad = true\nlabel = "what"\n{RECIPE}'
    reading = read_study(written(tmp_path, text)).reading
    assert (reading.size, reading.skip_bad, reading.label) == ((28, 20), True, "what")


def test_a_data_set_beside_the_file_is_found_from_anywhere(tmp_path):
    (tmp_path / "mine.csv").write_text("")
    found = read_study(written(tmp_path, f'dataset = "mine.csv"\n{RECIPE}'))
    assert found.dataset == str(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset = ", "not TOML"),
        (RECIPE, 'no data set is named. Write dataset = "mnist-5k"'),
        ('dataset = "digits"', "no recipe. Add [[recipe]]"),
        (f'datset = "digits"\n{RECIPE}', "unknown key 'datset'. Did you mean 'dataset'?"),
        (f'dataset = "digits"\nreplicates = 0\n{RECIPE}', "replicates is 0; expected greater than 0"),
        (f'dataset = "digits"\nreplicates = "3"\n{RECIPE}', "replicates is '3'"),
        (f'dataset = "digits"\n[split]\nvalidaton = 0.1\n{RECIPE}', "Did you mean 'validation'?"),
        (f'dataset = "digits"\n[split]\nvalidation = "x"\n{RECIPE}', "[split]: validation is 'x'"),
        (f'dataset = "digits"\n[reading]\nsize = "big"\n{RECIPE}', "[reading]: size is 'big'"),
        (f'dataset = "digits"\nsplit = 3\n{RECIPE}', "split is 3; expected a table [split]"),
        (f'dataset = "digits"\n{RECIPE}{RECIPE}', "2 recipes are called 'dummy'. Give each its name"),
        ('dataset = "digits"\n[[recipe]]\nuse = "dumy"', "Did you mean 'dummy'?"),
        ('dataset = "digits"\nrecipe = 3', "recipe is not a list of tables"),
        ('dataset = "digits"\nrecipe = [3]', "recipe 1: got 3; expected a table"),
    ],
)
def test_a_mistake_names_the_file_and_what_to_do(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(SpecError) as caught:
        read_study(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.toml", "."])
def test_a_file_that_cannot_be_read(tmp_path, name):
    with pytest.raises(SpecError, match="expected a study's TOML file"):
        read_study(tmp_path / name)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not text in UTF-8"):
        read_study(path)


def test_the_mark_that_windows_editors_put_in_front_is_no_part_of_the_text(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(f'dataset = "digits"\n{RECIPE}'.replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_study(path).dataset == "digits"
    path.write_bytes(f'dataset = "digits"\n[search]\ntrials = 3\n{RECIPE}'.encode("utf-8-sig"))
    assert search_table(path) == {"trials": 3}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_another_encoding_is_named_with_the_remedy(tmp_path, encoding):
    path = tmp_path / "x.toml"
    path.write_bytes(f'dataset = "digits"\ntitle = "Größe"\n{RECIPE}'.encode(encoding))
    with pytest.raises(SpecError) as caught:
        read_study(path)
    said = f'{path}: not text in UTF-8. Save it with the encoding UTF-8 (in Notepad: "Save as")'
    assert str(caught.value) == said


def test_replicate_r_has_the_same_seed_in_every_recipe(small, digits):
    planned = plan(dataclasses.replace(small, seed=10), digits)
    assert all(p.family == p.name for p in planned)
    assert [(p.name, p.replicate, p.trial.seed) for p in planned] == [
        ("dummy", 0, 10),
        ("trees", 0, 10),
        ("net", 0, 10),
        ("dummy", 1, 11),
        ("trees", 1, 11),
        ("net", 1, 11),
    ]
    assert len({p.trial.hash for p in planned}) == 6


def test_a_recipes_name_does_not_change_its_trials(digits):
    one = study(name="a", dataset="d", recipes=[zoo("forest")])
    other = study(name="b", dataset="d", recipes=[dataclasses.replace(zoo("forest"), name="trees")])
    assert [p.trial.hash for p in plan(one, digits)] == [p.trial.hash for p in plan(other, digits)]


@pytest.mark.parametrize(
    "recipe",
    [
        {"name": "x", "estimator": "forst"},
        {"name": "x", "estimator": "forest(trees=3)"},
        {"name": "x", "estimator": "sklearn.ensemble.Forest"},
        {"name": "x", "estimator": "no_such_package.Forest"},
        {"name": "x", "estimator": "sklearn.ensemble.RandomForestRegressor"},
        {"name": "x", "estimator": "os.getcwd"},
        {"name": "x", "layers": ["Dense(5)"]},
    ],
)
def test_a_recipe_that_cannot_be_built_is_refused_before_training(recipe, digits):
    from handlens.spec import from_dict

    made = study(name="a", dataset="d", recipes=[from_dict(recipe)])
    with pytest.raises(HandlensError) as caught:
        plan(made, digits)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, DataError)


def test_a_table_is_a_recipe_in_python_too():
    made = study(name="x", dataset="digits", recipes=[{"use": "mlp", "name": "mine", "epochs": 3}, "knn"])
    assert [recipe.name for recipe in made.recipes] == ["mine", "knn"]
    assert made.recipes[0].epochs == 3


@pytest.mark.parametrize(
    ("recipes", "message"),
    [
        ("knn", r"recipes is 'knn'; expected a list .* Write \[...\] around it"),
        ({"use": "knn"}, r"Write \[...\] around it"),
        (zoo("knn"), r"Write \[...\] around it"),
        (3, "recipes is 3; expected a list of names"),
        ([3], "study: recipe 1: got 3; expected a table as of"),
        ([{"use": "knn"}, {"name": "x"}], "study: recipe 2 'x': a recipe has either layers"),
        ([{"uses": "knn"}], "study: recipe 1: a recipe has either"),
    ],
)
def test_recipes_of_another_kind_are_one_line(recipes, message):
    with pytest.raises(SpecError, match=message) as refused:
        study(name="x", dataset="digits", recipes=recipes)
    assert "\n" not in str(refused.value)


def test_too_many_trials_are_refused_before_any_is_made(tmp_path, small, digits):
    text = f'dataset = "digits"\nreplicates = 1_000_000_000\n{RECIPE}'
    with pytest.raises(SpecError, match=r"1,000,000,000 trials .* expected at most 100,000"):
        read_study(written(tmp_path, text))
    many = dataclasses.replace(small, replicates=10**8)
    with pytest.raises(SpecError, match=r"trials .* expected at most 100,000. Ask for fewer replicates"):
        plan(many, digits)
