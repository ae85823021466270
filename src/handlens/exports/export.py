"""One run as one file that somebody without handlens can use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handlens.engines import Model
from handlens.engines.classic import ClassicModel
from handlens.errors import SpecError, did_you_mean
from handlens.exports import classifiers
from handlens.exports.document import document
from handlens.exports.files import check_target, placing
from handlens.exports.networks import as_network
from handlens.exports.onnx_file import onnx_bytes
from handlens.exports.passport import Passport, contract, passport
from handlens.records import Run
from handlens.studies.storage.store import Store
from handlens.studies.training.trial import load_model

FORMATS = ("onnx", "html", "keras", "json")
WITH_BITS = ("html", "json")


@dataclass(frozen=True)
class Exported:
    """What was written: the run's hash, the format, the file, its size in bytes and the run's facts."""

    run: str
    to: str
    file: Path
    bytes: int
    passport: Passport


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes:
        to: one of `FORMATS`.
        bits: of the kernels' numbers in html (16 unless given) and json (32): 16 or 32.
        input_type: of an ONNX model's pixels, "uint8" unless given, or "float32".
    """

    to: str
    bits: int | None = None
    input_type: str | None = None

    def __post_init__(self) -> None:
        if self.to not in FORMATS:
            raise SpecError(
                f"unknown format {self.to!r}", where="--to", remedy=did_you_mean(self.to, FORMATS)
            )
        if self.bits is not None and (self.to not in WITH_BITS or self.bits not in (16, 32)):
            raise SpecError(
                f"bits is {self.bits}", where="--bits", expected="16 or 32, and --to html or --to json"
            )
        if self.input_type is not None and (self.to != "onnx" or self.input_type not in ("uint8", "float32")):
            expected = "uint8 or float32, and --to onnx"
            raise SpecError(f"input is {self.input_type!r}", where="--input", expected=expected)


def export(
    store: Store, hash: str, wish: Wish, target: Path | None = None, *, force: bool = False
) -> Exported:
    """Write a run's model in another form; whole or not at all.

    Args:
        target: the file; `suggested` in the current folder unless given.
        force: write over a file that is there.

    Raises:
        HandlensError: the model has no such form, the file exists or cannot be written, an extra is missing.
    """
    run = store.read(hash)
    target = target or Path(suggested(run, wish.to))
    check_target(target, force=force)
    if wish.to == "keras" and target.suffix != ".keras":
        raise SpecError("cannot be a Keras file", where=target, expected="a name that ends in .keras")
    run, model = _loaded(store, hash)
    seen = contract(run)
    made = _form(model, (seen.height, seen.width, seen.channels), wish.to)
    said = passport(store, run, made.preparation.to_dict())
    with placing(target, force=force) as place:
        WRITERS[wish.to](made, said, wish, place)
        size = place.stat().st_size
    return Exported(run.trial.hash, wish.to, target, size, said)


def suggested(run: Run, to: str) -> str:
    """A file's name from the recipe's and the run's."""
    name = re.sub(r"[^\w.-]+", "-", run.name, flags=re.ASCII).strip("-.")[:60] or "model"
    return f"{name}-{run.trial.hash[:8]}.{to}"


def _loaded(store: Store, hash: str) -> tuple[Run, Model]:
    try:
        return load_model(store, hash)
    except SpecError as error:
        if type(error).__name__ != "NotAsked":
            raise
        raise SpecError(
            "the model is built by code of its author's, which a file cannot carry",
            where=hash,
            expected="a network from scratch, one of Keras's own layers, or a classifier of scikit-learn's",
            remedy="export it where its code is, from Keras: model.export(...)",
        ) from None


def _form(model: Any, shape: tuple[int, int, int], to: str) -> Any:
    """The model in the shape that the format is made of: itself, or a network from scratch."""
    if to == "onnx" and isinstance(model, ClassicModel):
        return classifiers.form(model, shape)
    if to == "keras" and not isinstance(model, ClassicModel):
        return model
    return as_network(model, shape)


def _write_onnx(made: Any, said: Passport, wish: Wish, place: Path) -> None:
    place.write_bytes(onnx_bytes(made, said, input_type=wish.input_type or "uint8"))


def _write_html(made: Any, said: Passport, wish: Wish, place: Path) -> None:
    from handlens.exports.html import html

    text = html(made.network, said, bits=wish.bits or 16)
    place.write_text(text, encoding="utf-8", newline="\n")


def _write_json(made: Any, said: Passport, wish: Wish, place: Path) -> None:
    plain = document(made.network, said, bits=wish.bits or 32)
    place.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


def _write_keras(made: Any, said: Passport, _wish: Wish, place: Path) -> None:
    from handlens.exports.keras_file import write_keras

    write_keras(made, said, place)


WRITERS: dict[str, Callable[[Any, Passport, Wish, Path], None]] = {
    "onnx": _write_onnx,
    "html": _write_html,
    "keras": _write_keras,
    "json": _write_json,
}
