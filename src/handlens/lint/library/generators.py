"""Generators, loaders and data sets that give images in batches."""

from __future__ import annotations

import ast
from dataclasses import replace

from handlens.lint import hints
from handlens.lint.library import arrays
from handlens.lint.library.called import Called, Handler
from handlens.lint.objects import Augment
from handlens.lint.values import TEST, TRAIN, UNKNOWN, VAL, Const, Data, Seq, Value


def _directory_part(called: Called) -> frozenset[str]:
    path = called.constant(0, "directory", default="")
    subset = called.constant(-1, "subset", default="")
    if subset in ("training", "validation"):
        return frozenset({TRAIN if subset == "training" else VAL})
    text = str(path).replace("\\", "/").rstrip("/").rpartition("/")[2]
    part = hints.part(text)
    if not part and called.node.args:
        part = hints.part(ast.unparse(called.node.args[0]))
    elif not part:
        part = next(
            (hints.part(ast.unparse(k.value)) for k in called.node.keywords if k.arg == "directory"), ""
        )
    return frozenset({part}) if part else frozenset()


def directory(called: Called) -> Value:
    """`image_dataset_from_directory(...)`: shuffled in every pass unless told otherwise."""
    shuffles = called.flag("shuffle", True)
    if not shuffles and called.has("validation_split"):
        called.walker.report(
            "sorted-split", called.node, "Without shuffling the files lie one class after the other."
        )
    return Data(
        _directory_part(called),
        called.walker.tick(),
        kind="dataset",
        pairs=True,
        shuffles=shuffles,
        fresh=True,
    )


def flow(called: Called, generator: Augment) -> Value:
    """`generator.flow_from_directory(...)` and `generator.flow(x, y)`: shuffled by default."""
    shuffles = called.flag("shuffle", True)
    placed = generator.random
    first = called.get(0, "x", "dataframe")
    if called.name == "flow" or called.name == "flow_from_dataframe":
        if isinstance(first, Seq) and first.items:
            first = first.items[0]
        if isinstance(first, Data):
            return replace(
                first,
                kind="generator",
                pairs=True,
                shuffles=shuffles,
                fresh=False,
                augmented=placed or first.augmented,
            )
        return Data(
            kind="generator",
            pairs=True,
            shuffles=shuffles,
            fresh=True,
            origin=called.walker.tick(),
            augmented=placed,
        )
    return Data(
        _directory_part(called),
        called.walker.tick(),
        kind="generator",
        pairs=True,
        shuffles=shuffles,
        fresh=True,
        augmented=placed,
    )


def generator(called: Called) -> Value:
    """`ImageDataGenerator(...)`: random if it turns, shifts, zooms or flips."""
    random = {
        "rotation_range",
        "width_shift_range",
        "height_shift_range",
        "shear_range",
        "zoom_range",
        "horizontal_flip",
        "vertical_flip",
        "brightness_range",
        "channel_shift_range",
    }
    given = [
        name
        for name, value in called.kwargs.items()
        if name in random and not (isinstance(value, Const) and not value.value)
    ]
    return Augment(called.walker.place(called.node) if given else None)


def loader(called: Called) -> Value:
    """`DataLoader(dataset, shuffle=True)`."""
    data = called.get(0, "dataset")
    if not isinstance(data, Data):
        name = ast.unparse(called.node.args[0]) if called.node.args else ""
        part = hints.part(name)
        data = Data(frozenset({part}) if part else frozenset(), called.walker.tick(), fresh=not part)
    shuffles = called.constant(2, "shuffle", default=False) is True or called.has("sampler")
    return replace(data, kind="loader", pairs=True, shuffles=shuffles)


def slices(called: Called) -> Value:
    """`tf.data.Dataset.from_tensor_slices((x, y))`, `TensorDataset(x, y)`."""
    value = called.get(0)
    items = value.items if isinstance(value, Seq) else called.args
    data = next((i for i in items if isinstance(i, Data)), None)
    if data is None:
        return UNKNOWN
    pairs = len([i for i in items if isinstance(i, Data)]) > 1
    return replace(data, kind="dataset", pairs=pairs, fresh=False)


def random_split(called: Called) -> Value:
    data = called.get(0)
    if not isinstance(data, Data):
        return UNKNOWN
    token = ("split", called.walker.tick())
    inner = data.parts == {TRAIN}
    lengths = called.get(1, "lengths")
    count = len(lengths.items) if isinstance(lengths, Seq) and lengths.items else 2
    if not inner and data.origin:
        called.walker.memory.split.add(data.origin)
    names = (TRAIN, VAL) if inner else (TRAIN, TEST) if count == 2 else (TRAIN, VAL, TEST)
    return Seq(
        [
            replace(
                data,
                parts=frozenset({names[min(i, len(names) - 1)]}),
                fresh=True,
                rows=(*data.rows, (*token, i)),
                cut="split",
            )
            for i in range(count)
        ]
    )


def subset(called: Called) -> Value:
    data, key = called.get(0), called.get(1)
    if not isinstance(data, Data):
        return UNKNOWN
    index = called.node.args[1] if len(called.node.args) > 1 else called.node
    return arrays.select(called.walker, data, index, key) if isinstance(index, ast.expr) else data


FUNCTIONS: dict[str, Handler] = {
    "image_dataset_from_directory": directory, "ImageDataGenerator": generator, "DataLoader": loader,
    "from_tensor_slices": slices, "TensorDataset": slices, "random_split": random_split, "Subset": subset,
}  # fmt: skip
