"""`.keras` files from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from handlens.engines.keras.libraries import keras


def open_keras(path: Path) -> Any:
    """The model in a `.keras` file."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)
