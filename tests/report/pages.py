"""Reading a page back: its tables as text and its data as JSON; class names that try to break out of it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<b>&\"'",
    "<!--",
    "]]>",
    "{{ 7*7 }}",
    "5",
    "6",
    "7",
    "8",
    "9",
)


class Page(HTMLParser):
    """Tables (rows of cell texts), texts by tag, tags with attributes and scripts of an HTML page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.words: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables:
            self.tables[-1][-1].append("")
        self.words.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
            return
        for tag in set(self.open):
            self.words[tag][-1] += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += f" {data.strip()}"

    @property
    def specs(self) -> dict[str, Any]:
        (text,) = (text for attrs, text in self.scripts if attrs.get("id") == "specs")
        charts: dict[str, Any] = json.loads(text)["charts"]
        return charts


def values(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """All rows of data inside a specification, wherever Altair put them."""
    sets = list(spec.get("datasets", {}).values())
    places = [spec, *spec.get("layer", [])]
    sets += [place["data"]["values"] for place in places if "values" in place.get("data", {})]
    return [row for rows in sets for row in rows]


def numbers(text: str) -> list[float]:
    """Every number of a text, thousands joined."""
    return [float(n) for n in re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))]
