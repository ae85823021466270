"""Scores and intervals: arrays in, plain records out; usable without the rest of handlens."""

from handlens.evaluate.intervals import Interval, accuracy_interval, wilson
from handlens.evaluate.scores import accuracy, confusion, f1, log_loss, macro_f1, score

__all__ = [
    "Interval",
    "accuracy",
    "accuracy_interval",
    "confusion",
    "f1",
    "log_loss",
    "macro_f1",
    "score",
    "wilson",
]
