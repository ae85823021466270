"""What the server will not do, said in one line with a status of 4xx."""

from __future__ import annotations

import json


class Refusal(Exception):
    """A request that is refused: its `status` and the reason in one line."""

    def __init__(self, status: int, reason: str) -> None:
        self.status, self.reason = status, " ".join(reason.split())
        super().__init__(self.reason)


def line(reason: str) -> bytes:
    """The body of an answer that refuses: `{"error": reason}`."""
    return json.dumps({"error": " ".join(reason.split())[:500]}, ensure_ascii=False).encode(
        "utf-8", "backslashreplace"
    )
