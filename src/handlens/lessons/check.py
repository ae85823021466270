"""Check a student's layer, loss or network: what is it, how is it called, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handlens.errors import SpecError, did_you_mean
from handlens.lessons import bring, calls
from handlens.lessons.activation import check_activation, kind_by_name
from handlens.lessons.build import DISTINCT, SQUARE, fresh_subjects
from handlens.lessons.functions import FUNCTIONS
from handlens.lessons.inside import Slot
from handlens.lessons.linear import check_linear, is_linear
from handlens.lessons.loss import check_loss, loss_pass
from handlens.lessons.loss_reference import KINDS as LOSSES
from handlens.lessons.loss_setup import is_loss, settle_loss
from handlens.lessons.network import check_network, network_pass
from handlens.lessons.observe import Seen, run
from handlens.lessons.repeat import check_repeats
from handlens.lessons.report import NOTE, OK, WRONG, Finding, Report, inside
from handlens.lessons.setup import Setup, settle
from handlens.lessons.subject import Stopped, Subject, not_called, parameters, same_value
from handlens.lessons.unused import unused_parameters
from handlens.nn.arrays import Array

ACTIVATIONS = tuple(name for name in FUNCTIONS if "(" not in name and name != "linear")
KINDS = ("linear", *ACTIVATIONS, "leaky relu", *LOSSES, "network")


def check_layer(target: Any, *, kind: str | None = None, batch: str | None = None) -> Report:
    """Compare a layer, loss or network with the reference and the numerical gradient, and name what is wrong.

    `target` is a class, an instance, a function that makes one, a forward function, a pair of functions
    (forward, backward), or text: "mymodule:Linear", seen from the current folder. `kind` is one of `KINDS`,
    found out where it is None; `batch` says where the images lie: "first" for `[n, features]`, "last" for
    `[features, n]`, found out where it is None. All numbers are float64.

    Raises:
        SpecError: no such module or name, or nothing in it can be called.
    """
    if kind is not None and kind not in KINDS:
        raise SpecError(f"kind {kind!r} is unknown", remedy=did_you_mean(kind, KINDS))
    if batch not in (None, "first", "last"):
        raise SpecError(f"batch is {batch!r}", expected="first ([n, features]) or last ([features, n])")
    name = target if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)
    thing = bring.from_text(target) if isinstance(target, str) else target
    own = getattr(thing, "__name__", name)
    first = _first(thing, name)
    if kind in LOSSES or (kind is None and is_loss(first, own)):
        return _loss(thing, name, kind or "", batch)
    return _layer(thing, name, kind, batch)


def _first(thing: Any, name: str) -> Subject:
    message = "it is neither a class nor a function"
    for fresh in fresh_subjects(thing, DISTINCT):
        try:
            return fresh()
        except Exception as error:
            message = str(error) if isinstance(error, SpecError) else f"{type(error).__name__}: {error}"
    raise SpecError(
        f"it cannot be made ({message})",
        where=name,
        remedy="give a function without parameters that returns one",
    )


def _loss(thing: Any, name: str, kind: str, batch: str | None) -> Report:
    setup = settle_loss(thing, kind, batch)
    try:
        findings, said = check_loss(setup)
        if all(f.verdict != WRONG for f in findings):
            findings += check_repeats(lambda: (setup.fresh(), []), loss_pass(setup), 6)
    except Stopped as error:
        findings, said = [Finding("backward", WRONG, "raises", str(error))], ""
    return Report(name, setup.kind, setup.batch, said, tuple(findings))


@dataclass
class _Checked:
    kind: str
    findings: list[Finding]
    said: str


def _layer(thing: Any, name: str, kind: str | None, batch: str | None) -> Report:
    setup, stopped = settle(thing, DISTINCT, batch)
    if setup is not None:
        try:
            checked = _best(setup, thing, kind, None)
            return Report(name, checked.kind, setup.batch, checked.said, tuple(checked.findings))
        except Stopped as error:
            stopped = error
    # Where a matrix is turned round the shapes clash: with all sizes equal they fit, and the numbers speak.
    square, other = settle(
        thing, SQUARE, batch or (setup.batch if setup else None), setup.place if setup else None
    )
    if square is None:
        wanted = "forward(x) of an array [n, features] or [features, n]"
        raise not_called("forward", [stopped, other], name, wanted)
    try:
        checked = _best(square, thing, kind, _turned(thing, setup))
    except Stopped as error:
        finding = Finding("backward", WRONG, "raises", str(error))
        return Report(name, kind or "layer", square.batch, "", (finding,))
    if all(f.verdict != WRONG for f in checked.findings):
        checked.findings.append(
            Finding("other sizes", WRONG, "shape", f"it runs only where all sizes are equal: {stopped}")
        )
    return Report(name, checked.kind, square.batch, checked.said, tuple(checked.findings))


def _best(setup: Setup, thing: Any, kind: str | None, turned: bool | None) -> _Checked:
    """The check; where a backward of two arrays fails it with no known fault, with the two exchanged."""
    stop: Stopped | None = None
    try:
        found = _check(setup, thing, kind, turned)
        if "unknown" not in {f.cause for f in found.findings if f.verdict == WRONG}:
            return found
    except Stopped as error:
        stop = error
    backward = setup.fresh().backward_function
    arrays = (
        []
        if backward is None
        else [r for r in calls.required(backward) if calls.role(r) not in ("rate", "cache")]
    )
    if len(arrays) == 2:
        try:
            other = _check(replace(setup, fresh=lambda: _with(setup, "swapped")), thing, kind, turned)
            if stop or _wrong(other) < _wrong(found):
                return other
        except Stopped:
            pass
    if stop:
        raise stop
    return found


def _with(setup: Setup, flag: str) -> Subject:
    subject = setup.fresh()
    setattr(subject, flag, True)
    return subject


def _wrong(checked: _Checked) -> int:
    return sum(f.verdict == WRONG for f in checked.findings)


def _turned(thing: Any, setup: Setup | None) -> bool | None:
    """Whether the weight is made as `[out, in]`, from a layer of unequal sizes that need not run."""
    for fresh in [setup.fresh] if setup else fresh_subjects(thing, DISTINCT):
        try:
            shapes = [np.shape(s.get()) for s in fresh().slots()]
        except Exception:
            continue
        for turned, shape in ((False, (DISTINCT.into, DISTINCT.out)), (True, (DISTINCT.out, DISTINCT.into))):
            if shape in shapes:
                return turned
    return None


def _check(setup: Setup, thing: Any, kind: str | None, turned: bool | None) -> _Checked:
    once, again = _two_answers(setup)
    if not same_value(once, again):
        return _random(setup, thing, kind, turned)
    return _kind(setup, thing, kind, turned, once)


def _two_answers(setup: Setup) -> tuple[Any, Any]:
    subject, x = setup.fresh(), setup.inputs(2)
    return np.array(subject.forward(x.copy())), np.array(subject.forward(x.copy()))


def _random(setup: Setup, thing: Any, kind: str | None, turned: bool | None) -> _Checked:
    """Chance is a fault, unless the gradients are right for each draw: dropout."""
    steady = replace(setup, fresh=lambda: _with(setup, "steady"))
    if same_value(*_two_answers(steady)):
        checked = _check(steady, thing, kind, turned)
        if not _wrong(checked):
            said = "as dropout does in training; checked with the same random numbers each time"
            checked.findings.append(Finding("forward", NOTE, "random", said))
            return checked
    return _Checked(kind or "layer", [Finding("forward", WRONG, "random")], "")


def _kind(setup: Setup, thing: Any, kind: str | None, turned: bool | None, once: Array) -> _Checked:
    subject, x = setup.fresh(), setup.inputs(2)
    if once.dtype.kind in "iub" and x.dtype.kind == "f":
        return _Checked(
            kind or "layer", [Finding("forward", WRONG, "dtype", f"the output is {once.dtype}")], ""
        )
    if unused := unused_parameters(setup):
        return _Checked(kind or "layer", [Finding("forward", WRONG, "unused", ", ".join(unused))], "")
    held = parameters(setup.fresh(), setup.inputs(1))
    inner = [layer for layer in getattr(subject.thing, "layers", []) or [] if hasattr(layer, "forward")]
    if kind is None and (inner or (held and not is_linear(setup, held, once))):
        kind = "network" if inner or len(held) > 2 else "another layer"
    if kind in ("network", "another layer"):
        try:
            findings, said = check_network(setup)
        except Stopped as error:
            if not inner:
                raise
            findings, said = [Finding("backward", WRONG, "raises", str(error))], ""
        if inner and any(f.verdict == WRONG for f in findings):
            findings = _traced(inner, setup.batch, findings)
        return _Checked(kind, _repeated(setup, findings, network_pass(setup)), said)
    if kind == "linear" or (kind is None and held):
        findings, said = check_linear(setup, turned)
        return _Checked("linear", _repeated(setup, findings, _layer_pass(setup)), said)
    wanted = kind or kind_by_name(thing)
    name, findings, said = check_activation(setup, wanted)
    one_pass = _layer_pass(setup) if said == "" else None
    return _Checked(name, _repeated(setup, findings, one_pass), said)


def _repeated(setup: Setup, findings: list[Finding], one_pass: Any) -> list[Finding]:
    if one_pass is None or any(f.verdict == WRONG for f in findings):
        return findings
    return findings + check_repeats(setup.ready, one_pass, setup.n)


def _layer_pass(setup: Setup) -> Any:
    def one_pass(subject: Subject, held: list[Slot], seed: int, n: int) -> Seen:
        x = setup.inputs(seed, n)
        rows = setup.turn(np.asarray(subject.forward(x.copy())))
        dout = setup.turn(np.random.default_rng(seed + 50).normal(size=rows.shape))
        return run(subject, held, x, dout)

    return one_pass


def _traced(inner: list[Any], batch: str, findings: list[Finding]) -> list[Finding]:
    """The findings of the layers inside, where one is wrong by itself; else of how they are joined."""
    traced, unknown = [], False
    for k, layer in enumerate(inner):
        try:
            report = check_layer(layer, batch=batch)
        except SpecError:
            unknown = True
            continue
        where = f"layers[{k}] ({type(layer).__name__})"
        traced += [inside(f, where) for f in report.findings if f.verdict == WRONG]
    if traced:
        return [*[f for f in findings if f.verdict == OK], *traced]
    if unknown or any(f.cause == "softmax-axis" for f in findings):
        return findings
    said = "each layer is right by itself, and the gradients of the whole are not"
    return [Finding("backward", WRONG, "order", said), *findings]
