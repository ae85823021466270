"""All that a study's report says beside table, curves and mistakes."""

from __future__ import annotations

from handlens.data import Dataset
from handlens.errors import HandlensError
from handlens.report.topic import Topic
from handlens.report.topics.calibration import calibration
from handlens.report.topics.classes import classes
from handlens.report.topics.fitting import fitting
from handlens.report.topics.robustness import robustness
from handlens.report.topics.verdicts import verdicts
from handlens.studies.judging import robustness as judging
from handlens.studies.storage.result import StudyResult
from handlens.studies.storage.store import Store

SECONDS = 2.0  # of predicting worse pictures with the chosen model


def study_topics(result: StudyResult, dataset: Dataset, store: Store) -> tuple[Topic, ...]:
    """Verdicts, over-fitting, classes, calibration and robustness, as far as the study has what they need.

    Args:
        store: where the chosen configuration's models are.
    """
    made = (
        verdicts(result),
        fitting(result),
        classes(result, dataset),
        calibration(result, dataset),
        _worse_pictures(result, dataset, store),
    )
    return tuple(topic for topic in made if topic is not None)


def _worse_pictures(result: StudyResult, dataset: Dataset, store: Store) -> Topic | None:
    """Robustness of the chosen configuration; None where its models cannot be brought back to life here."""
    try:
        return robustness([judging.robustness(store, result.chosen, dataset, seconds=SECONDS)])
    except HandlensError:
        return None
