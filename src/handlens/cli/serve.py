"""`handlens serve`: studies, runs and images in the browser, and an API."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handlens.cli import common

if TYPE_CHECKING:
    from handlens.serve.library import Wanted
    from handlens.studies.storage.store import Store


def serve(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STUDY|RUN]...",
            help="Studies by TOML file or name under --reports, runs by the beginning of their hash; "
            "default: all that are found.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Port to listen on; default: the next free one from 8350 on."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; any but this machine's own asks for a token.")
    ] = "127.0.0.1",
    browse: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False,
    runs: common.Runs = common.RUNS,
    reports: common.Reports = common.REPORTS,
    quiet: common.Quiet = False,
) -> None:
    """Serve a page to draw on, with studies, runs and images, until Ctrl-C.

    Example: handlens serve first-look
    """
    from handlens.errors import MissingExtra

    try:
        from handlens.serve.server import serve as serve_site
    except ModuleNotFoundError as error:
        raise MissingExtra(error.name or "FastAPI", "serve") from None
    from handlens.serve.desks import Desks
    from handlens.serve.library import Library
    from handlens.serve.site import Site

    store = common.store(runs)
    library = Library(store, reports, wanted(names or [], store, reports))

    def say(address: str) -> None:
        sys.stdout.write(f"{address}\n" if quiet else f"handlens serves {address} (Ctrl-C stops it)\n")
        sys.stdout.flush()

    serve_site(Site(library, Desks(library)), host, port, say=say, browse=browse)


def wanted(names: list[str], store: Store, reports: Path) -> Wanted:
    """What names stand for.

    Raises:
        HandlensError: one is neither a study nor a run.
    """
    from handlens.errors import StoreError
    from handlens.serve.library import Wanted
    from handlens.studies.planning.plan import read_study
    from handlens.studies.storage.store import HASH

    studies, hashes = [], []
    for name in names:
        path = Path(name) if name.endswith(".toml") else reports / name / "study.toml"
        if path.is_file():
            read_study(path)  # says now what is wrong with it
            studies.append(path)
            continue
        try:
            hash = store.find(name)
            if not store.has(hash) or not HASH.fullmatch(hash):
                raise StoreError("there is no such run", where=name)
            hashes.append(hash)
        except StoreError as error:
            known = sorted(p.parent.name for p in reports.glob("*/study.toml"))
            told = f"studies: {', '.join(known)}; " if known else ""
            error.remedy = f"{told}`handlens runs list` lists the runs"
            raise
    return Wanted(tuple(studies), tuple(hashes))
