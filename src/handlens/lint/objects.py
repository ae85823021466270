"""Models, scores, predictions and functions, as far as the check follows them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from handlens.lint.values import UNKNOWN, Data, Leak, Place, Value


@dataclass
class Model(Value):
    """A model object: one set of weights. `fits` are the places and settings of what trained it."""

    kind: str
    name: str
    made: int
    last: str = ""
    units: int | None = None
    layers: list[Value] = field(default_factory=list)
    noisy: bool = False
    compiled: int = 0
    loss: Value = UNKNOWN
    fits: list[Fit] = field(default_factory=list)
    training: bool = True
    settings: set[int] = field(default_factory=set)
    seeded: set[int] = field(default_factory=set)
    attributes: dict[str, Value] = field(default_factory=dict)
    of: UserClass | None = None
    steps: list[Value] = field(default_factory=list)
    stepped: bool = False
    optimizers: int = 0
    loops: tuple[int, ...] = ()
    trained: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fit:
    """One call of `fit`: when, with which compile, on what."""

    tick: int
    compiled: int
    place: Place
    data: Value
    batch: Any = None
    loops: tuple[int, ...] = ()


@dataclass
class Transformer(Value):
    """Something with `fit` and `transform`."""

    name: str
    supervised: bool = False
    harmless: bool = False
    fitted: Data | None = None
    leak: Leak | None = None


@dataclass(frozen=True)
class Out(Value):
    """What a network returned: for images (`data`), or symbolically while it is being built."""

    last: str = ""
    units: int | None = None
    data: Data | None = None
    model: Model | None = None
    numbering: str = ""
    labels: bool = False
    noisy: bool = False
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Score(Value):
    """A score on `parts`, of `model`."""

    parts: frozenset[str]
    place: Place
    model: Model | None = None
    history: bool = False
    key: str = ""


@dataclass(frozen=True)
class Loss(Value):
    """A loss and what it takes: "logits", "probabilities", "log-probabilities" or "" for anything."""

    name: str
    takes: str
    sparse: bool = False


@dataclass(frozen=True)
class Optimizer(Value):
    model: Model
    name: str


@dataclass(frozen=True)
class History(Value):
    model: Model
    validation: Value
    train: Value = UNKNOWN


@dataclass(frozen=True)
class Splitter(Value):
    name: str
    shuffle: bool
    stratified: bool


@dataclass(frozen=True)
class Augment(Value):
    """An image generator or a chain of transforms; `place` where it is random, else None."""

    random: Place | None


@dataclass
class Function(Value):
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: dict[str, Value]
    cell: int
    called: bool = False


@dataclass
class UserClass(Value):
    node: ast.ClassDef
    scope: dict[str, Value]
    cell: int
    base: str = ""
    used: bool = False

    def method(self, name: str) -> ast.FunctionDef | None:
        return next((n for n in self.node.body if isinstance(n, ast.FunctionDef) and n.name == name), None)


@dataclass
class Instance(Value):
    of: UserClass
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Method(Value):
    """`owner.name` before it is called; `text` is how the owner is written."""

    owner: Value
    name: str
