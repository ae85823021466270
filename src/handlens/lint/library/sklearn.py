"""scikit-learn: estimators, transformers, folds, scores."""

from __future__ import annotations

import ast
from dataclasses import replace

from handlens.lint import choices
from handlens.lint.library import keras
from handlens.lint.library.called import Called, Handler
from handlens.lint.library.use import learnt_before, trained_on
from handlens.lint.objects import Fit, Model, Out, Transformer
from handlens.lint.values import TEST, UNKNOWN, Data, Leak, Seq, Value

MOST_STEPS = 500
# What learns from the rows it is fitted on; the second group looks at the labels too.
_LEARNS = {"StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "PowerTransformer",
    "QuantileTransformer", "PCA", "IncrementalPCA", "KernelPCA", "SparsePCA", "TruncatedSVD", "FastICA",
    "NMF", "FactorAnalysis", "VarianceThreshold", "SimpleImputer", "Imputer", "KNNImputer",
    "IterativeImputer", "KBinsDiscretizer", "TfidfVectorizer", "Normalization", "UMAP"}  # fmt: skip
_SUPERVISED = {"SelectKBest", "SelectPercentile", "SelectFdr", "SelectFpr", "RFE", "RFECV",
    "SelectFromModel", "SMOTE", "ADASYN", "BorderlineSMOTE", "SVMSMOTE", "KMeansSMOTE",
    "RandomOverSampler", "SMOTETomek", "SMOTEENN", "TargetEncoder", "SequentialFeatureSelector",
    "LinearDiscriminantAnalysis"}  # fmt: skip
_RENUMBERS = {"LabelEncoder", "LabelBinarizer", "OrdinalEncoder"}
_HARMLESS = _RENUMBERS | {"OneHotEncoder", "Normalizer", "Binarizer", "PolynomialFeatures",
    "FunctionTransformer", "TSNE", "MultiLabelBinarizer"}  # fmt: skip
_ESTIMATORS = ("Classifier", "Regressor", "Regression", "SVC", "NB", "SVR", "Ridge", "Lasso", "CV",
    "Discriminant", "Estimator", "Perceptron", "NuSVC")  # fmt: skip
SEEDED = ("Forest", "MLP", "ExtraTrees", "Boost", "SGD", "Tree", "XGB", "LGBM", "Bagging")
_SEARCHES = {
    "GridSearchCV",
    "RandomizedSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "BayesSearchCV",
}


def estimator(called: Called) -> Value:
    inside = next((v for v in (*called.args, *called.kwargs.values()) if isinstance(v, Model)), None)
    model = Model("sklearn", called.name, called.walker.tick(), loops=_loops(called))
    if inside is not None:
        model.settings |= inside.settings
        model.seeded |= inside.seeded
    if called.has("early_stopping_rounds"):
        model.attributes["early_stopping_rounds"] = called.kwargs["early_stopping_rounds"]
    called.walker.memory.models.append(model)
    return model


def _loops(called: Called) -> tuple[int, ...]:
    return tuple(loop.number for loop in called.walker.loops)


def transformer(called: Called) -> Value:
    return Transformer(called.name, called.name in _SUPERVISED, called.name in _HARMLESS)


def pipeline(called: Called) -> Value:
    """A pipeline is a model if one is inside; what it scales it scales inside every fold."""
    model = Model("sklearn", called.name, called.walker.tick(), loops=_loops(called))

    waiting: list[Value] = [*called.args, *called.kwargs.values()]
    for value in waiting:
        if isinstance(value, Seq) and len(waiting) < MOST_STEPS:
            waiting.extend(value.items)
        elif isinstance(value, Model | Transformer):
            model.steps.append(value)
            if isinstance(value, Model):
                model.settings |= value.settings
                model.seeded |= value.seeded
    if model.steps and all(isinstance(step, Transformer) for step in model.steps):
        steps = [step for step in model.steps if isinstance(step, Transformer)]
        return Transformer(called.name, any(s.supervised for s in steps), all(s.harmless for s in steps))
    called.walker.memory.models.append(model)
    return model


def transformer_method(called: Called, owner: Transformer) -> Value:
    data = called.get(0, "X", "y", "data", "raw_documents")
    if isinstance(data, Seq) and data.items and isinstance(data.items[0], Data):
        data = data.items[0]
    name = called.name
    if name in ("fit", "fit_transform", "fit_resample", "fit_sample", "adapt", "partial_fit"):
        if isinstance(data, Data) and not owner.harmless and (data.learnt_from or not data.sliced):
            owner.fitted = data
            owner.leak = Leak(
                f"`{owner.name}`",
                data.learnt_from,
                called.walker.place(called.node),
                owner.supervised,
                data.origin,
            )
        if name in ("fit", "adapt", "partial_fit"):
            return owner
    if name in ("fit_resample", "fit_sample"):
        made = [_through(owner, v) for v in called.args]
        return Seq(made)
    if name in ("transform", "fit_transform", "__call__"):
        return _through(owner, data)
    if name == "inverse_transform":
        if isinstance(data, Data) and owner.name in _RENUMBERS:
            return replace(data, numbering="raw")
        if isinstance(data, Out) and owner.name in _RENUMBERS:
            return replace(data, numbering=data.numbering.replace("contiguous", "raw"))
        return data
    return owner if name in ("set_params", "set_output") else UNKNOWN


def _through(owner: Transformer, data: Value) -> Value:
    if not isinstance(data, Data):
        return data if isinstance(data, Out) else UNKNOWN
    if owner.name in _RENUMBERS and data.dataset:
        return replace(data, numbering="contiguous", fresh=False)
    if owner.leak is None or owner.harmless:
        return replace(data, fresh=data.fresh)
    return replace(data, leaks=data.leaks | {owner.leak})


def model_method(called: Called, model: Model) -> Value:
    name = called.name
    if name in ("fit", "partial_fit", "fit_predict", "fit_transform"):
        return _fit(called, model)
    if name in ("predict", "predict_proba", "decision_function", "predict_log_proba"):
        data = called.get(0, "X")
        if isinstance(data, Data):
            learnt_before(called.walker, data, model, called.node, score=False)
            last = "labels" if name == "predict" else "softmax"
            return Out(last, None, data, model, _numbers(model), name == "predict", seen=model.trained)
        return Out("labels", None, None, model, _numbers(model))
    if name == "score":
        data = called.get(0, "X")
        if not isinstance(data, Data):
            return UNKNOWN
        choices.aligned(called.walker, data, called.get(1, "y"), called.node)
        learnt_before(called.walker, data, model, called.node)
        return choices.measured(called.walker, data.parts, called.node, model)
    if name == "set_params":
        model.settings |= called.walker.mentioned(called.node)
        return model
    if name in ("compile", "add", "evaluate"):
        return keras.model_method(called, model)
    return UNKNOWN


def _numbers(model: Model) -> str:
    last = model.fits[-1].data if model.fits else UNKNOWN
    return f"{last.dataset}/{last.numbering}" if isinstance(last, Data) else ""


def _fit(called: Called, model: Model) -> Value:
    x, y = called.get(0, "X", "x"), called.get(1, "y")
    choices.aligned(called.walker, x, y, called.node)
    watched = called.kwargs.get("eval_set", UNKNOWN)
    sets = watched.items if isinstance(watched, Seq) else []
    for item in sets:
        first = item.items[0] if isinstance(item, Seq) and item.items else item
        stops = (
            "early_stopping_rounds" in {*called.kwargs, *model.attributes}
            or called.has("callbacks")
            or "early_stopping" in ast.dump(called.node)
        )
        if isinstance(first, Data) and first.parts == {TEST} and len(sets) == 1 and stops:
            called.walker.report("test-as-validation", called.node, "`eval_set` holds the test images.")
    if isinstance(x, Data):
        trained_on(called.walker, model, x)
    label = y if isinstance(y, Data) else x
    model.fits.append(
        Fit(called.walker.tick(), 0, called.walker.place(called.node), label, loops=_loops(called))
    )
    return model


def scaled(called: Called) -> Value:
    """`preprocessing.scale(x)`: fitted and applied at once."""
    return transformer_method(replace(called, name="fit_transform"), Transformer(called.name))


def dummies(called: Called) -> Value:
    """`pd.get_dummies(labels)`: one column for each label that occurs, so gaps are closed."""
    data = called.get(0)
    if isinstance(data, Data) and data.dataset:
        return replace(data, numbering="contiguous")
    return data


def column_transformer(called: Called) -> Value:
    return Transformer(called.name)


FUNCTIONS: dict[str, Handler] = {
    **dict.fromkeys(_LEARNS | _SUPERVISED | _HARMLESS, transformer),
    **dict.fromkeys(_SEARCHES, estimator),
    **dict.fromkeys(("scale", "minmax_scale", "maxabs_scale", "robust_scale", "quantile_transform",
                     "power_transform"), scaled),
    "Pipeline": pipeline, "make_pipeline": pipeline, "ColumnTransformer": column_transformer,
    "make_column_transformer": column_transformer, "get_dummies": dummies, "clone": estimator,
    "VotingClassifier": pipeline, "StackingClassifier": pipeline, "SVC": estimator, "LinearSVC": estimator,
}  # fmt: skip


def is_estimator(name: str) -> bool:
    return name[:1].isupper() and name.endswith(_ESTIMATORS)
