"""Scores and intervals: arrays in, plain records out; usable without the rest of handlens."""

from handlens.evaluate.bootstrap import (
    ScoreIntervals,
    auc_interval,
    calibration_interval,
    log_loss_interval,
    macro_f1_interval,
    score_intervals,
)
from handlens.evaluate.compare import Verdict, difference, holm, mcnemar, verdict, verdicts
from handlens.evaluate.intervals import Interval, accuracy_interval, wilson
from handlens.evaluate.scores import accuracy, confusion, f1, log_loss, macro_f1, score

__all__ = [
    "Interval",
    "ScoreIntervals",
    "Verdict",
    "accuracy",
    "accuracy_interval",
    "auc_interval",
    "calibration_interval",
    "confusion",
    "difference",
    "f1",
    "holm",
    "log_loss",
    "log_loss_interval",
    "macro_f1",
    "macro_f1_interval",
    "mcnemar",
    "score",
    "score_intervals",
    "verdict",
    "verdicts",
    "wilson",
]
