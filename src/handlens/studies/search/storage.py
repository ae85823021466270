"""Where a search is kept: a database by way of SQLAlchemy, and which of its trials were broken off."""

from __future__ import annotations

import contextlib
import os
import platform
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from handlens.errors import StoreError
from handlens.studies.planning.plan import Study
from handlens.studies.search import methods
from handlens.studies.storage.store import Store

if TYPE_CHECKING:
    import optuna


def beside(study: Study, store: Store) -> str:
    """The address of the SQLite file of a study's search.

    Raises:
        StoreError: its folder cannot be made.
    """
    folder = store.root / "search"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot keep a search ({error.strerror})", where=folder) from error
    return f"sqlite:///{(folder / f'{study.name}.db').resolve()}"


@contextlib.contextmanager
def calm() -> Iterator[None]:
    """Optuna without its own log and its notes on what is experimental."""
    library = methods.optuna()
    level = library.logging.get_verbosity()
    library.logging.set_verbosity(library.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", library.exceptions.ExperimentalWarning)
            yield
    finally:
        library.logging.set_verbosity(level)


@contextlib.contextmanager
def opened(url: str) -> Iterator[optuna.storages.BaseStorage]:
    """The database at that address; its connections are closed afterwards."""
    options = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    storage = methods.optuna().storages.RDBStorage(url, engine_kwargs=options)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


@contextlib.contextmanager
def reachable(url: str) -> Iterator[None]:
    """A database that fails as one line."""
    import sqlalchemy

    library = methods.optuna()
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, library.exceptions.StorageInternalError, ImportError) as error:
        said = str(error.__cause__ or error).splitlines()[0]
        remedy = "check the address and that its driver is installed; finished runs are kept"
        raise StoreError(f"the search's storage fails ({said})", where=shown(url), remedy=remedy) from error


def shown(url: str) -> str:
    """The address without a password, or the path of a SQLite file."""
    import sqlalchemy

    try:
        address = sqlalchemy.engine.make_url(url)
    except sqlalchemy.exc.ArgumentError:
        return "[search] storage"
    if address.drivername.startswith("sqlite"):
        return address.database or "memory"
    return address.render_as_string(hide_password=True)


def process() -> str:
    """This process among those of all machines."""
    return f"{platform.node()} {os.getpid()}"


def broken_off(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether the trial was begun by a process of this machine that is no more, or by this one."""
    if trial.state.name != "RUNNING":
        return False
    node, _, number = trial.user_attrs.get("process", process()).rpartition(" ")
    if node != platform.node():
        return False  # another machine's may well be at work
    if int(number) == os.getpid():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
