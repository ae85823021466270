"""A run as a model card (Mitchell et al. 2019, "Model cards for model reporting", FAT* '19), in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from handlens.data.catalogue import catalogue
from handlens.errors import HandlensError
from handlens.evaluate import Interval
from handlens.evaluate.classes import ClassScores, class_scores
from handlens.exports.html import limits, share
from handlens.exports.passport import Passport, answers
from handlens.records import Run, Scores
from handlens.report import formats
from handlens.spec import from_dict
from handlens.studies.planning.plan import study
from handlens.studies.planning.toml import to_toml

MOST, LONG, CONFUSIONS = 80, 10_000, 5  # characters of a name, and of a sentence; pairs of classes
SPECIAL = re.compile(r"([\\`*_\[\]|~$])")
AUTOLINK = re.compile(r"(https?|ftp|www)(?=[:.])", re.IGNORECASE)  # which some readers make of plain text


def card(run: Run, passport: Passport, test: Scores | None) -> str:
    """The card as Markdown; names from data and users are text in it, never markup.

    Args:
        test: scores on the test images, None where these were not opened for this run.
    """
    scores, part = (test, "test") if test else (run.validation, "validation")
    sections = [
        f"# Model card: {text(run.name)}",
        _details(run, passport),
        _use(passport),
        _factors(passport),
        _metrics(passport, part),
        _data(passport),
        _classes(scores, passport, part),
        _caveats(run, passport),
        _again(run),
    ]
    return "\n\n".join(sections) + "\n"


def text(words: object, most: int = MOST) -> str:
    """Any text as one line of Markdown that is nothing but text, shortened where it is longer than `most`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(words)).split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    escaped = SPECIAL.sub(r"\\\1", line)
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return AUTOLINK.sub(r"\1&#8203;", escaped)


def mono(words: str) -> str:
    """A text as code within a line, as text where it cannot be."""
    return f"`{words}`" if words and words.isprintable() and "`" not in words else text(words, LONG)


def code(words: str, language: str = "") -> str:
    """A block of code whose fence is longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", words)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{words.rstrip()}\n{fence}"


def _list(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in pairs if value)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _details(run: Run, passport: Passport) -> str:
    pairs = [
        ("Model", mono(run.model)),
        ("Engine", f"{text(run.engine)} ({text(run.trial.numerics)})"),
        ("Parameters", "" if run.parameters is None else formats.whole(run.parameters)),
        ("Optimizer", mono(run.optimizer)),
        ("Epochs", "" if run.epochs is None else str(run.epochs)),
        ("Run", f"`{run.trial.hash}`, seed {run.trial.seed}, finished {text(run.created)}"),
        ("Training time", f"{run.timings.fit_wall_s:,.1f} s on {text(run.timings.device)}"),
        ("Written by", f"handlens {text(passport.handlens)}"),
    ]
    return "## Model details\n\n" + _list(pairs)


def _use(passport: Passport) -> str:
    names = [text(name) for name in passport.classes[:30]]
    more = f" and {len(passport.classes) - 30:,} more" if len(passport.classes) > 30 else ""
    return (
        "## Intended use\n\n"
        f"To tell which of {len(passport.classes):,} classes a small image shows: {', '.join(names)}{more}. "
        "For teaching, for comparison with other models, and for images like those it was trained on. It is "
        "not meant for decisions about people, nor for images of another origin before a test on such ones."
    )


def _factors(passport: Passport) -> str:
    seen = passport.input
    colour = "one grey channel" if seen["channels"] == 1 else "red, green and blue"
    pairs = [
        ("Size", f"{seen['height']} x {seen['width']} pixels, {colour}, whole numbers 0 to 255"),
        ("Polarity", _polarity(seen)),
        ("Content", f"{100 * seen['content']:.0f} % of the side (from {100 * seen['content_low']:.0f} to "
                    f"{100 * seen['content_high']:.0f} %), centred by "
                    f"{'its mass' if seen['centring'] == 'mass' else 'its box'} at "
                    f"({seen['centre_y']:.2f}, {seen['centre_x']:.2f}) of height and width"),
        ("Preparation", f"{text(passport.preparation['kind'])}, part of every exported file"),
    ]  # fmt: skip
    return (
        "## Factors\n\n"
        "What a picture must be like, as the training images were. `handlens predict` and the exported page "
        "bring a picture to this form; other programs must do so themselves.\n\n" + _list(pairs)
    )


def _polarity(seen: dict[str, Any]) -> str:
    if not seen["uniform_background"]:
        return "no uniform background"
    if seen["ink"] == seen["background"]:
        return f"background of grey {seen['background']:.0f}, content now lighter, now darker"
    return f"background of grey {seen['background']:.0f}, content of grey {seen['ink']:.0f}"


def _metrics(passport: Passport, part: str) -> str:
    parts = [("validation", passport.validation), *([("test", passport.test)] if passport.test else [])]
    rows = [
        (name, f"{m.images:,}", share(m.accuracy), share(m.macro_f1), f"{m.log_loss:.4f}")
        for name, m in parts
    ]
    unopened = "" if part == "test" else " The test images were not opened for this run."
    return (
        "## Metrics\n\n"
        "Accuracy is the share of images whose likeliest class is theirs, with Wilson's interval; macro F1 "
        "the mean of the classes' F1, with the jackknife's. Both intervals hold the choice of images, not "
        f"that of the seed: this is one run. Log loss is in nats.{unopened}\n\n"
        + _table(("Images", "Number", "Accuracy", "Macro F1", "Log loss"), rows)
    )


def _data(passport: Passport) -> str:
    data = passport.data
    licence = text(data.licence) if data.licence else "not known to handlens; ask whoever gave you the images"
    pairs = [
        ("Collection", text(data.title or data.name, LONG)),
        ("Licence", licence),
        ("Source", f"<{data.page}>" if data.page else ""),
        ("Citation", text(data.citation, LONG)),
        ("Trained on", f"{data.train_images:,} images"),
        ("Chosen by", f"{data.validation_images:,} other images of the same training part (validation)"),
        ("Digest (sha256)", f"`{data.digest}`"),
    ]
    return "## Training and evaluation data\n\n" + _list(pairs)


def _classes(scores: Scores, passport: Passport, part: str) -> str:
    labels, predicted = answers(scores.confusion)
    found = class_scores(labels, predicted[None], len(scores.confusion))
    rows = [_class(one, passport) for one in found]
    table = _table(("Class", "Images", "Recall (%)", "Precision (%)", "F1 (%)"), rows)
    said = _confused(np.asarray(scores.confusion), passport.classes)
    return (
        f"## Quantitative analyses\n\nOf the {scores.images:,} {part} images, by class:\n\n{table}\n\n{said}"
    )


def _class(found: ClassScores, passport: Passport) -> tuple[str, ...]:
    shares = (found.recall if found.images else None, found.precision, found.f1)
    return (
        text(passport.classes[found.class_index]),
        f"{found.images:,}",
        *(_short(each) for each in shares),
    )


def _short(interval: Interval | None) -> str:
    if interval is None:
        return formats.MISSING
    return f"{formats.percent(interval.mean)} ({formats.spread(interval, 1)})"


def _confused(matrix: np.ndarray[Any, Any], classes: tuple[str, ...]) -> str:
    wrong = matrix - np.diag(np.diag(matrix))
    pairs = [divmod(int(i), len(matrix)) for i in np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]]
    said = [
        f"{text(classes[i])} taken for {text(classes[j])} ({wrong[i, j]:,})" for i, j in pairs if wrong[i, j]
    ]
    return f"Most frequent mistakes: {'; '.join(said)}." if said else "No mistakes among these images."


def _caveats(run: Run, passport: Passport) -> str:
    notes = "".join(f"\n- Note: {text(note, LONG)}" for note in run.notes)
    return (
        f"## Ethical considerations, caveats and recommendations\n\n{limits(passport)} A probability is not "
        "a guarantee unless its calibration was measured. Who is not represented in the images is not "
        "represented in these scores: handlens knows nothing of the people whose work they show."
        + (f"\n{notes}" if notes else "")
    )


def _again(run: Run) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(run.environment.versions.items()))
    lines = [
        f"Made by {mono(run.environment.command)}" if run.environment.command else "Made",
        f"on {text(run.environment.processor)} ({text(run.environment.platform)})",
        f"with {text(versions, LONG)}.",
    ]
    said = f"## How to reproduce\n\n{' '.join(lines)}"
    if (toml := recipe_toml(run)) is None:
        return said
    where = "" if run.dataset in catalogue() else " (whose path is to be given as dataset)"
    return (
        f"{said} This study trains the same run, of the same hash, from the same images{where}:\n\n"
        + code(toml, "toml")
        + "\n\n"
        + code("handlens run again.toml")
    )


def recipe_toml(run: Run) -> str | None:
    """A study of this run alone, as TOML; None where today's handlens cannot read its recipe."""
    try:
        recipe = from_dict({"name": run.name, **run.trial.recipe})
        made = study(
            name=f"again-{run.trial.hash[:8]}",
            title=f"{run.name} again",
            dataset=run.dataset,
            recipes=[recipe],
            replicates=1,
            seed=run.trial.seed,
            split=run.trial.split,
        )
    except HandlensError:
        return None
    return to_toml(made)
