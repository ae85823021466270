"""Faults in other people's notebooks: read, never run."""

from __future__ import annotations

from handlens.lint.check import check_notebook, check_source
from handlens.lint.finding import Cell, Finding
from handlens.lint.reading import read_cells
from handlens.lint.rules import RULES, Rule

__all__ = ["RULES", "Cell", "Finding", "Rule", "check_notebook", "check_source", "read_cells"]
