"""Lessons: a student's own layer, loss or network, checked, and what is wrong with it named by its cause."""

from __future__ import annotations

from handlens.lessons.check import KINDS, check_layer
from handlens.lessons.report import Finding, Report

__all__ = ["KINDS", "Finding", "Report", "check_layer"]
