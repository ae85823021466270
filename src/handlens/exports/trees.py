"""Decision trees in the operators of ONNX (ai.onnx.ml)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.exports.linear import refused
from handlens.nn.onnx_graph import Graph


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree of m nodes, node 0 the root; an image goes left where its feature is `<= threshold`.

    Attributes:
        feature, left, right: int64 [m], meaningless in leaves.
        threshold: float64 [m].
        leaf: bool [m].
        values: float64 [m, outputs], of leaves.
        first: the output that the first column of values adds to.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    leaf: NDArray[np.bool_]
    values: NDArray[np.float64]
    first: int = 0


def forest(graph: Graph, rows: str, estimator: Any, _temperature: float | None) -> str:
    """The mean of the trees' shares of classes."""
    members = getattr(estimator, "estimators_", [estimator])
    trees = []
    for tree in (member.tree_ for member in members):
        leaf = tree.children_left < 0
        shares = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
        left, right = tree.children_left, tree.children_right
        trees.append(Tree(tree.feature, tree.threshold, left, right, leaf, shares / len(members)))
    return ensemble(graph, rows, trees, np.zeros(len(estimator.classes_)))


def boosting(graph: Graph, rows: str, estimator: Any, _temperature: float | None) -> str:
    """A softmax of the trees' sums; of two classes, one sum and nothing."""
    if estimator.is_categorical_ is not None and any(estimator.is_categorical_):
        raise refused(estimator)
    base = np.asarray(estimator._baseline_prediction, np.float64).ravel()
    binary = len(base) == 1
    trees = [
        _boosted(predictor.nodes, k + binary)
        for iteration in estimator._predictors
        for k, predictor in enumerate(iteration)
    ]
    sums = ensemble(graph, rows, trees, np.append(0.0, base) if binary else base)
    return graph.node("Softmax", sums, axis=1)


def _boosted(nodes: Any, output: int) -> Tree:
    return Tree(
        nodes["feature_idx"].astype(np.int64),
        nodes["num_threshold"],
        nodes["left"].astype(np.int64),
        nodes["right"].astype(np.int64),
        nodes["is_leaf"].astype(bool),
        nodes["value"][:, None],
        output,
    )


def ensemble(graph: Graph, rows: str, trees: Iterable[Tree], base: NDArray[np.float64]) -> str:
    """The sum of all trees' leaves and `base`, float32 [n, outputs]."""
    nodes: dict[str, list[Any]] = {
        key: []
        for key in ("treeids", "nodeids", "featureids", "values", "truenodeids", "falsenodeids", "modes")
    }
    targets: dict[str, list[Any]] = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    for number, tree in enumerate(trees):
        count = len(tree.leaf)
        nodes["treeids"] += [number] * count
        nodes["nodeids"] += range(count)
        nodes["featureids"] += np.where(tree.leaf, 0, tree.feature).tolist()
        nodes["values"] += np.where(tree.leaf, 0, at_most(tree.threshold)).tolist()
        nodes["truenodeids"] += np.where(tree.leaf, 0, tree.left).tolist()
        nodes["falsenodeids"] += np.where(tree.leaf, 0, tree.right).tolist()
        nodes["modes"] += np.where(tree.leaf, "LEAF", "BRANCH_LEQ").tolist()
        # Every leaf needs a number, be it zero; the other zeros need no place in the file.
        wanted = tree.leaf[:, None] & ((tree.values != 0) | (np.arange(tree.values.shape[1]) == 0))
        node, output = np.nonzero(wanted)
        targets["treeids"] += [number] * len(node)
        targets["nodeids"] += node.tolist()
        targets["ids"] += (output + tree.first).tolist()
        targets["weights"] += tree.values[node, output].tolist()
    attributes: dict[str, Any] = {f"nodes_{key}": values for key, values in nodes.items()}
    attributes |= {f"target_{key}": values for key, values in targets.items()}
    attributes |= {"domain": "ai.onnx.ml", "n_targets": len(base), "base_values": base.tolist()}
    return graph.node("TreeEnsembleRegressor", rows, **attributes)


def at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 that is no larger: a float32 is `<=` the one exactly where it is `<=` the other."""
    short = thresholds.astype(np.float32)
    return np.where(short > thresholds, np.nextafter(short, np.float32(-np.inf)), short)
