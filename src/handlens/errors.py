"""What a user is told when something is wrong: one line with what, where, expected and remedy.

Every error that a user can cause is a `HandlensError`; the command line prints its one line and leaves with
status 2. A traceback is a bug of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HandlensError(Exception):
    """A user's mistake, or the world's: said in one line.

    `what` is the thing that is wrong, `where` the file, line or setting, `expected` the rule that it breaks,
    `remedy` what to do about it. Only `what` is required.
    """

    def __init__(self, what: str, *, where: object = "", expected: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = str(where)
        self.expected = expected
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        if self.expected:
            line += f"; expected {self.expected}"
        if self.remedy:
            # A command keeps its small letter: it is there to be copied.
            first = self.remedy[0] if self.remedy.startswith("handlens ") else self.remedy[0].upper()
            line = f"{line.rstrip('.')}. {first}{self.remedy[1:]}"
        return " ".join(line.split())


class DataError(HandlensError):
    """Images or labels that cannot be used: a damaged file, a wrong shape, a class without images."""


class SpecError(HandlensError):
    """A recipe or study that says something impossible: an unknown layer, a wrong argument."""


class StoreError(HandlensError):
    """A run or study on disk that is missing, damaged or not to be trusted."""


class MissingExtra(HandlensError):
    """An optional dependency that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed", remedy=f"install it with: pip install 'handlens[{extra}]'"
        )


# What other libraries and papers call what is called otherwise here: no likeness of letters would find it.
SYNONYMS = {
    "lr": "learning_rate",
    "eta": "learning_rate",
    "wd": "weight_decay",
    "decay_rate": "weight_decay",
    "betas": "beta_1",
    "eps": "epsilon",
    "batch": "batch_size",
    "bs": "batch_size",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "max_iter": "epochs",
}


def our_name(name: str) -> str:
    """The name with its last word as it is called here: `optimizer.learning_rate` of `optimizer.lr`."""
    head, dot, word = name.rpartition(".")
    return head + dot + SYNONYMS.get(word.lower(), word)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that points from a misspelt `name` to the nearest of the `known` ones, or lists them."""
    known = sorted(known)
    if name not in known and our_name(name) in known:
        return f"did you mean {our_name(name)!r}?"
    near = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1, cutoff=0.6)
    if near:
        original = next(k for k in known if k.lower() == near[0])
        return f"did you mean {original!r}?"
    return "known: " + ", ".join(known)
