"""A run's model as a `.keras` file that takes pixels 0..255 and carries the run's facts in its metadata."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from handlens.engines import Model
from handlens.engines.classic import ClassicModel
from handlens.errors import SpecError
from handlens.exports.networks import as_network
from handlens.exports.passport import Passport

METADATA = "metadata.json"
LARGEST = 60_000  # bytes of metadata: `handlens convert` reads at most 65,536


def write_keras(model: Model, passport: Passport, place: Path) -> None:
    """What `handlens convert` writes, with the passport under "handlens" in the file's metadata.json.

    The numbers of the preparation are in the model's first layer, not in the passport.

    Args:
        place: a path that ends in .keras and is free.

    Raises:
        HandlensError: the model cannot be a Keras file, Keras is not installed, or the two do not agree.
    """
    from handlens.engines.keras.exchange.convert import to_file

    given = as_network(model, passport.shape) if isinstance(model, ClassicModel) else model
    to_file(given, place)  # type: ignore[arg-type]  # refuses what is neither
    plain = passport.plain()
    plain["preparation"] = {"kind": passport.preparation["kind"], "inside": True}
    packed = place.with_name(f"packed-{place.name}")
    with zipfile.ZipFile(place) as written, zipfile.ZipFile(packed, "w") as archive:
        for member in written.infolist():
            content = written.read(member)
            if member.filename == METADATA:
                content = _with(content, plain)
            archive.writestr(member, content)
    packed.replace(place)


def _with(metadata: bytes, plain: dict[str, object]) -> bytes:
    text = json.dumps(json.loads(metadata) | {"handlens": plain}).encode()
    if len(text) > LARGEST:
        raise SpecError(
            f"the class names are too long for the metadata of a .keras file ({len(text):,} bytes)",
            where="export",
            expected=f"at most {LARGEST:,} bytes",
            remedy="export the model as onnx or json, or with `handlens convert`",
        )
    return text
