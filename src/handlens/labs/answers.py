"""The labs' questions, answered in words from what was measured; what was not measured is not answered."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handlens.labs.chain import CONTINUED
from handlens.labs.lines import values_of
from handlens.labs.published import published
from handlens.labs.run import Found, Part
from handlens.labs.variants import KERAS
from handlens.labs.words import compared, hardest, overfitted, percent, two_runs
from handlens.report import formats
from handlens.studies.storage.result import Member


@dataclass(frozen=True)
class Answer:
    """A lab's question; `words` is empty where nothing was measured that answers it."""

    lab: str
    question: str
    words: str


Question = tuple[str, str, Callable[[Found], str]]


def answers(found: Found) -> tuple[Answer, ...]:
    """The answers to the questions of a lab."""
    made = []
    for lab, question, answer in QUESTIONS:
        if lab == found.lab.name:
            made.append(Answer(lab, question, _scope(found) + answer(found)))
    return tuple(a if _said(a.words) else Answer(a.lab, a.question, "") for a in made)


def _said(words: str) -> bool:
    return bool(words) and not words.endswith(": ")


def _scope(found: Found) -> str:
    """A word of warning before whatever a short run says."""
    if any(part.quick for part in found.parts):
        return "From a quick run, which settles nothing: "
    return "From a sample, which settles nothing: " if any(part.sample for part in found.parts) else ""


def _over_a(found: Found) -> str:
    said = overfitted(found.part("a"), "dense-512-256")
    if not said:
        return ""
    return (
        f"{said} Validation images are drawn from the training set, which is many augmented copies of some "
        "1,700 photographs: they have near twins among the training images, and their accuracy is too high."
    )


def _over_c(found: Found) -> str:
    part = found.part("c")
    return " ".join(filter(None, (overfitted(part, name) for name in ("hidden-10", "hidden-300-300"))))


def _forest(found: Found) -> str:
    return compared(found.part("a"), "dense-512-256", "forest-100")


def _layers_c(found: Found) -> str:
    part = found.part("c")
    second = compared(part, "hidden-300-300", "hidden-300")
    third = compared(part, "hidden-300-300-300", "hidden-300-300")
    return f"A second layer: {second} A third: {third}" if second and third else ""


def _width_c(found: Found) -> str:
    part = found.part("c")
    return " ".join(
        filter(None, (compared(part, "hidden-100", "hidden-10"), compared(part, "hidden-300", "hidden-100")))
    )


def _layers_e(found: Found) -> str:
    part = found.part("e-scratch")
    second, third = compared(part, "relu-300x2", "relu-300x1"), compared(part, "relu-300x3", "relu-300x2")
    return f"A second layer of 300: {second} A third: {third}" if second and third else ""


def _decay(found: Found) -> str:
    part = found.part("b-sweep")
    rows = [row.recipe for row in published().of_study("b-sweep")]
    members = [m for m in map(part.member, rows) if m is not None and m.tests]
    if len(members) < 2:
        return ""
    means = {m.name: statistics.fmean(values_of(m, "accuracy")) for m in members}
    best = max(means, key=lambda name: means[name])
    listed = ", ".join(f"{name.partition('l2=')[2]}: {percent(mean)}" for name, mean in means.items())
    ends = compared(part, rows[0], rows[-1])
    goal = found.lab.reference or 1.0
    reached = "reaches" if means[best] >= goal else "does not reach"
    last = f"The best, {best}, {reached} the reference of {percent(goal)}."
    return f"L2 {listed}. Weakest and strongest: {ends} {last}"


def _optimizer(found: Found) -> str:
    part = found.part("e-keras")
    rows = [row.recipe for row in published().of_study("e-keras") if row.recipe.startswith("300-")]
    members = [m for m in map(part.member, rows) if m is not None and m.tests]
    if len(members) < 2:
        return ""
    ranked = sorted(members, key=lambda m: -statistics.fmean(values_of(m, "accuracy")))
    listed = ", ".join(
        f"{m.name.removeprefix('300-')} {percent(statistics.fmean(values_of(m, 'error')))}" for m in ranked
    )
    first = compared(part, ranked[0].name, ranked[1].name)
    return f"From fresh weights, 784-300-10, error: {listed}. The first two: {first}"


def _continuing(found: Found) -> str:
    part = found.part("e-keras")
    said = []
    for row in published().of_study("e-keras"):
        fresh, on = part.member(row.recipe), part.member(row.recipe + CONTINUED)
        if row.continued and fresh and on and fresh.tests and on.tests:
            errors = [percent(statistics.fmean(values_of(m, "error"))) for m in (on, fresh)]
            said.append(f"{row.recipe} {errors[0]} continued, {errors[1]} fresh")
    if not said:
        return ""
    return (
        f"It did not reset the weights, so each optimizer was credited with the work of those before it. "
        f"Error: {'; '.join(said)}."
    )


def _engines(found: Found) -> str:
    pairs = []
    for part in found.parts:
        for member in part.result.members if part.result else ():
            twin = part.member(member.family + KERAS + member.name.removeprefix(member.family))
            if twin is not None and twin.tests and member.tests:
                apart = statistics.fmean(values_of(member, "accuracy"))
                apart -= statistics.fmean(values_of(twin, "accuracy"))
                pairs.append((abs(apart), member.name))
    if not pairs:
        return ""
    widest = max(pairs)
    return (
        f"Over {formats.plural(len(pairs), 'configuration')} the means of engine from scratch and Keras lie "
        f"{100 * statistics.fmean(p[0] for p in pairs):.2f} points apart on average, at most "
        f"{100 * widest[0]:.2f} ({widest[1]}): the same first weights and batches, other rounding."
    )


def _digits(found: Found) -> str:
    said = hardest(found.part("e-scratch"), "relu-300x3")
    return f"{said} The lab found 5 and 8 hardest (97.3 %) and 1 easiest." if said else ""


def _against(part: Part, first: str, others: Sequence[str]) -> str:
    return " ".join(filter(None, (compared(part, first, other) for other in others)))


def _fashion(found: Found) -> str:
    members = [
        found.part(study).member(name)
        for study, name in (
            ("e-keras", "lenet"),
            ("e-fashion", "three-conv-leaky"),
            ("e-fashion", "two-conv-elu"),
        )
    ]
    there: list[Member] = [m for m in members if m is not None and m.tests]
    if len(there) < 3:
        return ""
    listed = ", ".join(f"{m.name} {percent(statistics.fmean(values_of(m, 'error')))}" for m in there)
    digits, *clothes = (statistics.fmean(values_of(m, "error")) for m in there)
    times = min(clothes) / max(digits, 1e-9)
    return f"Error: {listed} (the first one on digits): on clothes {times:.1f} times as many mistakes."


def _rates_d(found: Found) -> str:
    part = found.part("d")
    rows = [row.recipe for row in published().of_study("d")]
    members = [m for m in map(part.member, rows) if m is not None and m.tests]
    if not members:
        return ""
    best = max(members, key=lambda m: statistics.fmean(values_of(m, "accuracy")))
    listed = ", ".join(f"{m.name}: {percent(statistics.fmean(values_of(m, 'accuracy')))}" for m in members)
    return f"{listed}. Best: {best.name}."


QUESTIONS: tuple[Question, ...] = (
    ("A", "Is the dense network over-fitted?", _over_a),
    ("A", "Dense network or random forest?", _forest),
    ("B", "What does weight decay do?", _decay),
    ("B", "How much do two runs differ?", two_runs),
    ("B", "Do the two engines agree?", _engines),
    ("C", "How wide?", _width_c),
    ("C", "Does a second or third layer help?", _layers_c),
    ("C", "Is the network over-fitted?", _over_c),
    ("C", "Which digits are hardest?", lambda found: hardest(found.part("c"), "hidden-300-300")),
    ("D", "Which learning rate and width?", _rates_d),
    ("E", "Do more layers help?", _layers_e),
    (
        "E",
        "Which activation?",
        lambda found: _against(found.part("e-scratch"), "relu-300x3", ("tanh-300x3", "sigmoid-300x3")),
    ),
    (
        "E",
        "Which learning rate?",
        lambda found: _against(
            found.part("e-scratch"), "relu-300x3", ("relu-300x3-rate-0.01", "relu-300x3-rate-0.5")
        ),
    ),
    ("E", "Which optimizer?", _optimizer),
    ("E", "What did compiling again do?", _continuing),
    ("E", "Which digits are hardest?", _digits),
    ("E", "How much do two runs differ, and why?", two_runs),
    ("E", "MNIST or Fashion-MNIST: which is harder?", _fashion),
)
