"""Two recipes or many against each other: arrays of right and wrong in, verdicts out."""

from handlens.evaluate.compare.holm import holm
from handlens.evaluate.compare.mcnemar import McNemar, mcnemar
from handlens.evaluate.compare.paired import Difference, difference
from handlens.evaluate.compare.verdict import MARGIN, Verdict, verdict, verdicts

__all__ = [
    "MARGIN",
    "Difference",
    "McNemar",
    "Verdict",
    "difference",
    "holm",
    "mcnemar",
    "verdict",
    "verdicts",
]
