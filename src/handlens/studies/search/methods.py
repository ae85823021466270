"""How a search draws configurations and gives up hopeless ones: Optuna's samplers and pruners, by short name.

CMA-ES is not among them: Optuna keeps its state as a pickle in the storage, and handlens reads no pickle.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handlens.errors import MissingExtra, SpecError, did_you_mean
from handlens.spec.text import parse_call
from handlens.studies.search.space import Space

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

SAMPLERS = {
    "tpe": "TPESampler",
    "random": "RandomSampler",
    "grid": "GridSampler",
    "qmc": "QMCSampler",
    "nsga2": "NSGAIISampler",
}
PRUNERS = {
    "none": "NopPruner",
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "hyperband": "HyperbandPruner",
    "halving": "SuccessiveHalvingPruner",
    "threshold": "ThresholdPruner",
}
OURS = ("seed", "search_space", "constraints_func", "independent_sampler")  # not for the user to set
Method = tuple[str, Mapping[str, Any]]


def optuna() -> Any:
    """The library, loaded.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import optuna as library
    except ImportError:
        raise MissingExtra("optuna", "search") from None
    return library


def read_method(text: Any, known: Mapping[str, str], where: str) -> Method:
    """Name and arguments of `tpe` or `tpe(n_startup_trials=5)`, each of the type of its default.

    Raises:
        SpecError: no such sampler or pruner, an argument that it does not have or that has the wrong type.
    """
    if not isinstance(text, str):
        raise SpecError(f"got {text!r}", where=where, expected='a text such as "tpe" or "median"')
    name, arguments = parse_call(text, where=where)
    if name == "cmaes" and known is SAMPLERS:
        raise SpecError(
            "cmaes keeps a pickle in the storage", where=where, expected="tpe, random, grid, qmc or nsga2"
        )
    if name not in known:
        raise SpecError(f"unknown name {name!r}", where=where, remedy=did_you_mean(name, known))
    allowed = _arguments(known[name])
    for key, value in arguments.items():
        if key not in allowed:
            raise SpecError(
                f"unknown argument {key!r} of {name}", where=where, remedy=did_you_mean(key, allowed)
            )
        _fitting(key, value, allowed[key], where)
    return name, arguments


def sampler(method: Method, space: Space, seed: int) -> BaseSampler:
    """The sampler of one trial.

    Raises:
        SpecError: arguments that it refuses.
    """
    name, arguments = method
    own = {"search_space": {key: axis.all() for key, axis in space.items()}} if name == "grid" else {}
    made: BaseSampler = _made(SAMPLERS[name], {**arguments, **own, "seed": seed})
    return made


def pruner(method: Method, epochs: int) -> BasePruner:
    """The pruner of trials of at most so many epochs.

    Raises:
        SpecError: arguments that it refuses.
    """
    name, arguments = method
    own = {"max_resource": max(epochs, 1)} if name == "hyperband" else {}
    made: BasePruner = _made(PRUNERS[name], own | dict(arguments))
    return made


def _made(name: str, arguments: Mapping[str, Any]) -> Any:
    library = optuna()
    kind = getattr(library.samplers, name, None) or getattr(library.pruners, name)
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:
        raise SpecError(f"Optuna's {name} refuses its arguments: {error}", where="[search]") from None


def _arguments(name: str) -> dict[str, Any]:
    """The plain arguments of a sampler or pruner, with their defaults; None where there is none."""
    library = optuna()
    kind = getattr(library.samplers, name, None) or getattr(library.pruners, name)
    parameters = inspect.signature(kind).parameters.values()
    defaults = {p.name: None if p.default is p.empty else p.default for p in parameters}
    plain = (bool, int, float, str, type(None))
    return {key: value for key, value in defaults.items() if isinstance(value, plain) and key not in OURS}


def _fitting(key: str, value: Any, default: Any, where: str) -> None:
    """Refuse a value that is not of its default's kind."""
    kinds: dict[type, tuple[tuple[type, ...], str]] = {
        bool: ((bool,), "True or False"),
        int: ((int,), "a whole number"),
        float: ((int, float), "a number"),
        str: ((int, str), "a text in quotes or a whole number"),  # min_resource="auto"
    }
    if default is None:
        return
    allowed, expected = kinds[type(default)]
    if not isinstance(value, allowed) or isinstance(value, bool) != isinstance(default, bool):
        raise SpecError(f"{key} is {value!r}", where=where, expected=expected)
