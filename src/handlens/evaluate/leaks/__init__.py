"""Leaks: exact and near duplicates among images, and their families; arrays in, frozen records out."""

from handlens.evaluate.leaks.duplicates import KINDS, MEANING, Duplicates
from handlens.evaluate.leaks.find import find_duplicates

__all__ = ["KINDS", "MEANING", "Duplicates", "find_duplicates"]
