"""The labs on 5,000 real MNIST images that come with a package, cut down until they take seconds."""

import contextlib

import pytest

from handlens.labs.published import published
from handlens.labs.run import Asked, run_lab
from handlens.labs.variants import Quick, folder
from handlens.studies.storage.store import Store
from handlens.studies.training.run import ignore_event, in_turn
from handlens.studies.training.stacks import in_stacks

TINY = Quick(training=150, test=100, epochs=1, replicates=2, keras=0)


@pytest.fixture(scope="session")
def small_studies(tmp_path_factory):
    """The labs' own study files, on images that are always there."""
    place = tmp_path_factory.mktemp("labs")
    for path in folder().glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        for name in ("fashion-mnist:pooled", "mnist:pooled"):
            text = text.replace(f'dataset = "{name}"', 'dataset = "mnist-5k:pooled"')
        (place / path.name).write_text(text.replace('dataset = "mnist"', 'dataset = "mnist-5k"'))
    return place


@contextlib.contextmanager
def unwatched(_study, _images):
    yield ignore_event


@pytest.fixture(scope="session")
def run_tiny(small_studies, tmp_path_factory):
    """Run a lab, by its letter, in a store of its own or in that of another run."""

    def run(name, store=None, studies=small_studies, quick=TINY):
        store = store or Store(tmp_path_factory.mktemp("runs"))
        how = Asked(
            store, in_stacks(in_turn), unwatched, "handlens labs --quick", quick=quick, studies=studies
        )
        return run_lab(published().lab(name), how), how

    return run


@pytest.fixture(scope="session")
def lab_e(run_tiny):
    return run_tiny("E")
