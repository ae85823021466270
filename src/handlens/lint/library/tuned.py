"""Tuners, optimizers of settings and trainers of other libraries, known by the names of their methods."""

from __future__ import annotations

from handlens.lint import choices, functions
from handlens.lint.library import arranging, keras
from handlens.lint.library.called import Called
from handlens.lint.objects import Function, Loss, Model
from handlens.lint.values import TEST, UNKNOWN, Data, Value


def method(called: Called, owner: Value) -> Value:
    """A method of something that the check does not know."""
    if called.name in ("permutation", "shuffle", "permuted"):
        return arranging.FUNCTIONS[called.name.replace("permuted", "permutation")](called)
    if called.has("validation_data"):  # keras_tuner: `tuner.search(...)`
        keras.watched(called, None)
        return UNKNOWN
    if called.name == "fit" and isinstance(called.get(0), Model):
        return _trainer(called)
    if called.name in ("optimize", "minimize") and isinstance(called.get(0, "func"), Function):
        return _objective(called)
    if isinstance(owner, Loss) or called.name in ("numpy", "item"):
        return owner
    return arranging.default(called)


def _trainer(called: Called) -> Value:
    """Lightning: `trainer.fit(model, train_loader, val_loader)`."""
    given = called.get(2, "val_dataloaders")
    if isinstance(given, Data) and given.parts == {TEST}:
        called.walker.memory.validation.append((called.walker.place(called.node), given, None))
    return UNKNOWN


def _objective(called: Called) -> Value:
    """Optuna: `study.optimize(objective)`, where the objective returns a test score."""
    function = called.get(0, "func")
    assert isinstance(function, Function)
    result = functions.call(called.walker, function, [UNKNOWN], {}, called.node)
    for score in choices.scores_in(result):
        if score.parts == {TEST}:
            called.walker.report("chosen-on-test", score.place, "The search maximises this test score.")
            called.walker.memory.chosen.add(score.place)
    return UNKNOWN
