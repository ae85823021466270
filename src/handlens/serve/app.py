"""The application: the API, its document, the page; behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from handlens import exports
from handlens.errors import HandlensError
from handlens.report import templates
from handlens.serve import limits, routes
from handlens.serve.access import Access
from handlens.serve.answer import answered
from handlens.serve.guard import JSON, Guard
from handlens.serve.refusal import Refusal, line
from handlens.serve.site import Site
from handlens.serve.watch import Watch

HERE = Path(__file__).parent
STATIC, DOCS = HERE / "static", HERE / "docs_page"
PAD = Path(exports.__file__).parent / "page"
# What the page has in common with reports and with exported pages.
SHARED = (templates.FOLDER / "page.css", PAD / "pad.css", PAD / "pad.js")
# Addresses of the page's own, which its script reads.
VIEWS = ("/", "/try", "/data", "/study/{rest:path}", "/run/{rest:path}", "/data/{rest:path}")
MISSING = "the page is not part of this installation; the API is described at /docs"


@dataclass(frozen=True, eq=False)
class Served:
    """What the server runs, and what is to be closed with it."""

    app: Guard
    watch: Watch
    api: FastAPI


def application(
    site: Site, access: Access, *, pulse: float = 0.5, body_seconds: float = 15.0, framed: bool = False
) -> Served:
    """The whole application.

    Args:
        pulse: seconds between two looks at what studies do.
        body_seconds: how long a request's body may take.
        framed: a notebook on this machine may show the page in a frame.
    """
    watch = Watch(site, pulse=pulse)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        watch.close()

    api = FastAPI(
        title="handlens",
        version=version("handlens"),
        summary="Studies of small-image classifiers, their models and their images.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    for router in (
        routes.prediction(site),
        routes.of_studies(site, watch),
        routes.of_runs(site),
        routes.images(site),
        routes.events(watch),
    ):
        api.include_router(router)
    _about(api, site)
    _summaries(api)
    _pages(api)
    _refusals(api)
    return Served(Guard(api, access, body_seconds=body_seconds, framed=framed), watch, api)


def _summaries(api: FastAPI) -> None:
    """What an address does, in the words of its docstring rather than by the name of its function."""
    for route in api.routes:
        if isinstance(route, APIRoute):
            route.summary, route.description = route.description.rstrip("."), ""


def _about(api: FastAPI, site: Site) -> None:
    @api.get("/api/about", tags=["about"], responses=routes.REFUSED)
    async def about() -> Response:
        """Version, what is served, and the limits of a request."""
        return await answered(_said, site)


def _said(site: Site) -> dict[str, Any]:
    return {
        "handlens": version("handlens"),
        "studies": [shelf.name for shelf in site.library.shelves()],
        "runs": len(site.library.hashes()),
        "limits": {
            "bytes": limits.BYTES,
            "pixels": limits.PIXELS,
            "pictures": limits.PICTURES,
            "runs": limits.RUNS,
        },
    }


def _pages(api: FastAPI) -> None:
    async def page() -> Response:
        index = STATIC / "index.html"
        return FileResponse(index) if index.is_file() else Response(MISSING, media_type="text/plain")

    for path in VIEWS:
        api.add_api_route(path, page, include_in_schema=False)

    @api.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return FileResponse(DOCS / "docs.html")

    @api.get("/docs/docs.js", include_in_schema=False)
    async def script() -> Response:
        return FileResponse(DOCS / "docs.js")

    for shared in SHARED:
        _file(api, f"/static/{shared.name}", shared)
    if STATIC.is_dir():
        api.mount("/static", StaticFiles(directory=STATIC))


def _file(api: FastAPI, address: str, path: Path) -> None:
    async def file() -> Response:
        return FileResponse(path)

    api.add_api_route(address, file, include_in_schema=False)


def _refusals(api: FastAPI) -> None:
    """What is wrong with a request becomes a status of 4xx and one line."""

    def problem(status: int, reason: str) -> Response:
        return Response(line(reason), status, media_type=JSON)

    @api.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> Response:
        return problem(error.status, error.reason)

    @api.exception_handler(HandlensError)
    async def mistaken(_: Request, error: HandlensError) -> Response:
        return problem(409, str(error))

    @api.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> Response:
        said = {404: "there is nothing at this address", 405: "this address is not asked in this way"}
        return problem(error.status_code, said.get(error.status_code, str(error.detail)))

    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return problem(422, f"{place}: {first['msg']}")
