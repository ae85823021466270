"""What models say of pictures: as they were given, and as they would have been given rightly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from handlens.data.images import Images
from handlens.data.inputs import InputContract
from handlens.data.noticed import Noticed, notice
from handlens.errors import HandlensError
from handlens.report.pictures import uri
from handlens.report.selection import MOST
from handlens.serve import limits
from handlens.serve.answer import as_json
from handlens.serve.desks import Answer, Desk
from handlens.serve.intake import Picture
from handlens.serve.refusal import Refusal
from handlens.serve.site import Site
from handlens.studies.storage.result import StudyResult, chosen_of_each

DIGITS = 6
FEW, LIGHT = 16, 200_000  # answers; bytes of pixels: less than a switch to another thread may cost
V = TypeVar("V")


@dataclass(frozen=True)
class How:
    """Whether pictures are made fit for the models, and whether all is told about it."""

    fit: bool
    details: bool


async def asked(site: Site, study: str | None, runs: Sequence[str]) -> list[Desk]:
    """The models that are to answer: the runs that are named, else those of the study, else of the first one.

    Raises:
        Refusal: unknown ones, or too many.
    """
    hashes = site.recalled(study) if not runs else None
    if hashes is None:
        hashes = await asyncio.to_thread(_hashes, site, study, runs)
        if not runs:
            site.recall(study, hashes)
    return list(await asyncio.gather(*(site.desks.desk(hash) for hash in hashes)))


def _hashes(site: Site, study: str | None, runs: Sequence[str]) -> list[str]:
    if runs:
        return list(dict.fromkeys(site.library.hash(run) for run in runs))
    if study is None:
        shelves = site.library.shelves()
        if not shelves:
            raise Refusal(404, "there is no study and no run; train one: handlens run --dataset mnist-5k")
        study = shelves[0].name
    return [run.trial.hash for run in first_runs(site.result(study)[1])]


def first_runs(result: StudyResult) -> list[Any]:
    """The first replicate of the chosen configuration of each recipe, then of others, a dozen at most."""
    chosen = chosen_of_each(result.members)
    others = [member for member in result.members if member not in chosen]
    return [member.runs[0] for member in [*chosen, *others][:MOST]]


async def predict(desks: Sequence[Desk], pictures: Sequence[Picture], how: How) -> bytes:
    """Every model's answer to every picture, as JSON.

    Raises:
        Refusal: pictures that do not fit the models, or too many answers.
    """
    count = len(pictures) * sum(len(desk.run.classes) for desk in desks)
    if count > limits.NUMBERS:
        raise Refusal(413, f"that would be {count:,} probabilities; ask for fewer pictures or runs")
    if how.details and len(pictures) * len(desks) > limits.DRAWN:
        raise Refusal(
            413, f"more than {limits.DRAWN:,} detailed answers; ask with details=false, or for fewer"
        )
    contracts = list(dict.fromkeys(desk.contract for desk in desks))
    light = len(pictures) * len(desks) <= FEW and sum(p.pixels.size for p in pictures) <= LIGHT
    seen = await _here_or_there(light, lambda: {c: fitted(pictures, c, how) for c in contracts})
    said = await asyncio.gather(*(_said(desk, seen[desk.contract], how) for desk in desks))

    def all_told() -> bytes:
        told = [_told(desk, seen[desk.contract], *one, how) for desk, one in zip(desks, said, strict=True)]
        return as_json(_assembled(desks, pictures, told))

    return await _here_or_there(light, all_told)


async def _here_or_there(here: bool, make: Callable[[], V]) -> V:
    """What is done at once is done here; a thread for all that others would have to wait for."""
    return make() if here else await asyncio.to_thread(make)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Pictures for the models of one contract.

    Attributes:
        given, corrected: uint8 [n, height, width, channels]; the same where nothing is corrected.
        noticed: of each picture, where that was asked for.
    """

    given: Images
    corrected: Images
    noticed: tuple[Noticed, ...] = ()


def fitted(pictures: Sequence[Picture], contract: InputContract, how: How) -> Fitted:
    """The pictures as the models of a contract see them.

    Raises:
        Refusal: one has another size and is not to be fitted.
    """
    if not how.fit:
        raw = np.stack([_as_is(picture, contract) for picture in pictures])
        return Fitted(raw, raw)
    try:
        noticed = tuple(notice(picture.pixels, contract) for picture in pictures)
    except HandlensError as error:
        raise Refusal(422, str(error)) from None
    given, corrected = ([getattr(n, name) for n in noticed] for name in ("as_given", "corrected"))
    return Fitted(np.stack(given), np.stack(corrected), noticed)


def _as_is(picture: Picture, contract: InputContract) -> Images:
    wanted = (contract.height, contract.width, contract.channels)
    if picture.pixels.shape != wanted:
        raise Refusal(
            422,
            f"a picture is {list(picture.pixels.shape)}; expected {list(wanted)}, or ask with fit=true",
        )
    return picture.pixels


async def _said(desk: Desk, seen: Fitted, how: How) -> tuple[Answer, dict[int, Any]]:
    """A model's probabilities for each picture, and by position those of the corrected ones that differ."""
    if not how.details:
        return await desk.predict(seen.corrected), {}
    differ = [i for i, n in enumerate(seen.noticed) if not np.array_equal(n.as_given, n.corrected)]
    given, corrected = await asyncio.gather(
        desk.predict(seen.given), desk.predict(seen.corrected[differ]) if differ else _nothing()
    )
    return given, dict(zip(differ, corrected, strict=True))


def _told(
    desk: Desk, seen: Fitted, given: Answer, corrected: dict[int, Any], how: How
) -> list[dict[str, Any]]:
    """A model's answer to each picture."""
    return _detailed(desk, seen, given, corrected) if how.details else _brief(desk, given)


async def _nothing() -> Answer:
    return np.empty((0, 0))


def _brief(desk: Desk, probabilities: Answer) -> list[dict[str, Any]]:
    run, best = desk.run.trial.hash, probabilities.argmax(axis=1).tolist()
    rows = np.round(probabilities.astype(np.float64), DIGITS).tolist()
    return [
        {"run": run, "class": desk.run.classes[i], "probability": row[i], "probabilities": row}
        for i, row in zip(best, rows, strict=True)
    ]


def _detailed(desk: Desk, seen: Fitted, given: Answer, corrected: dict[int, Any]) -> list[dict[str, Any]]:
    told = _brief(desk, given)
    for i, answer in enumerate(told):
        found = seen.noticed[i] if seen.noticed else None
        answer["seen"] = uri(seen.given[i])
        answer["noticed"] = list(found.causes) if found else []
        answer["notes"] = list(found.notes) if found else []
        answer["corrected"] = None
        if i in corrected:
            (again,) = _brief(desk, corrected[i][None])
            answer["corrected"] = {k: v for k, v in again.items() if k != "run"} | {
                "seen": uri(seen.corrected[i])
            }
    return told


def _assembled(
    desks: Sequence[Desk], pictures: Sequence[Picture], told: Sequence[list[dict[str, Any]]]
) -> dict[str, Any]:
    return {
        "models": [model(desk) for desk in desks],
        "pictures": [
            {
                "name": picture.name,
                "height": picture.pixels.shape[0],
                "width": picture.pixels.shape[1],
                "answers": [answers[i] for answers in told],
            }
            for i, picture in enumerate(pictures)
        ],
    }


def model(desk: Desk) -> dict[str, Any]:
    """What one must know of a model to read its answers."""
    run, contract = desk.run, desk.contract
    return {
        "run": run.trial.hash,
        "model": run.name,
        "engine": run.engine,
        "classes": list(run.classes),
        "insides": run.engine == "scratch",
        "height": contract.height,
        "width": contract.width,
        "channels": contract.channels,
    }
