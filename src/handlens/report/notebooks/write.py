"""The files of a study's notebook."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handlens.errors import HandlensError, MissingExtra
from handlens.report.notebooks.execute import execute
from handlens.studies.planning.plan import Study

if TYPE_CHECKING:
    from nbformat import NotebookNode


EXTRA = "notebook"


@dataclass(frozen=True)
class Written:
    """Where a notebook is, and its PDF if there is one; how many cells of code were run."""

    notebook: Path
    pdf: Path | None
    cells: int


def write_notebook(study: Study, runs: Path, folder: Path, *, pdf: bool = True) -> Written:
    """Write `notebook.ipynb` of a study, executed, and `notebook.pdf` into a folder, which is made if need
    be.

    The notebook gathers the study's runs from the store in `runs`; what is not there it trains. Neither
    file is touched before both are ready.

    Raises:
        MissingExtra: the packages of the extra `notebook` are not installed.
        HandlensError: a cell fails, or a file cannot be written.
    """
    needed(pdf=pdf)

    from handlens.report.notebooks.cells import notebook

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    book = notebook(study, runs, folder)
    execute(book, folder)
    made = {folder / "notebook.ipynb": as_text(book).encode()}
    if pdf:
        from handlens.report.notebooks.pdf import typeset

        made[folder / "notebook.pdf"] = typeset(book)
    put_all(made)
    count = sum(cell.cell_type == "code" for cell in book.cells)
    return Written(folder / "notebook.ipynb", folder / "notebook.pdf" if pdf else None, count)


def as_text(book: NotebookNode) -> str:
    """The notebook as the text of its file.

    Raises:
        nbformat.ValidationError: not a notebook.
    """
    import nbformat

    nbformat.validate(book)
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def needed(*, pdf: bool = True) -> None:
    """See that what notebooks are made with is installed.

    Raises:
        MissingExtra: one of the packages is not.
    """
    for package in ("nbformat", "nbclient", "ipykernel", *(("typst", "markdown_it") if pdf else ())):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, EXTRA)


def put_all(files: dict[Path, bytes]) -> None:
    """Write files beside their places, flush them, then rename all: what was there stays until all are whole.

    Raises:
        HandlensError: one cannot be written.
    """
    beside = {path: path.with_name(f".unfinished-{os.getpid()}-{path.name}") for path in files}
    try:
        for path, content in files.items():
            with beside[path].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, unfinished in beside.items():
            unfinished.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        for unfinished in beside.values():
            with contextlib.suppress(OSError):
                unfinished.unlink()


def _unwritable(path: Path, error: OSError) -> HandlensError:
    return HandlensError(
        f"cannot be written ({error.strerror or error})", where=path, remedy="choose another place"
    )
