"""What happens in the store while studies run, in whatever process: read from the disk, told to listeners.

Nothing is looked at while nobody listens. A listener that does not keep up is let go; its browser comes again
and is told the state anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from handlens.serve import limits
from handlens.serve.library import Library
from handlens.serve.lines import News, Told, fresh, noted
from handlens.serve.refusal import Refusal
from handlens.serve.runs import brief
from handlens.serve.site import Site
from handlens.serve.studies import counts
from handlens.studies.storage.store import HASH
from handlens.studies.training.progress import PROGRESS, running

PULSE = 0.5  # seconds between two looks
ALIVE = 15.0  # seconds of silence after which a comment keeps the connection
QUEUE = 2000  # events that a slow listener may lag behind


class Watch:
    """Follows the store for all listeners together."""

    def __init__(self, site: Site, *, pulse: float = PULSE) -> None:
        self._site, self._pulse, self._lock = site, pulse, threading.Lock()
        self._told: dict[str, Told] = {}
        self._counts: dict[str, dict[str, Any]] = {}
        self._seen: set[str] | None = None
        self._looked = False
        self._news: deque[News] = deque(maxlen=QUEUE)  # noticed, not yet told
        self._listeners: set[asyncio.Queue[News | None]] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def _library(self) -> Library:
        return self._site.library

    def live(self, study: str) -> dict[str, list[dict[str, Any]]]:
        """Epochs of a study's trainings under way, by run."""
        with self._lock:
            self._notice()
            told = [t for t in self._told.values() if t.study == study]
            return {run: list(made["history"]) for t in told for run, made in t.trainings.items()}

    async def listen(self, study: str | None) -> AsyncGenerator[bytes, None]:
        """Server-sent events until the listener goes, or the server.

        Raises:
            Refusal: too many listeners.
        """
        if len(self._listeners) >= limits.LISTENERS:
            raise Refusal(429, f"there are {limits.LISTENERS} listeners already; close another page")
        queue: asyncio.Queue[News | None] = asyncio.Queue(QUEUE)
        self._listeners.add(queue)
        try:
            await self._tell(await asyncio.to_thread(self._look))
            while not queue.empty():
                queue.get_nowait()
            yield b"retry: 2000\n\n" + _event("state", await asyncio.to_thread(self._state, study))
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._follow())
            while True:
                try:
                    news = await asyncio.wait_for(queue.get(), ALIVE)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if news is None:
                    return
                if _concerns(news, study):
                    yield _event(*news)
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """Let all listeners go."""
        if self._task is not None:
            self._task.cancel()
        for queue in list(self._listeners):
            self._dismiss(queue)

    async def _follow(self) -> None:
        while self._listeners:
            await asyncio.sleep(self._pulse)
            await self._tell(await asyncio.to_thread(self._look))

    async def _tell(self, news: list[News]) -> None:
        for queue in list(self._listeners):
            try:
                for one in news:
                    queue.put_nowait(one)
            except asyncio.QueueFull:
                self._dismiss(queue)

    def _dismiss(self, queue: asyncio.Queue[News | None]) -> None:
        self._listeners.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)

    def _look(self) -> list[News]:
        """What is new and untold."""
        with self._lock:
            self._notice()
            news = list(self._news)
            self._news.clear()
            return news

    def _notice(self) -> None:
        """Note what is new since the last time."""
        self._news += self._read_lines() + self._new_runs()
        shelves = self._library.shelves()
        for gone in set(self._counts) - {shelf.name for shelf in shelves}:
            self._news.append(("study", self._counts.pop(gone) | {"running": False}))
        for shelf in shelves:
            now = {"name": shelf.name, **counts(shelf)}
            if self._looked and self._counts.get(shelf.name) != now:
                self._news.append(("study", now))
            self._counts[shelf.name] = now
        self._looked = True

    def _state(self, study: str | None) -> dict[str, Any]:
        with self._lock:
            trainings = [made for told in self._told.values() for made in told.trainings.values()]
            return {
                "studies": [c for c in self._counts.values() if study in (None, c["name"])],
                "trainings": [
                    {**made, "history": list(made["history"])}
                    for made in trainings
                    if study in (None, made["study"])
                ],
            }

    def _new_runs(self) -> list[News]:
        found = _names(self._library.store.root)
        before, self._seen = self._seen, found
        news: list[News] = []
        for hash in sorted(found - before) if before is not None else ():
            with contextlib.suppress(Refusal):
                run = brief(self._site, self._library.record(hash))
                news.append(("run", run))
        return news

    def _read_lines(self) -> list[News]:
        """The new lines of all studies that run."""
        news: list[News] = []
        folder = self._library.store.root / PROGRESS
        paths = {path.name: path for path in folder.glob("*.jsonl")}
        for gone in set(self._told) - set(paths):
            news += self._ended(self._told.pop(gone))
        for name, path in sorted(paths.items()):
            told = self._told.setdefault(name, Told())
            for said in fresh(path, told):
                news += noted(told, said)
            if told.trainings and not running(self._library.store.root, told.study):
                news += self._ended(told)
        return news

    def _ended(self, told: Told) -> list[News]:
        """Trainings that nobody is at any more: stored, with their last line unread, or broken off."""
        gone, told.trainings = told.trainings, {}
        has = self._library.store.has
        return [
            (
                "done" if has(run) else "failed",
                {k: made[k] for k in ("study", "run", "model", "replicate")},
            )
            for run, made in gone.items()
        ]


def _concerns(news: News, study: str | None) -> bool:
    """Whether somebody who asked for one study is to hear it."""
    said = news[1]
    return study is None or study in (said.get("study"), said.get("name")) or study in said.get("studies", ())


def _event(kind: str, said: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(said, ensure_ascii=False)}\n\n".encode(
        "utf-8", "backslashreplace"
    )


def _names(root: Path) -> set[str]:
    """Hashes of the run folders: they are whole when they are there."""
    try:
        with os.scandir(root) as entries:
            return {entry.name for entry in entries if HASH.fullmatch(entry.name)}
    except OSError:
        return set()
