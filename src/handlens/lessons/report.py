"""What the check of a layer says: plain records, and the same as text."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from handlens.lessons.causes import CAUSES

OK, NOTE, WRONG = "ok", "note", "wrong"


@dataclass(frozen=True)
class Finding:
    """One check.

    Attributes:
        check: what was looked at: "forward", "dx", "dW", "db", "large numbers", ...
        verdict: "ok", "note" (not wrong, worth knowing) or "wrong".
        cause: a key of `causes.CAUSES`; empty where all is well.
        detail: this case in a few words.
        error: the greatest absolute difference over the greatest number of the two arrays; None where it has
            no meaning.
        layer: the layer inside a network, if the fault was traced to one.
    """

    check: str
    verdict: str = OK
    cause: str = ""
    detail: str = ""
    error: float | None = None
    layer: str = ""

    def line(self) -> str:
        name = f"{self.layer}: {self.check}" if self.layer else self.check
        error = "" if self.error is None else f"  (relative error {self.error:.1e})"
        if not self.cause:
            return f"{self.verdict:5}  {name}{': ' + self.detail if self.detail else ''}{error}"
        says, look = CAUSES[self.cause]
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.verdict:5}  {name} {says}{detail}{error}\n       cause: {self.cause}. {look}."


@dataclass(frozen=True)
class Report:
    """All checks of one layer, loss or network.

    Attributes:
        target: its name.
        kind: "linear", "relu", "sigmoid", ..., "softmax-cross-entropy", "cross-entropy", "mse", "network".
        batch: "first" for `[n, features]`, "last" for `[features, n]`.
        convention: what was found out about it, e.g. that gradients are sums over the images.
    """

    target: str
    kind: str
    batch: str
    convention: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return all(f.verdict != WRONG for f in self.findings)

    @property
    def causes(self) -> tuple[str, ...]:
        """The causes of what is wrong, then those of the notes, each once; what has no name comes last."""
        found = [f for f in self.findings if f.cause]
        ordered = sorted(found, key=lambda f: (f.cause == "unknown", f.verdict != WRONG))
        return tuple(dict.fromkeys(f.cause for f in ordered))

    def __str__(self) -> str:
        rows = "[n, features]" if self.batch == "first" else "[features, n]"
        head = f"{self.target}: {self.kind}, batches {rows}"
        head += f"; {self.convention}" if self.convention else ""
        wrong = sum(f.verdict == WRONG for f in self.findings)
        end = "all is well" if self.ok else f"{wrong} of {len(self.findings)} checks failed"
        return "\n".join([head, *(f"  {f.line()}".replace("\n", "\n  ") for f in self.findings), end])

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        findings = [asdict(f) for f in self.findings]
        for found in findings:
            if found["error"] is not None and not math.isfinite(found["error"]):
                found["error"] = None  # JSON has no such number
        return asdict(self) | {"ok": self.ok, "causes": list(self.causes), "findings": findings}


def inside(finding: Finding, layer: str) -> Finding:
    """The finding, said of a layer inside a network."""
    return replace(finding, layer=layer)
