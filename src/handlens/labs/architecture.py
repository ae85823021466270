"""Networks in the labs' own short words: `Conv 6@5×5 relu → MaxPool 2 → 120 relu`."""

from __future__ import annotations

from handlens.spec import (
    AveragePooling2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPooling2D,
    NetworkRecipe,
    ZeroPadding2D,
    to_text,
)

PREPARED = {
    "unit": "",
    "standardize": "pixels minus their one mean over their one deviation",
    "standardize-pixels": "each pixel standardised",
}


def described(recipe: NetworkRecipe) -> str:
    """Layers without the head, batch, epochs, and what else is not Keras's default."""
    said = [
        " → ".join(text for text in map(short, recipe.layers) if text),
        f"batch {recipe.batch_size}",
        f"{recipe.epochs} epochs",
        "gradient summed" if recipe.reduction == "sum" else "",
        PREPARED[recipe.prepare],
    ]
    return ", ".join(text for text in said if text)


def short(layer: Layer) -> str:
    """A layer as the labs write it; nothing for `Flatten`."""
    if isinstance(layer, Flatten):
        return ""
    if isinstance(layer, Dense):
        return f"{layer.units}{_more(layer)}"
    if isinstance(layer, Conv2D):
        size = layer.kernel_size if isinstance(layer.kernel_size, tuple) else (layer.kernel_size,) * 2
        return f"Conv {layer.filters}@{size[0]}×{size[1]}{_more(layer)}"
    if isinstance(layer, MaxPooling2D):
        return f"MaxPool {layer.pool_size}"
    if isinstance(layer, AveragePooling2D):
        return f"AveragePool {layer.pool_size}"
    if isinstance(layer, ZeroPadding2D):
        return f"ZeroPadding {layer.padding}"
    return f"Dropout {layer.rate}" if isinstance(layer, Dropout) else to_text(layer).removesuffix("()")


def _more(layer: Dense | Conv2D) -> str:
    said = "" if layer.activation == "linear" else f" {layer.activation}"
    return said + (f" L2 {layer.l2:g}" if layer.l2 else "")
