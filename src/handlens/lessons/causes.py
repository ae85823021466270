"""What can be wrong with a layer, by name: what it does, and a sentence that says what to do about it."""

from __future__ import annotations

CAUSES: dict[str, tuple[str, str]] = {
    "wrong-axis": (
        "works along the wrong axis",
        "Look at the axis argument of sum or mean, and which axis holds the images",
    ),
    "missing-1/n": (
        "is not divided by the number of images",
        "Look at every place that divides by the batch size: all or none",
    ),
    "extra-1/n": (
        "is divided by the number of images once too often",
        "Divide in the loss alone, or in dW and db alone",
    ),
    "transposed-weight": (
        "has a matrix turned round",
        "Look at the .T of this product: write every shape beside it",
    ),
    "unused": (
        "does not use its parameters",
        "Use them in what forward returns: without them it learns nothing",
    ),
    "dropped-bias": ("leaves the bias out", "Look at the + b of forward"),
    "dropped-bias-gradient": (
        "the bias gets no gradient",
        "Look at db: the sum of the gradient over the images",
    ),
    "wrong-mask": (
        "takes its mask from the wrong array",
        "Look at the comparison with 0: it is about forward's input",
    ),
    "wrong-derivative": (
        "is not this function's derivative",
        "Look at the formula, and the array that it is given",
    ),
    "chain-rule": (
        "leaves out the gradient from above",
        "Multiply by the gradient that backward is given",
    ),
    "softmax-axis": (
        "takes the softmax over the wrong axis",
        "Look at the axis of max and sum: the classes, never the images",
    ),
    "overflow": (
        "overflows for large numbers",
        "Subtract the maximum before exp, or use a form whose exponent is <= 0",
    ),
    "log-zero": (
        "takes the logarithm of zero",
        "Use log softmax = z - max - log(sum(exp(z - max))), or a small epsilon",
    ),
    "in-place": (
        "changes an array that belongs to somebody else",
        "Look at x[...] =, +=, -= and *= on an argument: copy first",
    ),
    "shape": ("has the wrong shape", "Look at the shapes of the arrays in this line"),
    "sign": ("has the wrong sign", "Look at prediction minus truth, and the minus before the logarithm"),
    "labels": ("uses the labels wrongly", "Use p[np.arange(n), y] -= 1, or p - one_hot(y)"),
    "accumulated": ("adds to the last call's gradient", "Use = instead of +=, or a zero_grad()"),
    "stale": (
        "uses arrays of an earlier call",
        "Look at what forward saves for backward: it must be saved anew each time",
    ),
    "order": (
        "joins its layers wrongly",
        "Start backward at the last layer, and give each what the one after it returned",
    ),
    "updated-first": (
        "uses weights that were already updated",
        "Compute every gradient before the first update",
    ),
    "wrong-array": ("uses the wrong array", "Look at which array of forward enters this product"),
    "formula": ("is not what the formula gives", "Look at the formula of this step"),
    "scale": (
        "is a multiple of the right result",
        "Look at a constant factor: 2, 1/2, the number of classes or features",
    ),
    "dtype": (
        "computes in whole numbers",
        "Look at the dtype of the parameters, astype(int), // and integer arrays",
    ),
    "random": ("gives two answers for one input", "Look at random numbers inside forward or backward"),
    "missing": (
        "has no gradient that could be found",
        "Store it as dW, db (or grads), or return (dx, dW, db)",
    ),
    "raises": ("stops with an error", "Look at the message, and the shapes in that line"),
    "unknown": (
        "is wrong, and no known fault explains it",
        "Compare it with the numerical gradient, number by number",
    ),
}
