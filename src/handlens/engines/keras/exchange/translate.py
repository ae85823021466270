"""One Keras layer as one of ours: which settings carry over, which must have their usual value."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from handlens.errors import SpecError
from handlens.nn import activations, initializers, layers
from handlens.nn.layers import Layer

# What changes no prediction and is nothing that our layers have.
IGNORED = {"name", "trainable", "dtype", "seed", "data_format", "synchronized", "quantization_config"}
ENDINGS = ("_initializer", "_regularizer", "_constraint")
USUAL: Mapping[str, tuple[Any, ...]] = {
    "dilation_rate": (1, [1, 1]),
    "groups": (1,),
    "noise_shape": (None,),
    "keepdims": (False,),
    "axis": (-1, [-1]),
    "rms_scaling": (False,),
    "renorm": (False,),
    "renorm_clipping": (None,),
    "renorm_momentum": (0.99,),
    "max_value": (None,),
    "threshold": (0, None),
    "lora_rank": (None,),
    "lora_alpha": (None,),
}
# They act in training only.
SILENT = frozenset({
    "ActivityRegularization", "AlphaDropout", "GaussianDropout", "GaussianNoise", "Identity",
    "RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom",
    "SpatialDropout2D",
})  # fmt: skip
OURS: dict[str, type[Layer]] = {name: kind for name, kind in layers.REGISTRY.items() if name != "Residual"}


def translated(kind: str, config: Mapping[str, Any], rank: int) -> Layer:
    """Our layer of the same name and settings.

    Args:
        kind: the Keras class.
        config: what its `get_config` says.
        rank: of its input, the batch's axis counted.

    Raises:
        SpecError: a layer or a setting that ours do not have; says which.
    """
    if kind not in OURS:
        raise SpecError(f"a layer of the kind {kind}", expected=f"one of {', '.join(OURS)}")
    found = {k: list(v) if isinstance(v, tuple) else v for k, v in config.items()}
    if kind == "ReLU" and found.get("negative_slope"):
        kind = "LeakyReLU"
    elif kind == "ReLU":
        found.pop("negative_slope", None)
    if kind in ("BatchNormalization", "LayerNormalization") and found.get("axis") in (rank - 1, [rank - 1]):
        found["axis"] = -1
    names = [f.name for f in dataclasses.fields(OURS[kind]) if f.init]
    arguments = {name: found[name] for name in names if name in found}
    _check_rest(kind, {k: v for k, v in found.items() if k not in names})
    if "activation" in arguments:
        arguments["activation"] = _activation(kind, arguments["activation"])
    if kind == "ZeroPadding2D":
        arguments["padding"] = _padding(arguments["padding"])
    for name in [n for n in names if n.endswith("_initializer")]:
        drawn = _initializer(arguments.pop(name, None))
        arguments |= {} if drawn is None else {name: drawn}
    if "l2" in names:
        arguments |= _penalties(kind, found)
    return OURS[kind](**{k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()})


def lost(config: Mapping[str, Any]) -> list[str]:
    """What the layer does in training that ours cannot."""
    kept = ("L1", "L2", "L1L2") if "kernel_regularizer" in config or "depthwise_regularizer" in config else ()
    found = []
    for name, value in config.items():
        if value is None or not name.endswith(("_regularizer", "_constraint")):
            continue
        if name in ("kernel_regularizer", "depthwise_regularizer") and _class(value) in kept:
            continue
        found.append(name)
    return found


def _check_rest(kind: str, rest: Mapping[str, Any]) -> None:
    for name, value in rest.items():
        if name == "data_format" and value not in ("channels_last", None):
            raise _refused(kind, name, value, "channels_last")
        if name in IGNORED or name.endswith(ENDINGS):
            continue
        if name not in USUAL or value not in USUAL[name]:
            raise _refused(kind, name, value, str(USUAL.get(name, ("nothing of the kind",))[0]))


def _activation(kind: str, value: Any) -> str | None:
    name = value["config"] if isinstance(value, dict) and value.get("class_name") == "function" else value
    if name is not None and name not in list(activations.REGISTRY):
        shown = _class(name) if isinstance(name, dict) else name
        raise _refused(kind, "activation", shown, f"one of {', '.join(activations.REGISTRY)}")
    return None if name == "linear" else name


def _padding(value: Any) -> tuple[int, int]:
    (top, bottom), (left, right) = value
    if top != bottom or left != right:
        raise _refused("ZeroPadding2D", "padding", value, "as much above as below, left as right")
    return top, left


def _initializer(value: Any) -> str | None:
    """Our name of it; it matters to nobody who has the weights."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", _class(value)).lower()
    return name if name in initializers.REGISTRY and name != "zeros" else None


def _penalties(kind: str, config: Mapping[str, Any]) -> dict[str, float]:
    name = "depthwise_regularizer" if kind == "DepthwiseConv2D" else "kernel_regularizer"
    value = config.get(name) or {}
    if _class(value) not in ("L1", "L2", "L1L2"):
        return {}
    return {k: float(v) for k, v in value["config"].items() if k in ("l1", "l2")}


def _class(value: Any) -> str:
    return str(value.get("class_name")) if isinstance(value, dict) else ""


def _refused(kind: str, name: str, value: Any, expected: str) -> SpecError:
    return SpecError(f"a {kind} layer with {name} = {str(value)[:80]}", expected=expected)
