"""From `mymodule:Linear`, or a thing of Python, to a forward and a backward."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handlens.errors import SpecError, did_you_mean

FORWARD = (
    "forward", "forward_pass", "forward_prop", "forward_propagation", "forward_propogation", "feedforward",
    "feed_forward", "propagate", "predict_proba", "predict", "call", "__call__", "loss",
)  # fmt: skip
BACKWARD = (
    "backward", "backward_pass", "backward_prop", "back_prop", "backprop", "backward_propagation",
    "backward_propogation", "backpropagation", "back_propagation", "backpropagate", "gradient", "gradients",
    "grad", "derivative", "prime",
)  # fmt: skip


def from_text(target: str) -> Any:
    """The thing that `module:name` (or `module:name,name` for a pair) means, seen from the current folder.

    Raises:
        SpecError: no such module or name, or the module stops with an error of its own.
    """
    module_name, colon, wanted = target.partition(":")
    if not (colon and wanted and re.fullmatch(r"[\w.]+", module_name)):
        raise SpecError(
            f"{target!r} is no layer",
            expected="module:name",
            remedy="e.g. handlens check-layer mymodule:Linear",
        )
    module = _module(module_name.removesuffix(".py"))
    found = tuple(_attribute(module, name.strip(), module_name) for name in wanted.split(","))
    return found[0] if len(found) == 1 else found


def _module(name: str) -> Any:
    here = Path.cwd()
    sys.path.insert(0, str(here))
    try:
        importlib.invalidate_caches()
        if _lies_in(sys.modules.get(name), here):
            del sys.modules[name]  # it may have been edited since
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.split(".")[0] and error.name != name:
            raise _stopped(name, error) from error
        near = sorted(p.stem for p in here.glob("*.py"))
        remedy = did_you_mean(name, near) if near else "go to the folder that holds it"
        raise SpecError(f"no module is called {name!r}", where=here, remedy=remedy) from error
    except (Exception, SystemExit) as error:
        raise _stopped(name, error) from error
    finally:
        sys.path.remove(str(here))
    if (here / f"{name}.py").exists() and not _lies_in(module, here):
        raise SpecError(
            f"{name} is also a module of Python or of a package",
            where=f"{name}.py",
            remedy="give your file another name",
        )
    return module


def _lies_in(module: Any, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and folder in Path(file).resolve().parents


def _stopped(name: str, error: BaseException) -> SpecError:
    return SpecError(f"it stops with {type(error).__name__}: {error}", where=f"import {name}")


def _attribute(module: Any, path: str, module_name: str) -> Any:
    found = module
    for part in path.split("."):
        if not hasattr(found, part):
            known = [n for n in vars(module) if not n.startswith("_") and callable(getattr(module, n))]
            raise SpecError(f"it has no {path!r}", where=module_name, remedy=did_you_mean(path, known))
        found = getattr(found, part)
    return found


def method(thing: Any, known: tuple[str, ...]) -> Callable[..., Any] | None:
    """The first of the thing's methods whose name is known."""
    for name in known:
        found = getattr(thing, name, None)
        if callable(found) and not (name == "__call__" and inspect.isfunction(thing)):
            return found  # type: ignore[no-any-return]
    return None


def partner(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The backward function that stands beside a forward function in its module, by its name."""
    beside = vars(sys.modules.get(getattr(function, "__module__", None) or "", object))
    own = getattr(function, "__name__", "")
    stem = re.sub(r"_?forward(_pass)?_?", "", own)
    names = [own.replace("forward", "backward")] if "forward" in own else []
    for mark in ("backward", "backprop", "prime", "derivative", "deriv", "gradient", "grad", "der"):
        names += [f"{stem}_{mark}", f"{mark}_{stem}", f"{stem}{mark.title()}"]
    names += [f"d_{stem}", f"d{stem}"]
    found = (beside.get(name) for name in names)
    return next((f for f in found if callable(f) and f is not function), None)
