"""handlens: compare models on small images, and learn whether to believe the table.

    import handlens

    images = handlens.load("mnist-5k")
    study = handlens.study(name="first", dataset="mnist-5k", recipes=["forest", "mlp"])
    result = handlens.run_study(study, images, handlens.Store("runs"))

`import handlens` loads nothing heavy: each name below is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handlens.data import Dataset, ImageSet, load
    from handlens.engines.estimator import NetworkClassifier
    from handlens.errors import HandlensError
    from handlens.lessons import check_layer
    from handlens.report import write_look, write_study
    from handlens.serve.inline import show
    from handlens.spec import from_dict as recipe
    from handlens.spec import zoo
    from handlens.studies.planning.plan import Study, read_study, study
    from handlens.studies.storage.store import Store
    from handlens.studies.training.run import run_study
    from handlens.studies.training.trial import load_model

__all__ = [
    "Dataset",
    "HandlensError",
    "ImageSet",
    "NetworkClassifier",
    "Store",
    "Study",
    "check_layer",
    "load",
    "load_model",
    "read_study",
    "recipe",
    "run_study",
    "show",
    "study",
    "write_look",
    "write_study",
    "zoo",
]

_HOMES = {
    "Dataset": ("handlens.data", "Dataset"),
    "HandlensError": ("handlens.errors", "HandlensError"),
    "ImageSet": ("handlens.data", "ImageSet"),
    "NetworkClassifier": ("handlens.engines.estimator", "NetworkClassifier"),
    "Store": ("handlens.studies.storage.store", "Store"),
    "Study": ("handlens.studies.planning.plan", "Study"),
    "check_layer": ("handlens.lessons", "check_layer"),
    "load": ("handlens.data", "load"),
    "load_model": ("handlens.studies.training.trial", "load_model"),
    "read_study": ("handlens.studies.planning.plan", "read_study"),
    "recipe": ("handlens.spec", "from_dict"),
    "run_study": ("handlens.studies.training.run", "run_study"),
    "show": ("handlens.serve.inline", "show"),
    "study": ("handlens.studies.planning.plan", "study"),
    "write_look": ("handlens.report", "write_look"),
    "write_study": ("handlens.report", "write_study"),
    "zoo": ("handlens.spec", "zoo"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'handlens' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)


if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()) is not None:
    # In a notebook data sets, runs and studies show themselves.
    from handlens.report.notebook import register

    register(shell)
