"""Models in memory, each with a desk of its own: what arrives together is answered as one batch.

One thread works at a desk, so a model need not know about threads. While it computes, requests gather; when
it is done, it takes all of them at once. Nobody waits for a batch to fill.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from handlens.data.images import Images
from handlens.data.inputs import InputContract
from handlens.engines import Model
from handlens.errors import HandlensError, StoreError
from handlens.records import Run
from handlens.serve import limits
from handlens.serve.library import Library
from handlens.serve.refusal import Refusal

BATCH = 1024  # images in one go
Answer = NDArray[np.floating[Any]]
V = TypeVar("V")


class Desk:
    """A model and its thread."""

    def __init__(self, run: Run, model: Model, contract: InputContract) -> None:
        self.run, self.model, self.contract = run, model, contract
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"desk-{run.trial.hash[:8]}")
        self._lock = threading.Lock()
        self._waiting: list[tuple[Images, Future[Answer]]] = []
        self.batches = 0  # how often the model was asked

    async def predict(self, images: Images) -> Answer:
        """Probabilities, float [n, k], of uint8 images [n, height, width, channels] of the model's size."""
        future: Future[Answer] = Future()
        with self._lock:
            self._waiting.append((images, future))
            first = len(self._waiting) == 1
        if first:
            self._thread.submit(self._work)
        return await asyncio.wrap_future(future)

    async def call(self, work: Callable[[], V]) -> V:
        """Something else that needs the model, done by its thread."""
        return await asyncio.wrap_future(self._thread.submit(work))

    def _work(self) -> None:
        with self._lock:
            taken, self._waiting = self._waiting, []
        taken = [(images, future) for images, future in taken if future.set_running_or_notify_cancel()]
        if not taken:
            return
        try:
            answers = self._answers([images for images, _ in taken])
        except BaseException as error:
            for _, future in taken:
                future.set_exception(error)
            return
        start = 0
        for images, future in taken:
            future.set_result(answers[start : start + len(images)])
            start += len(images)

    def _answers(self, asked: list[Images]) -> Answer:
        images = asked[0] if len(asked) == 1 else np.concatenate(asked)
        found = []
        for start in range(0, len(images), BATCH):
            self.batches += 1
            found.append(self.model.predict_proba(images[start : start + BATCH]))
        return found[0] if len(found) == 1 else np.concatenate(found)


class Desks:
    """The models that were asked for lately."""

    def __init__(self, library: Library, most: int = limits.MODELS) -> None:
        self._library, self._most = library, most
        self._desks: OrderedDict[str, asyncio.Task[Desk]] = OrderedDict()

    async def desk(self, hash: str) -> Desk:
        """The desk of a run's model, which is loaded if need be.

        Raises:
            Refusal: the run is missing or damaged, or its engine is not installed.
        """
        task = self._desks.get(hash)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._open, hash))
            self._desks[hash] = task
            while len(self._desks) > self._most:
                self._desks.popitem(last=False)
        self._desks.move_to_end(hash)
        try:
            return await asyncio.shield(task)
        except Exception:
            self._desks.pop(hash, None)
            raise

    def _open(self, hash: str) -> Desk:
        from handlens.studies.training.trial import load_model

        run = self._library.record(hash)
        try:
            contract = InputContract(**run.input)
            model = load_model(self._library.store, hash)[1]
        except (HandlensError, TypeError) as error:
            reason = (
                str(error) if isinstance(error, HandlensError) else "its record does not describe its images"
            )
            status = 409 if not isinstance(error, StoreError) or self._library.store.has(hash) else 404
            raise Refusal(status, reason) from None
        return Desk(run, _single(model), contract)


def _single(model: Model) -> Model:
    """The model with one thread: its desk's. Several models share the cores already."""
    from handlens.engines.scratch import ScratchModel

    return dataclasses.replace(model, threads=1) if isinstance(model, ScratchModel) else model
