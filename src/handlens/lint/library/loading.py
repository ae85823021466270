"""Where data come from: files, known data sets, generators and loaders."""

from __future__ import annotations

import ast

from handlens.lint import hints
from handlens.lint.library.called import Called, Handler
from handlens.lint.objects import Augment, Model
from handlens.lint.values import ALL, TEST, TRAIN, UNKNOWN, VAL, Const, Data, Seq, Value


def _numbering(dataset: str) -> str:
    return "raw" if dataset else ""


def load_data(called: Called) -> Value:
    """`mnist.load_data()`: ((x, y) of training, (x, y) of test)."""
    dataset = hints.dataset(called.path.split(".")[-2] if "." in called.path else "")
    if not dataset and "datasets" not in called.path and called.path != "load_data":
        return UNKNOWN
    made: list[Value] = []
    for part in (TRAIN, TEST):
        origin = called.walker.tick()
        one = Data(frozenset({part}), origin, fresh=True, dataset=dataset, numbering=_numbering(dataset))
        made.append(Seq([one, one]))
    return Seq(made)


def table(called: Called) -> Value:
    """`pd.read_csv(path)`: the path says which part it is."""
    path = called.constant(0, "filepath_or_buffer", "path", default="")
    text = path if isinstance(path, str) else ""
    name = text.replace("\\", "/").rpartition("/")[2]
    dataset = hints.dataset(text) or hints.dataset(name)
    part = hints.part(name) or ALL
    return Data(
        frozenset({part}), called.walker.tick(), fresh=True, dataset=dataset, numbering=_numbering(dataset)
    )


def bundled(called: Called) -> Value:
    """scikit-learn's small sets; iris and wine lie sorted by class."""
    name = called.name.removeprefix("load_").removeprefix("fetch_")
    order = "sorted" if name in ("iris", "wine") else ""
    if name == "openml":
        name = hints.dataset(str(called.constant(0, "name", default="")))
    known = name if name in hints.LARGEST else ""
    data = Data(
        frozenset({ALL}), called.walker.tick(), order=order, dataset=known, numbering=_numbering(known)
    )
    return Seq([data, data]) if called.flag("return_X_y", False) else data


def mlxtend(called: Called) -> Value:
    """mlxtend's small sets, images and labels; they lie sorted by class."""
    dataset = hints.dataset(called.name.removesuffix("_data"))
    whole = frozenset({ALL})
    data = Data(whole, called.walker.tick(), order="sorted", dataset=dataset, numbering=_numbering(dataset))
    return Seq([data, data])


def made_up(called: Called) -> Value:
    data = Data(frozenset({ALL}), called.walker.tick(), order="shuffled")
    return Seq([data, data])


def files(called: Called) -> Value:
    """`np.load`, `np.loadtxt`: the name of the file says which part it is."""
    path = called.constant(0, "file", "fname", default="")
    name = path.replace("\\", "/").rpartition("/")[2] if isinstance(path, str) else ""
    part = hints.part(name)
    dataset = hints.dataset(name)
    return Data(
        frozenset({part or ALL}),
        called.walker.tick(),
        fresh=True,
        dataset=dataset,
        numbering=_numbering(dataset),
    )


def torchvision(called: Called) -> Value:
    """`datasets.MNIST(root, train=False)`."""
    train = called.kwargs.get("train", called.get(1))
    part = ""
    if isinstance(train, Const) and isinstance(train.value, bool):
        part = TRAIN if train.value else TEST
    split = called.constant(-1, "split", default="")
    if split in ("train", "test", "val"):
        part = str(split)
    dataset = hints.dataset(called.name)
    if called.name == "EMNIST" and split == "letters":
        dataset = "emnist-letters"
    if called.name == "ImageFolder":
        part = hints.part(str(called.constant(0, "root", default="")).rpartition("/")[2])
        part = part or (hints.part(ast.unparse(called.node.args[0])) if called.node.args else "")
    transform = called.kwargs.get("transform", UNKNOWN)
    placed = transform.random if isinstance(transform, Augment) else None
    return Data(
        frozenset({part}) if part else frozenset(),
        called.walker.tick(),
        kind="dataset",
        pairs=True,
        fresh=not part,
        dataset=dataset,
        numbering=_numbering(dataset),
        augmented=placed,
    )


def tfds(called: Called) -> Value:
    """`tfds.load("mnist", split=["train", "test"])`."""
    name = called.constant(0, "name", default="")
    dataset = hints.dataset(str(name))
    splits = called.get(1, "split")
    asked = [i.value for i in splits.items if isinstance(i, Const)] if isinstance(splits, Seq) else []
    if isinstance(splits, Const):
        asked = [splits.value]

    def one(text: str) -> Data:
        part = text.partition("[")[0]
        return Data(
            frozenset({part}) if part in ("train", "test") else frozenset({VAL}),
            called.walker.tick(),
            kind="dataset",
            pairs=True,
            fresh="[" in text,
            dataset=dataset,
            numbering=_numbering(dataset),
            cut=text if "[" in text else "",
        )

    made: list[Value] = [one(str(text)) for text in asked]
    value: Value = Seq(made) if isinstance(splits, Seq) else made[0] if made else UNKNOWN
    return Seq([value, UNKNOWN]) if called.flag("with_info", False) else value


def load(called: Called) -> Value:
    """`np.load`, `tfds.load`, `torch.jit.load`: which one is it?"""
    if called.path.startswith(("tfds", "tensorflow_datasets")):
        return tfds(called)
    if called.path.startswith(("np.", "numpy.")):
        return files(called)
    return Model("torch", "load", called.walker.tick()) if "jit" in called.path else UNKNOWN


FUNCTIONS: dict[str, Handler] = {
    "load_data": load_data, "read_csv": table, "read_parquet": table, "read_excel": table,
    "read_pickle": table, "load": load, "loadtxt": files, "genfromtxt": files, "load_iris": bundled,
    "load_wine": bundled, "mnist_data": mlxtend, "iris_data": mlxtend, "wine_data": mlxtend,
    "load_digits": bundled, "load_breast_cancer": bundled, "load_diabetes": bundled, "fetch_openml": bundled,
    "make_classification": made_up, "make_moons": made_up, "make_blobs": made_up, "make_circles": made_up,
    "MNIST": torchvision, "FashionMNIST": torchvision, "EMNIST": torchvision, "KMNIST": torchvision,
    "CIFAR10": torchvision, "CIFAR100": torchvision, "SVHN": torchvision, "ImageFolder": torchvision,
}  # fmt: skip
