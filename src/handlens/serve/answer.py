"""Answers as JSON that a browser reads."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

from starlette.responses import Response


async def answered(make: Callable[..., Any], *arguments: Any) -> Response:
    """What `make` gives as JSON; it works in a thread, so that others are not kept waiting."""
    return json_response(await asyncio.to_thread(lambda: as_json(make(*arguments))))


def json_response(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def as_json(value: Any) -> bytes:
    """Bytes of JSON; numbers that JSON does not know become null."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
