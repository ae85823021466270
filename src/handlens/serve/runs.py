"""Runs as the page shows them: one line each, or settings, environment, scores and history of one."""

from __future__ import annotations

import dataclasses
from typing import Any

from handlens.errors import StoreError
from handlens.records import Run
from handlens.serve.refusal import Refusal
from handlens.serve.site import Site
from handlens.studies.training.progress import plain


def listed(site: Site, study: str | None, offset: int, limit: int) -> dict[str, Any]:
    """Runs, the newest first."""
    library = site.library
    wanted = library.shelf(study) if study is not None else None
    if wanted is not None:
        wanted.result()
    hashes = library.hashes() if wanted is None else [h for h in wanted.hashes() if library.store.has(h)]
    found, damaged = [], 0
    for hash in hashes:
        try:
            found.append(library.record(hash))
        except Refusal:
            damaged += 1
    found.sort(key=lambda run: (run.created, run.trial.hash), reverse=True)
    return {
        "total": len(found),
        "damaged": damaged,
        "runs": [brief(site, run) for run in found[offset : offset + limit]],
    }


def brief(site: Site, run: Run) -> dict[str, Any]:
    """A run in a line."""
    hash = run.trial.hash
    return {
        "run": hash,
        "model": run.name,
        "dataset": run.dataset,
        "engine": run.engine,
        "seed": run.trial.seed,
        "created": run.created,
        "parameters": run.parameters,
        "epochs": run.epochs,
        "validation_accuracy": run.validation.accuracy,
        "test_accuracy": _tested(site, hash)[0],
        "fit_wall_s": run.timings.fit_wall_s,
        "studies": site.library.studies_of(hash),
    }


def _tested(site: Site, hash: str) -> tuple[float | None, dict[str, Any] | None, str | None]:
    """Test accuracy, test scores and when the test images were opened; None each where they are closed."""
    store = site.library.store
    if not store.opened(hash):
        return None, None, None
    try:
        look = store.look(hash)
    except StoreError:
        return None, None, None
    return look.scores.accuracy, dataclasses.asdict(look.scores), look.opened


def whole(site: Site, name: str) -> dict[str, Any]:
    """All that is known of a run."""
    run = site.library.run(name)
    _, test, opened = _tested(site, run.trial.hash)
    return {
        "run": run.trial.hash,
        "model": run.name,
        "description": run.model,
        "engine": run.engine,
        "dataset": run.dataset,
        "classes": list(run.classes),
        "seed": run.trial.seed,
        "recipe": run.trial.recipe,
        "split": dataclasses.asdict(run.trial.split),
        "numerics": run.trial.numerics,
        "input": run.input,
        "train_images": run.train_images,
        "history": [plain(epoch) for epoch in run.history],
        "validation": dataclasses.asdict(run.validation),
        "test": test,
        "opened": opened,
        "timings": dataclasses.asdict(run.timings),
        "environment": dataclasses.asdict(run.environment),
        "parameters": run.parameters,
        "epochs": run.epochs,
        "optimizer": run.optimizer,
        "model_bytes": run.model_bytes,
        "created": run.created,
        "notes": list(run.notes),
        "studies": site.library.studies_of(run.trial.hash),
        "insides": run.engine == "scratch",
    }
