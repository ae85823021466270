"""Arrays and frames: cut, joined, put in another order, scaled."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from handlens.lint import choices, functions, hints
from handlens.lint.library import arranging
from handlens.lint.library.called import Called, Handler
from handlens.lint.objects import Function, Method, Out, Score
from handlens.lint.values import ALL, TRAIN, UNKNOWN, VAL, Const, Data, Leak, Perm, Ref, Seq, Stat, Value
from handlens.lint.walker import Walker

_PLAIN = {"shape", "dtype", "ndim", "size", "columns", "class_indices", "class_names", "n_classes",
    "samples", "target_names", "feature_names", "DESCR", "plot", "nbytes", "num_classes", "n",
    "batch_size"}  # fmt: skip
_LOOKS = {"describe", "info", "head", "tail", "value_counts", "unique", "nunique", "plot", "hist",
    "isnull", "isna", "corr", "groupby", "any", "all", "keys", "to_csv", "save", "item", "backward",
    "size", "dim", "numel", "index", "count", "__len__", "cardinality", "show"}  # fmt: skip
_STATS = {"mean", "std", "var", "median", "max", "min", "sum", "ptp", "quantile"}
_ROWWISE = (1, -1)
_CLASS_COLUMN = re.compile(
    r"label|class|klass|target|species|digit|letter|categor|sorte|art$|diagnos|outcome|etikett|ziel|^y$|quality",
    re.I,
)


def part_of(name: str) -> str:
    return hints.part(name)


def from_name(name: str) -> Data:
    """Data that nothing in the notebook made; `origin` 0 says that it is not known where it came from."""
    return Data(frozenset({hints.part(name)}))


def attribute(data: Data, name: str) -> Value:
    if name in _PLAIN:
        return UNKNOWN
    if name in ("loc", "iloc", "at", "str", "dt") or name in _LOOKS | _STATS:
        return Method(data, name)
    if name in ("classes", "labels", "targets", "y", "data", "imgs", "samples", "filenames"):
        return replace(data, kind="array", shuffles=False, pairs=False, fresh=False)
    if name == "dataset":
        return replace(data, shuffles=False, kind="dataset", rows=data.rows)
    if name == "index":
        return Perm(("index", data.origin, data.cut))
    if name in ("T", "values", "label", "target", "images", "np"):
        return data
    return Method(data, name)


def select(walker: Walker, data: Data, index: ast.expr, key: Value) -> Value:
    """`x[...]`: columns keep the rows; slices, masks and row numbers cut or reorder them."""
    rows = index.elts[0] if isinstance(index, ast.Tuple) and index.elts else index
    if isinstance(index, ast.Tuple) and isinstance(key, Seq) and key.items:
        key = key.items[0]
    if isinstance(rows, ast.Slice) and rows.lower is None and rows.upper is None:
        step = ast.unparse(rows.step) if rows.step is not None else ""
        if not step:
            return replace(data, fresh=False) if not data.fresh else data
        return replace(data, rows=(*data.rows, ("step", step)), order=data.order)
    if isinstance(rows, ast.Constant) and isinstance(rows.value, str | None | type(...)):
        if rows.value == "test" or rows.value == "train":  # Hugging Face and tfds: data["test"]
            return replace(data, parts=frozenset({rows.value}), fresh=False)
        return data
    if isinstance(key, Const) and isinstance(key.value, str):
        return data
    if isinstance(key, Seq) and (not key.items or all(isinstance(i, Const) for i in key.items)):
        return data
    if isinstance(key, Ref) and key.name in ("newaxis",):
        return data
    if isinstance(key, Perm):
        return _reordered(walker, data, key)
    if isinstance(key, Data) and key.kind == "mask":
        return replace(data, cut=f"mask {ast.unparse(rows)}", fresh=True, one_class=key.one_class)
    if isinstance(key, Const) and isinstance(key.value, int):
        return replace(data, cut=ast.unparse(rows), fresh=False)
    cut = ast.unparse(rows)
    return replace(data, cut=f"{data.cut}[{cut}]", fresh=True)


def _reordered(walker: Walker, data: Data, key: Perm) -> Data:
    text = str(key.key)
    if "fold-" in text:
        for leak in data.leaks:
            if leak.supervised or ALL in leak.parts:
                walker.report("fitted-before-split", leak.place, f"{leak.what} saw every fold.")
        part = VAL if "fold-val" in text else TRAIN
        return replace(data, parts=frozenset({part}), kind="fold", cut="fold", rows=(*data.rows, key.key))
    order = "sorted" if key.sorts else "shuffled" if "perm" in text else data.order
    sliced = "Slice" in text
    return replace(
        data,
        rows=(*data.rows, key.key),
        order=order,
        fresh=sliced or "perm" not in text,
        cut=text if sliced else data.cut,
    )


def method(called: Called, data: Data) -> Value:
    """Methods of arrays, frames, tensors and pipelines."""
    name = called.name
    if name in _LOOKS:
        return UNKNOWN
    if name in _STATS:
        return _statistic(called, data)
    if name in ("sort_values", "sort"):
        by = called.constant(0, "by", default="")
        by_class = bool(_CLASS_COLUMN.search(str(by)))  # sorted by date is another thing
        return replace(
            data, order="sorted" if by_class else data.order, rows=(*data.rows, ("sorted", str(by)))
        )
    if name == "sample" or name == "shuffle":
        return arranging.shuffled(called, data)
    if name in ("drop", "pop", "get", "filter", "dropna"):
        rows = called.get(0, "index", "labels")
        if isinstance(rows, Perm):
            return replace(data, fresh=True, cut="rest")
        return data
    if name in ("take", "skip"):
        return replace(data, fresh=True, cut=f"{name}{ast.unparse(called.node)[-12:]}")
    if name == "cache":
        return replace(data, shuffles=False)
    if name in ("map", "apply", "replace"):
        return _mapped(called, data)
    if name == "fillna":
        return _filled(called, data)
    if name == "append":
        return arranging.joined(
            Called(called.walker, called.node, name, name, [data, *called.args], called.kwargs)
        )
    if name in ("eq", "ne"):
        return replace(data, kind="mask")
    if name == "argsort":
        return Perm(("sort", called.walker.tick()), sorts=True)
    return data


def _mapped(called: Called, data: Data) -> Value:
    function = called.get(0)
    if data.kind in ("loader", "dataset", "generator") and isinstance(function, Function):
        before = called.walker.memory.thawed
        one = replace(data, kind="array", pairs=False, fresh=False)
        result = functions.call(called.walker, function, [one, one], {}, called.node)
        called.walker.memory.thawed = before
        items = result.items if isinstance(result, Seq) else [result]
        placed = next((i.augmented for i in items if isinstance(i, Data) and i.augmented), None)
        return replace(data, augmented=placed or data.augmented)
    if data.dataset and data.numbering == "raw":
        return replace(data, numbering="changed")
    return data


def _filled(called: Called, data: Data) -> Value:
    value = called.get(0, "value")
    if isinstance(value, Stat) and not value.data.is_part(TRAIN):
        leak = Leak(
            "the filled-in mean", value.data.parts, called.walker.place(called.node), origin=data.origin
        )
        return replace(data, leaks=data.leaks | {leak})
    return data


def _statistic(called: Called, data: Data) -> Value:
    axis = called.constant(0 if called.path == called.name else 1, "axis", "dim")
    rowwise = axis in _ROWWISE and axis is not None and not isinstance(axis, bool)
    if rowwise or (
        isinstance(called.get(0, "axis", "dim"), Seq) and _skips_rows(called.get(0, "axis", "dim"))
    ):
        return UNKNOWN
    if called.name == "max" and data.kind == "loader":
        return UNKNOWN
    if data.kind == "mask":
        return UNKNOWN
    return Stat(data, "axis0" if axis == 0 and called.name in ("min", "max") else called.name)


def _skips_rows(axes: Value) -> bool:
    return isinstance(axes, Seq) and all(not isinstance(i, Const) or i.value != 0 for i in axes.items)


def statistic(called: Called) -> Value:
    """`np.mean(predictions == y)` is a score, `np.mean(x)` a statistic."""
    value = called.get(0)
    if isinstance(value, Data):
        return _statistic(called, value)
    found = choices.scores_in(value)
    if called.name == "std" and found:
        called.walker.memory.replicated = True
    if isinstance(value, Out) and called.name == "max":
        return Seq([value, replace(value, labels=True, last="labels")])
    return found[0] if found else UNKNOWN


def unique(called: Called) -> Value:
    """`np.unique(y, return_inverse=True)`: labels without gaps."""
    value = called.get(0)
    if isinstance(value, Data) and (called.flag("return_inverse", False) or called.name == "factorize"):
        changed = replace(value, numbering="contiguous" if value.dataset else value.numbering)
        return Seq([UNKNOWN, changed] if called.name == "unique" else [changed, UNKNOWN])
    return UNKNOWN


def where(called: Called) -> Value:
    if len(called.args) < 3:
        return Perm(("where", ast.unparse(called.node)))
    data = called.data
    value = next((v for v in called.args[1:] if isinstance(v, Data)), None)
    if value is not None and value.dataset and value.numbering == "raw" and len(data) > 1:
        return replace(value, numbering="contiguous")
    return value or next((v for v in called.args if isinstance(v, Score | Out)), UNKNOWN)


def quiet(_: Called) -> Value:
    return UNKNOWN


def summed(called: Called) -> Value:
    found = choices.scores_in(called.get(0))
    return found[0] if found else arranging.default(called)


FUNCTIONS: dict[str, Handler] = {
    "mean": statistic, "std": statistic, "var": statistic, "median": statistic, "average": statistic,
    "unique": unique, "factorize": unique, "where": where, "shape": quiet, "bincount": quiet, "imshow": quiet,
    "sum": summed,
}  # fmt: skip
