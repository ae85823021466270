"""One call with its arguments worked out."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handlens.lint.values import UNKNOWN, Const, Data, Value
from handlens.lint.walker import Walker


@dataclass(frozen=True)
class Called:
    """A call under way: the walker, the syntax, the name, and what it is given."""

    walker: Walker
    node: ast.Call
    name: str
    path: str
    args: list[Value]
    kwargs: dict[str, Value]

    def get(self, place: int, *names: str) -> Value:
        """The argument at `place` (from 0) or by one of its names; UNKNOWN if it is not given."""
        for name in names:
            if name in self.kwargs:
                return self.kwargs[name]
        return self.args[place] if 0 <= place < len(self.args) else UNKNOWN

    def constant(self, place: int, *names: str, default: Any = None) -> Any:
        """The same, as a plain number or text if it is written as one."""
        value = self.get(place, *names)
        return value.value if isinstance(value, Const) else default

    def has(self, name: str) -> bool:
        return name in self.kwargs

    def flag(self, name: str, default: bool) -> bool:
        value = self.kwargs.get(name)
        return bool(value.value) if isinstance(value, Const) else default

    @property
    def data(self) -> list[Data]:
        """The arguments that are data, in order."""
        return [v for v in (*self.args, *self.kwargs.values()) if isinstance(v, Data)]


Handler = Callable[[Called], Value]
