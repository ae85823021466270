"""A trained Keras model as it is read again from a run's folder."""

from __future__ import annotations

import json
from pathlib import Path

from handlens.data.prepare import Preparation
from handlens.engines.contract import unreadable
from handlens.engines.keras.devices import find
from handlens.engines.keras.exchange.files import open_keras
from handlens.engines.keras.model import FACTS, MODEL, KerasModel, Predictor
from handlens.engines.keras.own import coded
from handlens.engines.keras.own.code import NotAsked
from handlens.errors import HandlensError


def load(folder: Path) -> KerasModel | coded.CodedModel:
    """A model that `save` wrote; the files are not trusted.

    Raises:
        StoreError: missing, damaged, or with parts that are not Keras's own.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        if coded.CODE in facts:
            return coded.load(folder, facts)
        return KerasModel(
            Predictor(open_keras(folder / MODEL), find()), Preparation.from_dict(facts["preparation"])
        )
    except NotAsked:
        raise
    except (OSError, ValueError, KeyError, TypeError, HandlensError) as error:
        raise unreadable(folder, error) from error
