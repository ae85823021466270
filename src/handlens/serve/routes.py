"""The addresses of the API, what they take and give; `docs/serve-api.md` says it for people."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from handlens.serve import browsing, confusions, limits, living, looking_in, runs, studies
from handlens.serve.answer import answered, as_json, json_response
from handlens.serve.answers import How, asked, predict
from handlens.serve.intake import pictures
from handlens.serve.site import Site
from handlens.serve.watch import Watch


class Problem(BaseModel):
    """Why a request was refused."""

    error: str


REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": description}
    for status, description in {
        400: "the request cannot be read",
        401: "the token is missing",
        403: "asked from a page of another site, or by another name",
        404: "there is no such thing",
        408: "the request was too slow",
        409: "it is there, but cannot be used so",
        413: "too much at once",
        415: "pictures do not come as this type",
        422: "a value breaks its rule",
        429: "too many requests at once",
    }.items()
}
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
_PIXELS = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 255}},
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"pictures": _FILES}, "required": ["pictures"]}
            },
            "image/png": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {
                "schema": {"type": "object", "properties": {"pixels": _PIXELS}, "required": ["pixels"]}
            },
        },
    }
}
StudyName = Annotated[str, Path(description="a study's name", min_length=1, max_length=80)]
RunName = Annotated[str, Path(description="the beginning of a run's hash", pattern="^[0-9a-f]{4,20}$")]
Study = Annotated[str | None, Query(description="a study's name", max_length=80)]
Model = Annotated[str | None, Query(description="a configuration; the best one unless given", max_length=200)]
Models = Annotated[list[str], Query(description="configurations", max_length=limits.RUNS)]
Runs = Annotated[
    list[str], Query(description="runs, by the beginnings of their hashes", max_length=limits.RUNS)
]
NONE: list[str] = []
Part = Literal["training", "validation", "test"]
Judged = Literal["validation", "test"] | None
PageNumber = Annotated[int, Query(ge=0, le=10**6)]
PageSize = Annotated[int, Query(ge=1, le=limits.PAGE)]
Index = Annotated[int, Query(ge=0, le=10**6)]
Fit = Annotated[bool, Query(description="bring pictures to what the model was trained on")]


def prediction(site: Site) -> APIRouter:
    """Pictures in, answers out."""
    router = APIRouter(prefix="/api", responses=REFUSED)

    @router.post("/predict", tags=["predict"], openapi_extra=BODY)
    async def predict_pictures(
        request: Request,
        study: Study = None,
        run: Runs = NONE,
        fit: Fit = True,
        details: Annotated[bool, Query(description="what was seen and noticed, too")] = True,
    ) -> Response:
        """What models say of pictures: a file, a form with files, or pixels as JSON."""
        found = await pictures(request)
        desks = await asked(site, study, run)
        return json_response(await predict(desks, found, How(fit, details)))

    @router.post("/runs/{run}/insides", tags=["predict"], openapi_extra=BODY)
    async def insides(request: Request, run: RunName, fit: Fit = True) -> Response:
        """One picture's way through a network from scratch."""
        (picture,) = await pictures(request, 1)
        desk = (await asked(site, None, [run]))[0]
        told = await looking_in.look_inside(desk, picture, fit=fit)
        return json_response(await asyncio.to_thread(as_json, told))

    return router


def of_studies(site: Site, watch: Watch) -> APIRouter:
    """What studies found, and what those under way find."""
    router = APIRouter(prefix="/api/studies", tags=["studies"], responses=REFUSED)

    @router.get("")
    async def all_studies() -> Response:
        """The studies that are served."""
        return await answered(lambda: {"studies": [studies.listed(s) for s in site.library.shelves()]})

    @router.get("/{study}")
    async def one_study(study: StudyName) -> Response:
        """A study's table, with intervals."""
        return await answered(studies.whole, site, study)

    @router.get("/{study}/charts")
    async def charts(
        study: StudyName,
        model: Models = NONE,
        live: Annotated[bool, Query(description="curves of the trainings under way instead")] = False,
    ) -> Response:
        """Vega-Lite specifications: accuracies, learning curves, confusion matrices."""
        if live:
            return await answered(lambda: living.charts(site, study, watch.live(study)))
        return await answered(studies.charts, site, study, model)

    @router.get("/{study}/topics")
    async def topics(study: StudyName) -> Response:
        """Verdicts, audits, curves: words, tables, charts, pictures."""
        return await answered(studies.topics, site, study)

    @router.get("/{study}/history")
    async def history(study: StudyName, model: Models = NONE) -> Response:
        """Learning curves as numbers, those under way too."""
        return await answered(lambda: studies.history(site, study, model, watch.live(study)))

    @router.get("/{study}/confusion")
    async def confusion(study: StudyName, model: Model = None, part: Judged = None) -> Response:
        """A confusion matrix, and each class's scores."""
        return await answered(confusions.matrix, site, study, model, part)

    @router.get("/{study}/confusion/images")
    async def cell(
        study: StudyName,
        shown: Index,
        given: Index,
        model: Model = None,
        part: Judged = None,
        page: PageNumber = 0,
        size: PageSize = 64,
    ) -> Response:
        """The images of one cell of the confusion matrix."""
        return await answered(confusions.cell, site, study, model, part, (shown, given), page, size)

    return router


def of_runs(site: Site) -> APIRouter:
    """Runs, whichever studies they belong to."""
    router = APIRouter(prefix="/api/runs", tags=["runs"], responses=REFUSED)

    @router.get("")
    async def all_runs(
        study: Study = None, offset: Index = 0, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> Response:
        """Runs, the newest first."""
        return await answered(runs.listed, site, study, offset, limit)

    @router.get("/{run}")
    async def one_run(run: RunName) -> Response:
        """A run's settings, environment, scores, history."""
        return await answered(runs.whole, site, run)

    return router


def images(site: Site) -> APIRouter:
    """The images of studies."""
    router = APIRouter(prefix="/api/data", tags=["data"], responses=REFUSED)

    @router.get("/{study}")
    async def about(study: StudyName) -> Response:
        """A data set, and how many images each class has."""
        return await answered(browsing.about, site, study)

    @router.get("/{study}/images")
    async def page(
        study: StudyName,
        part: Part = "training",
        label: Annotated[int | None, Query(alias="class", ge=0, le=10**6)] = None,
        sort: Literal["position", "mean", "deviation", "entropy", "doubt"] = "position",
        order: Literal["asc", "desc"] = "asc",
        low: Annotated[float | None, Query(allow_inf_nan=False)] = None,
        high: Annotated[float | None, Query(allow_inf_nan=False)] = None,
        model: Model = None,
        page: PageNumber = 0,
        size: PageSize = 64,
    ) -> Response:
        """Images by class, part and feature, a page at a time, on one sheet."""
        wanted = browsing.Asked(part, label, sort, order == "desc", low, high, model, page, size)
        return await answered(browsing.page, site, study, wanted)

    @router.get("/{study}/images/{part}/{position}.png", response_class=Response)
    async def png(
        study: StudyName,
        part: Part,
        position: Annotated[int, Path(ge=0, le=10**9)],
        scale: Annotated[int, Query(ge=1, le=32)] = 1,
    ) -> Response:
        """One image as PNG."""
        content = await asyncio.to_thread(browsing.png, site, study, part, position, scale)
        return Response(content, media_type="image/png", headers={"cache-control": "private, max-age=3600"})

    return router


def events(watch: Watch) -> APIRouter:
    """What happens while studies run."""
    router = APIRouter(prefix="/api", tags=["events"], responses=REFUSED)

    @router.get("/events", response_class=StreamingResponse)
    async def follow(study: Study = None) -> StreamingResponse:
        """Server-sent events: trainings that begin and end, their epochs, new runs."""
        stream = watch.listen(study)
        first = await anext(stream)  # refuses before the answer begins

        async def all_of_it() -> Any:
            async with contextlib.aclosing(stream):
                yield first
                async for event in stream:
                    yield event

        return StreamingResponse(all_of_it(), media_type="text/event-stream")

    return router
