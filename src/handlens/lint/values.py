"""What the check knows of a value without ever computing it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# No list and no text that the notebook could build grows beyond this.
MOST_ITEMS, MOST_TEXT = 64, 2_000
TRAIN, VAL, TEST, ALL = "train", "val", "test", "all"


class Value:
    """Anything a name can stand for; by itself: unknown."""


UNKNOWN = Value()


@dataclass(frozen=True)
class Place:
    """Where in the file: cell number and line."""

    cell: int
    line: int

    def __str__(self) -> str:
        return f"cell {self.cell}, line {self.line}" if self.cell else f"line {self.line}"


@dataclass(frozen=True)
class Const(Value):
    """A number, string, truth value or None that is written in the file."""

    value: Any


@dataclass
class Seq(Value):
    """A list or tuple. `by_class`: filled one class after the other; `run`: `[0] * n`.

    `ranked`: where it was sorted by scores; whoever takes the first then makes a choice.
    """

    items: list[Value] = field(default_factory=list)
    by_class: int = 0
    run: bool = False
    ranked: Place | None = None
    ranked_by: str = ""


@dataclass
class Map(Value):
    items: dict[Any, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Ref(Value):
    """A name of a library by its full path, `tensorflow.keras.layers.Dense`."""

    path: str

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Leak:
    """Something learnt from `parts` at `place`: a step of kind `what`."""

    what: str
    parts: frozenset[str]
    place: Place
    supervised: bool = False
    origin: int = 0


@dataclass(frozen=True)
class Data(Value):
    """An array, frame, loader or generator of images or labels.

    `parts`: which of train, val, test, all it holds; empty: unknown. `fresh`: just cut or loaded, so that the
    name it is given says which part it is. `origin`: where it came from; `rows`: every reordering since.
    `order`: "sorted" by class, "shuffled" or "". `shuffles`: every pass over it is in another order.
    `cut`: a slice of its part.
    """

    parts: frozenset[str] = frozenset()
    origin: int = 0
    rows: tuple[Any, ...] = ()
    fresh: bool = False
    order: str = ""
    leaks: frozenset[Leak] = frozenset()
    dataset: str = ""
    numbering: str = ""
    augmented: Place | None = None
    shuffles: bool = False
    cut: str = ""
    constant: bool = False
    one_class: bool = False
    pairs: bool = False
    kind: str = "array"

    def is_part(self, part: str) -> bool:
        return part in self.parts

    @property
    def learnt_from(self) -> frozenset[str]:
        """The parts that a step fitted on it has seen; a slice of all rows may be the training part."""
        return self.parts - {ALL} if self.sliced else self.parts

    @property
    def sliced(self) -> bool:
        """Some rows only, by their place; a mask or filter is another thing."""
        return bool(self.cut) and not self.cut.startswith("mask")

    @property
    def whole(self) -> bool:
        """Training and test together."""
        return ALL in self.parts or self.parts >= {TRAIN, TEST}


@dataclass(frozen=True)
class Stat(Value):
    """A mean, deviation or other statistic of `data`."""

    data: Data
    name: str = ""


@dataclass(frozen=True)
class Perm(Value):
    """Row numbers: a permutation drawn at random, or one that sorts."""

    key: Any
    sorts: bool = False


@dataclass(frozen=True)
class Layer(Value):
    """A layer or an activation: what its output looks like."""

    name: str
    activation: str
    units: int | None = None
    noisy: bool = False
    keeps: bool = False
