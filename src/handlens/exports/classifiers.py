"""scikit-learn's classifiers that are no network, in ONNX's operators: trees, neighbours, support vectors.

Written here because what they decide by must be kept to the last bit: a pixel that equals a threshold, or two
neighbours at almost the same distance, fall the other way where numbers are rounded to 32 bits carelessly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlens.data.prepare import Preparation
from handlens.engines.classic import ClassicModel
from handlens.engines.scratch import ScratchModel
from handlens.errors import SpecError
from handlens.exports.doubles import double, exactly, in_double, smallest
from handlens.exports.linear import POSSIBLE, refused, unwrapped
from handlens.exports.networks import as_network
from handlens.exports.trees import boosting, forest
from handlens.nn.onnx import IR_VERSION, MOST_BYTES, OPSET
from handlens.nn.onnx_graph import Graph

ML_OPSET = 3  # of ai.onnx.ml, as old as opset 17
ALL = (
    f"{POSSIBLE}, forest or another tree, gradient-boosting, knn (uniform weights, euclidean), or an rbf-svm "
    "without probability=True"
)


def form(model: ClassicModel, shape: tuple[int, int, int]) -> ClassicModel | ScratchModel:
    """The classifier itself where `to_model` has operators for it; else the network that it is.

    Raises:
        SpecError: it is neither.
    """
    try:
        estimator, _ = unwrapped(model.estimator)
        return model if _operators(estimator) else as_network(model, shape)
    except SpecError:
        raise not_possible(model.estimator) from None


def to_model(model: ClassicModel, shape: tuple[int, int, int], input_type: str) -> bytes:
    """The classifier as the bytes of an ONNX file without metadata.

    Args:
        shape: height, width and channels of an image.

    Raises:
        SpecError: settings that have no form here; too large for one file.
        MissingExtra: the package onnx is not installed.
    """
    graph = Graph()
    estimator, temperature = unwrapped(model.estimator)
    operators = _operators(estimator)
    if operators is None:
        raise not_possible(estimator)
    probabilities = operators(graph, _rows(graph, model.preparation, shape), estimator, temperature)
    present = np.asarray(estimator.classes_)
    if len(present) < model.k:  # a class without training images has probability 0
        places = graph.constant("places", np.eye(model.k)[present])
        probabilities = graph.node("MatMul", probabilities, places)
    graph.node("Identity", probabilities, output="probabilities")
    return _file(graph, shape, model.k, input_type)


def not_possible(estimator: Any) -> SpecError:
    """The error of a classifier that has no operators here."""
    return refused(estimator, ALL, remedy="")


def _operators(estimator: Any) -> Any:
    """What writes the nodes of such a classifier, whatever its settings; None where there is nothing."""
    from sklearn import ensemble, neighbors, svm, tree

    forms: dict[type, Any] = {
        ensemble.RandomForestClassifier: forest,
        ensemble.ExtraTreesClassifier: forest,
        tree.DecisionTreeClassifier: forest,
        tree.ExtraTreeClassifier: forest,
        ensemble.HistGradientBoostingClassifier: boosting,
        neighbors.KNeighborsClassifier: neighbours,
        svm.SVC: support_vectors,
    }
    return forms.get(type(estimator))


def _rows(graph: Graph, preparation: Preparation, shape: tuple[int, int, int]) -> str:
    """`(images - offset) * scale` in float32, a row an image, rounded as `Preparation.apply` rounds."""
    x = graph.node("Cast", "images", to=graph.FLOAT)
    if preparation.offset.any():
        x = graph.node("Sub", x, graph.constant("offset", preparation.offset))
    if (preparation.scale != 1).any():
        x = graph.node("Mul", x, graph.constant("scale", preparation.scale))
    features = int(np.prod(shape))
    return graph.node("Reshape", x, graph.constant("rows", np.array([-1, features])))


def neighbours(graph: Graph, rows: str, estimator: Any, _temperature: float | None) -> str:
    """The share of each class among the nearest training images; distances in double precision.

    `|x - y|^2 - |x|^2 = |y|^2 - 2 x y` ranks the training images y as the distance to x does.
    """
    if estimator.weights != "uniform" or estimator.effective_metric_ != "euclidean":
        raise not_possible(estimator)
    known = np.asarray(estimator._fit_X, np.float64)
    squares = double(graph, "squares", np.square(known).sum(axis=1))
    products = graph.node("MatMul", in_double(graph, rows), exactly(graph, "known", -2 * known.T))
    distances = graph.node("Add", products, squares)
    nearest = smallest(graph, distances, estimator.n_neighbors)
    labels = graph.node("Gather", graph.constant("labels", np.asarray(estimator._y, np.int64)), nearest)
    depth = graph.constant("depth", np.array(len(estimator.classes_)))
    votes = graph.node("OneHot", labels, depth, graph.constant("off_on", np.array([0.0, 1.0])), axis=-1)
    return graph.node("ReduceMean", votes, axes=[1], keepdims=0)


def support_vectors(graph: Graph, rows: str, estimator: Any, temperature: float | None) -> str:
    """A softmax of the one-against-rest decision values, times what was fitted on validation images.

    Every pair of classes i < j has `d_ij = sum of coefficient * exp(-gamma |x - s|^2) + intercept`, a vote
    for i where it is not below zero, for j otherwise. A class's value is its votes and a third at most of its
    summed d, `s / (3 (|s| + 1))`, as in scikit-learn's `_ovr_decision_function`. In double precision, since
    votes are steps.
    """
    k = len(estimator.classes_)
    if estimator.kernel != "rbf" or temperature is None or estimator.decision_function_shape != "ovr":
        raise not_possible(estimator)
    known = np.asarray(estimator.support_vectors_, np.float64)
    x = in_double(graph, rows)
    squares = graph.node("ReduceSum", graph.node("Mul", x, x), graph.constant("axis", np.array([1])))
    distances = graph.node("MatMul", x, exactly(graph, "vectors", -2 * known.T))
    distances = graph.node("Add", distances, squares)
    distances = graph.node("Add", distances, double(graph, "squares", np.square(known).sum(axis=1)))
    kernel = graph.node("Exp", graph.node("Mul", distances, double(graph, "gamma", -estimator._gamma)))
    coefficients, first, second = _pairs(estimator, k)
    decisions = graph.node("MatMul", kernel, double(graph, "coefficients", coefficients))
    decisions = graph.node("Add", decisions, double(graph, "intercepts", estimator.intercept_))
    if k == 2:
        values = graph.node("MatMul", decisions, double(graph, "signs", np.array([[-1.0, 1.0]])))
    else:
        values = _votes(graph, decisions, first, second)
    logits = graph.node("Mul", values, double(graph, "temperature", temperature))
    return graph.node("Cast", graph.node("Softmax", logits, axis=1), to=graph.FLOAT)


def _pairs(estimator: Any, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """libsvm's coefficients [vectors, pairs], and which class comes first and second [pairs, k]."""
    owner = np.repeat(np.arange(k), estimator.n_support_)
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    matrix = np.zeros((len(owner), len(pairs)))
    dual = np.asarray(estimator.dual_coef_)
    for column, (i, j) in enumerate(pairs):
        matrix[owner == i, column] = dual[j - 1, owner == i]
        matrix[owner == j, column] = dual[i, owner == j]
    first, second = (np.eye(k)[[pair[side] for pair in pairs]] for side in (0, 1))
    return matrix, first, second


def _votes(graph: Graph, decisions: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> str:
    """Votes and summed confidence of each class."""
    for_second = graph.node("Less", decisions, double(graph, "zero", 0.0))
    for_second = graph.node("Cast", for_second, to=graph.onnx.TensorProto.DOUBLE)
    # v second + (1 - v) first
    votes = graph.node("MatMul", for_second, double(graph, "swing", second - first))
    votes = graph.node("Add", votes, double(graph, "votes", first.sum(axis=0)))
    total = graph.node("MatMul", decisions, double(graph, "sides", first - second))
    size = graph.node("Add", graph.node("Abs", total), double(graph, "one", 1.0))
    share = graph.node("Div", total, graph.node("Mul", size, double(graph, "three", 3.0)))
    return graph.node("Add", votes, share)


def _file(graph: Graph, shape: tuple[int, int, int], k: int, input_type: str) -> bytes:
    helper, kinds = graph.onnx.helper, graph.onnx.TensorProto
    kind = kinds.UINT8 if input_type == "uint8" else kinds.FLOAT
    images = helper.make_tensor_value_info("images", kind, ["n", *shape])
    answer = helper.make_tensor_value_info("probabilities", kinds.FLOAT, ["n", k])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "handlens", [images], [answer], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        ir_version=IR_VERSION,
        producer_name="handlens",
    )
    if model.ByteSize() > MOST_BYTES:
        raise SpecError("the model is too large for one file", where="export", expected="less than 2 GiB")
    return bytes(model.SerializeToString(deterministic=True))
