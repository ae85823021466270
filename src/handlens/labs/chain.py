"""Networks that go on from the weights of the one before, as lab E's did: compiling again resets none.

A link of a chain is a run like any other. What its training went through before stands in its trial's recipe
under `after`, so that its hash tells it from the same recipe with fresh weights. The first link is that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handlens import nn
from handlens.data import Dataset
from handlens.data.prepare import fit_preparation
from handlens.engines import Model, OnEpoch, engine, scratch
from handlens.errors import HandlensError
from handlens.labs.published import published
from handlens.labs.variants import KERAS
from handlens.records import Epoch, Trial
from handlens.seeds import generator, integer
from handlens.spec import NetworkRecipe, to_dict
from handlens.studies.planning.plan import Planned, Study
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import at_work, claim
from handlens.studies.training.interrupt import uninterrupted
from handlens.studies.training.jobs import Event, Job, OnEvent
from handlens.studies.training.trial import Clock, Done, Ready, Training, finished, load_model, ready

CONTINUED = ", continued"


def chain_plan(
    study: Study, dataset: Dataset, recipes: Sequence[NetworkRecipe]
) -> tuple[tuple[Planned, ...], ...]:
    """The links of a chain, replicate by replicate; the first of each is the study's own trial."""
    return tuple(
        tuple(_link(study, dataset, recipes[: i + 1], replicate) for i in range(len(recipes)))
        for replicate in range(study.replicates)
    )


def _link(study: Study, dataset: Dataset, recipes: Sequence[NetworkRecipe], replicate: int) -> Planned:
    *before, recipe = recipes
    described = _plain(recipe) | ({"after": [_plain(r) for r in before]} if before else {})
    trial = Trial(
        data=dataset.digest,
        split=study.split,
        recipe=described,
        seed=study.seed + replicate,
        numerics=engine(recipe.engine).numerics,
    )
    name = recipe.name + (CONTINUED if before else "")
    return Planned(name, recipe, replicate, trial, name)


def planned_chains(name: str, study: Study, dataset: Dataset) -> list[tuple[Planned, ...]]:
    """All chains of the lab's study of that name, from scratch and by Keras, a replicate each."""
    wanted = [chain.recipes for chain in published().chains if chain.study == name]
    recipes = [by_engine(study, names, keras=keras) for names in wanted for keras in (False, True)]
    return [links for chain in recipes if chain for links in chain_plan(study, dataset, chain)]


@dataclass(frozen=True)
class Workshop:
    """Where links are trained and kept, and who is told."""

    data: Training
    store: Store
    on_event: OnEvent
    command: str = ""
    device: str | None = None


def train_chains(
    chains: Sequence[Sequence[Planned]], shop: Workshop
) -> tuple[tuple[Planned, ...], tuple[str, ...]]:
    """Train what is not stored yet, each chain link by link. A link that cannot be trained ends its chain.

    Returns:
        The links that are stored, and a line for each chain that broke.
    """
    total, number = sum(map(len, chains)), 0
    stored: list[Planned] = []
    broken: list[str] = []
    for links in chains:
        before: Model | None = None
        for i, link in enumerate(links):
            job = Job(link, number + i + 1, total)
            try:
                before = _done(job, links[:i], before, shop)
            except HandlensError as error:
                shop.on_event(Event("failed", job))
                broken.append(f"{link.name}, replicate {link.replicate + 1}: {error}")
                break
            stored.append(link)
        number += len(links)
    return tuple(stored), tuple(broken)


def _done(job: Job, past: Sequence[Planned], before: Model | None, shop: Workshop) -> Model | None:
    """The link's model where it was trained now; None where its run was there and nobody has read it."""
    link, store, hash = job.planned, shop.store, job.planned.trial.hash
    with claim(store.root, hash) as mine:
        if store.has(hash):
            shop.on_event(Event("kept", job, run=store.read(hash)))
            return None
        if not mine:
            raise HandlensError("another process is training it", where=link.name, remedy="run again later")
        if past and before is None:
            before = load_model(store, past[-1].trial.hash)[1]
        shop.on_event(Event("begun", job))
        images, clock = ready(link.trial, shop.data), Clock()

        def on_epoch(epoch: Epoch) -> None:
            shop.on_event(Event("epoch", job, epoch=epoch))

        model = _continued(link, len(past), before, images, on_epoch, shop.device)
        notes = (f"goes on from the weights of {past[-1].recipe.name}",) if past else ()
        done = Done(model, clock.seconds(), None, len(model.history), notes)
        run, said = finished(link, shop.data, images, done, command=shop.command)
        with uninterrupted(), at_work(store):
            run = store.write(run, said, model.save, name=hash)
    shop.on_event(Event("done", job, run=run))
    return model


def _continued(
    link: Planned, i: int, before: Model | None, images: Ready, on_epoch: OnEpoch, device: str | None
) -> Model:
    """Train the recipe from the weights of the model before; the order of images is drawn anew."""
    recipe = link.recipe
    assert isinstance(recipe, NetworkRecipe)
    if before is None:
        return engine(recipe.engine, device).fit(
            recipe, images.train, images.validation, link.trial.seed, on_epoch
        )
    seed = integer(link.trial.seed, "link", i)
    if recipe.engine == "keras":
        from handlens.labs.keras_link import fit_from

        return fit_from(before, recipe, images.train, images.validation, seed, device, on_epoch)
    preparation = fit_preparation(recipe.prepare, images.train.images)
    network = _fresh(recipe, images)
    assert isinstance(before, scratch.ScratchModel)
    network.set_weights(before.network.get_weights())
    history = scratch.learn(
        network,
        recipe,
        (images.train.images, images.train.labels),
        (images.validation.images, images.validation.labels),
        offset=preparation.offset,
        scale=preparation.scale,
        seed=seed,
        on_epoch=on_epoch,
    )
    return scratch.ScratchModel(network, preparation, history)


def _fresh(recipe: NetworkRecipe, images: Ready) -> nn.Network:
    return scratch.build(
        recipe, images.train.shape, len(images.train.classes), generator(0, "weights to be replaced")
    )


def _plain(recipe: NetworkRecipe) -> dict[str, Any]:
    return {key: value for key, value in to_dict(recipe).items() if key != "name"}


def by_engine(study: Study, names: Sequence[str], *, keras: bool) -> tuple[NetworkRecipe, ...]:
    """The chain's recipes of the study, by Keras or from scratch; none where the study lacks one."""
    known = {recipe.name: recipe for recipe in study.recipes}
    wanted = [name + (KERAS if keras else "") for name in names]
    if not all(name in known for name in wanted):
        return ()
    return tuple(known[name] for name in wanted)
