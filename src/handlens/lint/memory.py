"""What a walk through a notebook keeps in mind."""

from __future__ import annotations

from dataclasses import dataclass, field

from handlens.lint import hints
from handlens.lint.objects import Model, Score
from handlens.lint.values import Data, Place, Value


class Enough(Exception):
    """The budget of steps is spent; what was found so far stands."""


@dataclass
class Loop:
    """A loop under way: its variables, what is derived from them, and whether it tries out settings."""

    number: int
    names: set[str]
    iteration: int = 0
    folds: bool = False
    label: str = ""

    @property
    def epochs(self) -> bool:
        return bool(self.label) and hints.is_epoch(self.label)

    @property
    def seeds(self) -> bool:
        return bool(self.label) and hints.is_seed(self.label)


@dataclass
class Frame:
    """A function being walked: its names and what it returned."""

    scope: dict[str, Value]
    returned: list[Value] = field(default_factory=list)
    name: str = ""


@dataclass
class Memory:
    """What is remembered over the whole notebook, for the rules that look back at its end."""

    sweeps: dict[Place, set[int]] = field(default_factory=dict)
    chosen: set[Place] = field(default_factory=set)
    validated: set[int] = field(default_factory=set)
    validation: list[tuple[Place, Data, Model | None]] = field(default_factory=list)
    scored: list[Score] = field(default_factory=list)
    said: list[tuple[Place, str]] = field(default_factory=list)
    train_scores: list[tuple[Score, str]] = field(default_factory=list)
    tests: list[Data] = field(default_factory=list)
    split: set[int] = field(default_factory=set)
    replicated: bool = False
    models: list[Model] = field(default_factory=list)
    thawed: int = 0
    seeded: tuple[object, int] | None = None
