"""The table of a network's layers, as Keras prints it."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from handlens.nn.layers.base import Layer, leaves

if TYPE_CHECKING:
    from handlens.nn.network import Network

HEADER = ("Layer (type)", "Output Shape", "Param #")


def summary(network: Network) -> str:
    """Each layer's name, output shape and number of parameters, then the totals."""
    rows = [HEADER]
    names: Counter[str] = Counter()
    for layer in network.layers:
        kind = type(layer).__name__
        name = _snake(kind) + (f"_{names[kind]}" if names[kind] else "")
        names[kind] += 1
        shape = "(" + ", ".join(["None", *map(str, layer.output_shape)]) + ")"
        rows.append((f"{name} ({kind})", shape, f"{count(layer):,}"))
    return "\n".join([*_table(rows), *_totals(network)])


def count(layer: Layer) -> int:
    """The parameters of a layer and of the layers inside it."""
    return sum(math.prod(p.shape) for leaf in leaves(layer) for p in leaf.parameters())


def _totals(network: Network) -> list[str]:
    size = network.dtype.itemsize
    trainable, fixed = network.parameters.size, network.statistics.size
    return [
        f" {label} params: {n:,} ({_memory(n * size)})"
        for label, n in (("Total", trainable + fixed), ("Trainable", trainable), ("Non-trainable", fixed))
    ]


def _table(rows: list[tuple[str, str, str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(3)]

    def rule(left: str, cross: str, right: str, line: str) -> str:
        return left + cross.join(line * (width + 2) for width in widths) + right

    lines = [rule("┏", "┳", "┓", "━")]
    for number, (name, shape, parameters) in enumerate(rows):
        edge = "┃" if number == 0 else "│"
        cells = (name.ljust(widths[0]), shape.ljust(widths[1]), parameters.rjust(widths[2]))
        lines.append(edge + edge.join(f" {cell} " for cell in cells) + edge)
        if number == 0:
            lines.append(rule("┡", "╇", "┩", "━"))
        elif number < len(rows) - 1:
            lines.append(rule("├", "┼", "┤", "─"))
    return [*lines, rule("└", "┴", "┘", "─")]


def _snake(kind: str) -> str:
    """`MaxPooling2D` -> `max_pooling2d`, `ReLU` -> `re_lu`, as Keras names layers."""
    letters = []
    for before, letter, after in zip(" " + kind, kind, kind[1:] + " ", strict=False):
        starts = letter.isupper() and (before.islower() or (before.isupper() and after.islower()))
        letters.append("_" + letter.lower() if starts else letter.lower())
    return "".join(letters).lstrip("_")


def _memory(size: float) -> str:
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
