"""One trial of a search after the other: proposed, trained or taken from the store, told to Optuna."""

from __future__ import annotations

import dataclasses
import shutil
import time
from typing import TYPE_CHECKING

from handlens.data import Dataset
from handlens.errors import HandlensError, StoreError
from handlens.records import Epoch, Run
from handlens.seeds import integer
from handlens.spec import EstimatorRecipe, Recipe
from handlens.studies.planning.plan import Planned, Study, plan
from handlens.studies.search import methods
from handlens.studies.search.space import Choices, Range, named, with_values
from handlens.studies.search.storage import broken_off, process
from handlens.studies.search.tried import Tried, tried_of
from handlens.studies.search.wanted import Search, question
from handlens.studies.storage.store import Store
from handlens.studies.training.claims import CHECKPOINTS
from handlens.studies.training.jobs import Event, Job, OnEvent, train_job
from handlens.studies.training.run import PULSE
from handlens.studies.training.trial import Training, training

if TYPE_CHECKING:
    import optuna


class Pruned(Exception):
    """A trial is given up."""


@dataclasses.dataclass(frozen=True, eq=False)
class Session:
    """A search on its storage, open for further trials."""

    study: Study
    wanted: Search
    dataset: Dataset
    data: Training
    store: Store
    record: optuna.Study
    command: str
    on_event: OnEvent

    @classmethod
    def begin(
        cls,
        study: Study,
        wanted: Search,
        dataset: Dataset,
        store: Store,
        storage: optuna.storages.BaseStorage,
        command: str,
        on_event: OnEvent,
    ) -> Session:
        """Open the search's record; another question (space, data, seed, ...) gets another record."""
        library = methods.optuna()
        epochs = max(wanted.space["epochs"].probes) if "epochs" in wanted.space else 0
        record = library.create_study(
            storage=storage,
            study_name=f"{study.name} {question(study, wanted, dataset)[:8]}",
            direction="maximize",
            sampler=library.samplers.RandomSampler(),
            pruner=methods.pruner(wanted.pruner, int(epochs or getattr(wanted.recipe, "epochs", 1))),
            load_if_exists=True,
        )
        return cls(study, wanted, dataset, training(dataset), store, record, command, on_event)

    @property
    def monitor(self) -> str:
        return "accuracy" if isinstance(self.wanted.recipe, EstimatorRecipe) else self.wanted.recipe.monitor

    def spent(self) -> tuple[int, float]:
        """Trials begun and not broken off, and seconds that the finished ones took."""
        trials = self.record.get_trials(deepcopy=False)
        begun = sum(t.state.is_finished() or not broken_off(t) for t in trials)
        return begun, sum(t.user_attrs.get("seconds", 0.0) for t in trials)

    def tried(self) -> tuple[Tried, ...]:
        """Every finished trial: done before pruned before failed, each the best first."""
        order = ("done", "pruned", "failed")
        found = [tried_of(t, self.wanted) for t in self._finished()]
        return tuple(sorted(found, key=lambda t: (order.index(t.state), -(t.score or 0.0), t.number)))

    def recipe_of(self, tried: Tried) -> Recipe:
        """The recipe that was tried."""
        return with_values(self.wanted.recipe, tried.values)[0]

    def attempt(self) -> Tried:
        """Make one trial: the one that was broken off, or a new one.

        Raises:
            StoreError: a run cannot be stored or read.
        """
        trial = self._proposed()
        begin = time.perf_counter()
        try:
            score = self._score(trial)
        except Pruned:
            score = None
        except StoreError:
            raise
        except HandlensError as error:
            trial.set_user_attr("error", str(error))
            score = None
        trial.set_user_attr("seconds", time.perf_counter() - begin)
        # To Optuna a training that fails is the worst of all: what was pruned keeps a sampler away.
        states = methods.optuna().trial.TrialState
        state = states.PRUNED if score is None else states.COMPLETE
        told = self.record.tell(trial, score, state=state, skip_if_finished=True)
        return tried_of(told, self.wanted)

    def _proposed(self) -> optuna.Trial:
        library = methods.optuna()
        trials = self.record.get_trials(deepcopy=False)
        broken = next((t for t in trials if broken_off(t)), None)
        number = len(trials) if broken is None else broken.number
        # Every trial draws from a generator of its own: where the search was broken off makes no difference.
        # But the order of a grid and the scrambling of a sequence belong to all of their points.
        names = () if self.wanted.sampler[0] in ("grid", "qmc") else (number,)
        seed = integer(self.wanted.seed, "search", *names)
        idle, self.record.sampler = (
            self.record.sampler,
            methods.sampler(self.wanted.sampler, self.wanted.space, seed),
        )
        trial = self.record.ask() if broken is None else library.trial.Trial(self.record, broken._trial_id)
        trial.set_user_attr("process", process())
        for key, axis in self.wanted.space.items():
            _draw(trial, key, axis)
        self.record.sampler = idle
        return trial

    def _score(self, trial: optuna.Trial) -> float:
        """Train, or take from the store, the trial's configuration; gives its score, larger is better.

        Raises:
            Pruned: the pruner gives it up.
            HandlensError: it cannot be trained.
        """
        drawn = {key: axis.value(trial.params[key]) for key, axis in self.wanted.space.items()}
        recipe, values = with_values(self.wanted.recipe, drawn)
        job = Job(self._planned(recipe, named(recipe, values)), trial.number + 1, self.wanted.trials or 0)
        hash = job.planned.trial.hash
        twins = [t for t in self._finished() if t.user_attrs.get("trial") == hash]
        trial.set_user_attr("trial", hash)
        trial.set_user_attr("repeated", bool(twins))
        lost = next((t for t in twins if t.state.name == "PRUNED"), None)
        if lost is None or self.store.has(hash):
            return self._final(self._trained(trial, job))
        for step, value in lost.intermediate_values.items():
            trial.report(value, step)
        if "error" in lost.user_attrs:
            trial.set_user_attr("error", lost.user_attrs["error"])
        raise Pruned

    def _trained(self, trial: optuna.Trial, job: Job) -> Run:
        # What was reported before the search was broken off is in the storage already.
        before = max(self.record.trials[trial.number].intermediate_values, default=-1)

        def hear(event: Event) -> None:
            self.on_event(event)
            if event.kind == "kept" and event.run is not None:
                for epoch in event.run.history[before + 1 :]:
                    self._report(trial, epoch)
            if event.epoch is not None and event.epoch.epoch - 1 >= before:
                if event.epoch.epoch - 1 > before:
                    self._report(trial, event.epoch)
                if trial.should_prune():
                    raise Pruned

        hash = job.planned.trial.hash
        try:
            while True:
                outcome = train_job(job, self.data, self.store, command=self.command, on_event=hear)
                if outcome.kind != "elsewhere":
                    break
                time.sleep(PULSE)
        except Pruned:
            shutil.rmtree(self.store.root / CHECKPOINTS / hash, ignore_errors=True)
            self.on_event(Event("pruned", job))
            raise
        if outcome.error is not None:
            self.on_event(Event("failed", job))
            raise outcome.error
        return self.store.read(hash)

    def _planned(self, recipe: Recipe, name: str) -> Planned:
        study = dataclasses.replace(self.study, recipes=(recipe,), sweep=(), replicates=1)
        return dataclasses.replace(plan(study, self.dataset)[0], name=name)

    def _report(self, trial: optuna.Trial, epoch: Epoch) -> None:
        score = getattr(epoch, f"validation_{self.monitor}")
        if score is not None:  # Optuna counts from 0
            trial.report(-score if self.monitor == "loss" else score, epoch.epoch - 1)

    def _final(self, run: Run) -> float:
        if self.monitor == "loss":
            return -run.validation.log_loss
        return float(getattr(run.validation, self.monitor))

    def _finished(self) -> list[optuna.trial.FrozenTrial]:
        states = methods.optuna().trial.TrialState
        return self.record.get_trials(deepcopy=False, states=(states.COMPLETE, states.PRUNED))


def _draw(trial: optuna.Trial, key: str, axis: Range | Choices) -> None:
    """Let the sampler choose a value; one that was chosen before the search was broken off stays."""
    if isinstance(axis, Choices):
        trial.suggest_categorical(key, axis.labels)
    elif axis.whole:
        trial.suggest_int(key, int(axis.low), int(axis.last), log=axis.log, step=int(axis.step or 1))
    else:
        trial.suggest_float(key, axis.low, axis.last, log=axis.log, step=axis.step)
