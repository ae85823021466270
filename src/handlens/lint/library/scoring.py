"""Folds, cross-validation and metrics."""

from __future__ import annotations

from dataclasses import replace

from handlens.lint import choices
from handlens.lint.library.called import Called, Handler
from handlens.lint.library.use import learnt_before, told_apart
from handlens.lint.objects import Model, Out, Splitter
from handlens.lint.values import ALL, TEST, TRAIN, UNKNOWN, Data, Map, Perm, Seq, Value

_SCORES = ("accuracy_score", "f1_score", "precision_score", "recall_score", "roc_auc_score",
    "confusion_matrix", "classification_report", "balanced_accuracy_score", "log_loss",
    "matthews_corrcoef", "fbeta_score", "cohen_kappa_score", "average_precision_score",
    "top_k_accuracy_score", "mean_squared_error", "r2_score", "mean_absolute_error", "jaccard_score",
    "zero_one_loss")  # fmt: skip


# Cuts rows as they lie unless told to shuffle.
_CONSECUTIVE = ("KFold",)


def folds(called: Called, splitter: Splitter) -> Value:
    """`for train, test in folds.split(x, y)`: row numbers."""
    if called.name != "split":
        return UNKNOWN
    data = called.get(0, "X")
    labels = called.get(1, "y")
    orders = {d.order for d in (data, labels) if isinstance(d, Data)}
    if "sorted" in orders and splitter.name in _CONSECUTIVE and not splitter.shuffle:
        called.walker.report(
            "sorted-split", called.node, f"`{splitter.name}` cuts consecutive rows unless `shuffle=True`."
        )
    number = called.walker.tick()
    return Seq([Seq([Perm((f"fold-train{number}",)), Perm((f"fold-val{number}",))])])


def splitter(called: Called) -> Value:
    shuffle = called.flag("shuffle", "Shuffle" in called.name)
    return Splitter(called.name, shuffle, "Stratified" in called.name or "Shuffle" in called.name)


def cross_validated(called: Called) -> Value:
    """`cross_val_score(model, x, y)`: whatever was fitted before has seen every fold."""
    walker = called.walker
    data = called.get(1, "X")
    labels = called.get(2, "y")
    folds_ = called.kwargs.get("cv", UNKNOWN)
    if isinstance(data, Data):
        for leak in data.leaks:
            if leak.supervised or leak.parts & {ALL} or leak.parts >= {TRAIN, TEST}:
                walker.report(
                    "fitted-before-split", leak.place, f"{leak.what} saw every fold of the cross-validation."
                )
        if data.augmented:
            walker.report("augmented-before-split", data.augmented, "The folds are cut afterwards.")
        choices.aligned(walker, data, labels, called.node)
    orders = {d.order for d in (data, labels) if isinstance(d, Data)}
    if (
        isinstance(folds_, Splitter)
        and folds_.name in _CONSECUTIVE
        and not folds_.shuffle
        and "sorted" in orders
    ):
        walker.report(
            "sorted-split", called.node, f"`{folds_.name}` cuts consecutive rows unless `shuffle=True`."
        )
    walker.memory.replicated = True
    walker.memory.validated |= {loop.number for loop in walker.loops}
    if called.name == "cross_val_predict" and isinstance(data, Data):
        return Out("labels", None, replace(data, parts=frozenset({"val"})), None)
    part = "test" if isinstance(data, Data) and data.parts == {TEST} else "val"
    model = called.get(0, "estimator")
    score = choices.measured(
        walker, frozenset({part}), called.node, model if isinstance(model, Model) else None
    )
    return (
        Map({"test_score": replace(score, parts=frozenset({"val"}))})
        if called.name == "cross_validate"
        else score
    )


def scored(called: Called) -> Value:
    """`accuracy_score(y_test, predicted)`."""
    walker = called.walker
    values = [v for v in (*called.args, *called.kwargs.values()) if isinstance(v, Data | Out)]
    out = next((v for v in values if isinstance(v, Out)), None)
    label = next((v for v in values if isinstance(v, Data)), None)
    if out is None:
        two = [v for v in values if isinstance(v, Data)]
        if len(two) == 2:
            choices.aligned(walker, two[0], two[1], called.node)
        if label is None:
            return UNKNOWN
        return choices.measured(walker, label.parts, called.node)
    if label is not None:
        choices.aligned(walker, out.data or UNKNOWN, label, called.node)
    others = [v for v in values if isinstance(v, Out) and v is not out]
    if label is None and others:
        choices.aligned(
            walker, out.data if out.data is not None else UNKNOWN, others[0].data or UNKNOWN, called.node
        )
    if out.data is not None and out.model is not None:
        learnt_before(walker, out.data, out.model, called.node, score=False)
        told_apart(walker, out.data, out.seen, called.node)
    parts = out.data.parts if out.data is not None else frozenset()
    if not parts and label is not None:
        parts = label.parts
    return choices.measured(walker, parts, called.node, out.model)


def tested(called: Called) -> Value:
    """A statistical test or interval: the claim does not rest on one number."""
    called.walker.memory.replicated = True
    return UNKNOWN


FUNCTIONS: dict[str, Handler] = {
    **dict.fromkeys(_SCORES, scored),
    **dict.fromkeys(("cross_val_score", "cross_validate", "cross_val_predict"), cross_validated),
    **dict.fromkeys(("KFold", "StratifiedKFold", "ShuffleSplit", "StratifiedShuffleSplit", "RepeatedKFold",
                     "RepeatedStratifiedKFold", "GroupKFold", "StratifiedGroupKFold", "TimeSeriesSplit",
                     "LeaveOneOut"), splitter),
    **dict.fromkeys(("ttest_rel", "ttest_ind", "wilcoxon", "mcnemar", "bootstrap", "proportion_confint",
                     "binomtest", "mannwhitneyu", "paired_ttest_5x2cv", "ttest_1samp",
    "permutation_test"), tested),
}  # fmt: skip
