"""A folder that holds data files: which of them are the training and test part, and of which format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handlens.data.formats.contract import Format
from handlens.data.formats.folder import SUFFIXES
from handlens.data.formats.names import natural, part_of, settle
from handlens.data.formats.streams import head_of
from handlens.errors import DataError

MAX_LOOKS = 500
TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class Bundle:
    """The files of each part, their format, and notes on what was left aside."""

    format: Format
    parts: dict[str, list[Path]]
    notes: tuple[str, ...] = ()


def sniff(path: Path, formats: Sequence[Format]) -> Format | None:
    """The first format that recognises the content of a file."""
    head = head_of(path)
    return next((candidate for candidate in formats if candidate.recognises(path, head)), None)


def find(folder: Path, formats: Sequence[Format]) -> Bundle | None:
    """The data files of `folder`, or None where it holds none.

    Raises:
        DataError: parts of different formats, or several files of which none is named train or test.
    """
    kinds: dict[Format, dict[str, list[Path]]] = {}
    names = [path.name for path in folder.iterdir() if _may_hold_data(path)]
    for name in natural(names)[:MAX_LOOKS]:
        path = folder / name
        kind = sniff(path, formats)
        # Almost any text looks like a table, so in a folder a table has to be called one.
        if kind is None or (kind.NAME == "csv" and not _bare(name).lower().endswith(TABLES)):
            continue
        members = kinds.setdefault(kind, {}).setdefault(part_of(name), [])
        if _bare(name) not in map(_bare, (other.name for other in members)):
            members.append(path)
    named = {kind: parts for kind, parts in kinds.items() if parts.keys() & {"train", "test"}} or kinds
    if not named:
        return None
    if len(named) > 1:
        raise DataError(
            f"holds data files of several formats: {', '.join(kind.NAME for kind in named)}",
            where=folder,
            remedy="name one file instead of the folder, or put each format into a folder of its own",
        )
    kind, parts = next(iter(named.items()))
    chosen, notes = settle(parts)
    order = ("train", "test", "all")
    ordered = dict(sorted(chosen.items(), key=lambda item: order.index(item[0])))
    return Bundle(kind, ordered, notes)


def _may_hold_data(path: Path) -> bool:
    return not path.name.startswith(".") and not path.name.lower().endswith(SUFFIXES) and path.is_file()


def _bare(name: str) -> str:
    return name.removesuffix(".gz")
