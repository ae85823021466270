import shutil

import numpy as np
import pytest

from handlens.data import load
from handlens.engines import engine
from handlens.labs.chain import Workshop, chain_plan, train_chains
from handlens.labs.variants import Quick, has_keras, shortened
from handlens.spec import from_dict
from handlens.studies.planning.plan import plan, study
from handlens.studies.storage.store import Store
from handlens.studies.training.run import ignore_event
from handlens.studies.training.trial import load_model, ready, training

LAYERS = ["Flatten()", "Dense(8, activation='relu')"]


def two(name, optimizer, engine_name="scratch"):
    return from_dict(
        {"name": name, "layers": LAYERS, "optimizer": optimizer, "epochs": 2, "engine": engine_name}
    )


def small(recipes):
    made = study(name="chain", dataset="mnist-5k", recipes=recipes, replicates=1)
    return shortened(made, load("mnist-5k"), Quick(training=300, test=100, epochs=2, replicates=1))


@pytest.fixture(scope="module", params=["scratch", "keras"])
def trained(request, tmp_path_factory):
    if request.param == "keras" and not has_keras():
        pytest.skip("the extra keras is not installed")
    recipes = [two("first", "SGD(0.1)", request.param), two("second", "Adadelta()", request.param)]
    made, images = small(recipes)
    store = Store(tmp_path_factory.mktemp("runs"))
    (links,) = chain_plan(made, images, made.recipes)
    told = []
    stored, broken = train_chains([links], Workshop(training(images), store, told.append))
    assert (stored, broken) == (links, ())
    return made, images, store, links, told


def test_the_second_link_starts_where_the_first_one_ended(trained):
    """Adadelta at rate 0.001 hardly moves in two epochs, so the two networks are nearly the same."""
    made, images, store, links, _ = trained
    first, second = (load_model(store, link.trial.hash)[1] for link in links)
    near = np.abs(first.predict_proba(images.test.images) - second.predict_proba(images.test.images))
    assert 0 < near.max() < 0.1
    parts = ready(links[1].trial, training(images))
    fresh = engine(made.recipes[1].engine).fit(made.recipes[1], parts.train, parts.validation, 0)
    far = np.abs(first.predict_proba(images.test.images) - fresh.predict_proba(images.test.images))
    assert far.max() > 3 * near.max()


def test_a_link_has_a_hash_of_its_own_and_the_first_is_the_studys_trial(trained):
    made, images, store, links, _ = trained
    planned = {item.name: item.trial.hash for item in plan(made, images)}
    assert links[0].trial.hash == planned["first"]
    assert links[1].trial.hash != planned["second"]
    assert links[1].trial.recipe["after"][0]["optimizer"].startswith("SGD(")
    assert "goes on from the weights of first" in store.read(links[1].trial.hash).notes


def test_a_chain_goes_on_where_it_was_broken_off(trained):
    _, images, store, links, _ = trained
    before = store.predictions(links[1].trial.hash).probabilities
    shutil.rmtree(store.folder(links[1].trial.hash))
    again = []
    train_chains([links], Workshop(training(images), store, again.append))
    assert [event.kind for event in again if event.kind != "epoch"] == ["kept", "begun", "done"]
    np.testing.assert_array_equal(store.predictions(links[1].trial.hash).probabilities, before)


def test_test_images_stay_closed_while_a_chain_is_trained(trained):
    *_, store, links, _ = trained
    assert not any(store.opened(link.trial.hash) for link in links)


def test_a_link_that_cannot_be_trained_ends_its_chain(tmp_path):
    made, images = small([two("first", "SGD(1e30)"), two("second", "Adam()")])
    (links,) = chain_plan(made, images, made.recipes)
    stored, broken = train_chains([links], Workshop(training(images), Store(tmp_path), ignore_event))
    assert stored == ()
    assert "first, replicate 1" in broken[0]
