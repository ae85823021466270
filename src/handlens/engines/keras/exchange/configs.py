"""What a `.keras` file may ask Keras to build: layers of Keras's own that compute from numbers alone.

Keras's safe mode refuses lambdas. Other classes load code or read files and addresses that the file names
(`TFSMLayer`, `TorchModuleWrapper`, `StringLookup`), and any function in Keras's reach may stand where an
activation is expected (CVE-2025-1550, CVE-2025-8747, CVE-2025-9906, CVE-2025-12058). So this is a list of
what is let in, by module and class; whatever is not on it is refused before Keras sees the file.
"""

from __future__ import annotations

import json
from typing import Any

from handlens.errors import StoreError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LARGEST = 16 * 2**20  # bytes of a description
DEEPEST = 100  # brackets within brackets
MOST_OBJECTS, MOST_LAYERS = 40_000, 2_000

LAYERS = _words(
    """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D Add AdditiveAttention AlphaDropout Attention Average
    AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional CenterCrop
    Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D
    Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU EinsumDense
    Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GroupNormalization GroupQueryAttention Identity InputLayer LSTM LSTMCell LayerNormalization LeakyReLU
    Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention Multiply
    Normalization PReLU Permute RMSNormalization RNN RandomBrightness RandomContrast RandomCrop RandomFlip
    RandomRotation RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
    SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D
    SpatialDropout3D SpectralNormalization StackedRNNCells Subtract TimeDistributed UnitNormalization
    UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
    """
)
MODELS = [
    ("keras", "Sequential"),
    ("keras.models", "Sequential"),
    ("keras.src.models.functional", "Functional"),
]
ALLOWED: dict[str, frozenset[str]] = {
    "keras": frozenset({"Sequential", "DTypePolicy"}),
    "keras.models": frozenset({"Sequential"}),
    "keras.src.models.functional": frozenset({"Functional"}),
    "keras.dtype_policies": frozenset({"DTypePolicy"}),
    "keras.layers": LAYERS,
    "keras.initializers": _words(
        """
        Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal
        LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal
        VarianceScaling Zeros
        """
    ),
    "keras.regularizers": frozenset({"L1", "L2", "L1L2", "OrthogonalRegularizer"}),
    "keras.constraints": frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"}),
    "keras.random": frozenset({"SeedGenerator"}),
    # What `x / 255` or `x + y` leave in a functional model.
    "keras.src.ops.numpy": _words(
        """
        Absolute Add Clip Concatenate Divide Exp GetItem Log Max Maximum Mean Min Minimum Multiply
        Negative Reshape Sqrt Square Squeeze Subtract Sum Tanh Transpose TrueDivide
        """
    ),
    "keras.src.ops.nn": frozenset(
        {"Elu", "Gelu", "LeakyRelu", "Relu", "Sigmoid", "Silu", "Softmax", "Softplus"}
    ),
}
ACTIVATIONS = _words(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu
    linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign
    sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
    """
)
FUNCTIONS = ("keras.activations", "keras.ops")  # modules that an activation may be of
DATA = {"__keras_tensor__", "__numpy__", "__tensor__", "__slice__", "__ellipsis__"}
NUMBERS = ("bool", "bfloat16", "float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64")
KEYS = {"module", "class_name", "config", "registered_name", "build_config", "shared_object_id", "name",
        "inbound_nodes"}  # fmt: skip


def checked(text: bytes) -> dict[str, Any]:
    """The description without what only training needs (`compile_config`).

    Raises:
        StoreError: no JSON, too deep, too long, or with anything that is not on the list; says what.
    """
    if len(text) > LARGEST:
        raise StoreError(f"its description is {len(text):,} bytes long", expected=f"at most {LARGEST:,}")
    try:
        found = json.loads(text.decode("utf-8"))
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise StoreError(f"its config.json is no JSON ({error})", expected="what Keras writes") from None
    if not isinstance(found, dict) or (found.get("module"), found.get("class_name")) not in MODELS:
        raise _foreign(found if isinstance(found, dict) else {})
    cleaned: dict[str, Any] = _Walk().through(found, 0)
    return cleaned


class _Walk:
    """Through all that a description holds."""

    def __init__(self) -> None:
        self.objects = self.layers = 0

    def through(self, value: Any, depth: int) -> Any:
        if depth > DEEPEST:
            raise _too_deep()
        if isinstance(value, list):
            return [self.through(v, depth + 1) for v in value]
        if not isinstance(value, dict):
            return value
        kept = {k: v for k, v in value.items() if k != "compile_config"}
        if "class_name" in kept:
            self._check(kept)
        return {k: self.through(v, depth + 1) for k, v in kept.items()}

    def _check(self, found: dict[str, Any]) -> None:
        self.objects += 1
        self.layers += found.get("module") == "keras.layers"
        if self.objects > MOST_OBJECTS or self.layers > MOST_LAYERS:
            raise StoreError("it describes too many layers", expected=f"at most {MOST_LAYERS:,}")
        name, module, inner = found["class_name"], found.get("module"), found.get("config")
        if isinstance(name, str) and name in DATA:
            _check_data(found)
            return
        if set(found) - KEYS or not {"module", "class_name", "config"} <= set(found):
            raise _foreign(found)
        if name == "function":
            good = module in FUNCTIONS and isinstance(inner, str) and inner in ACTIVATIONS
            name = inner
        else:
            good = isinstance(module, str) and isinstance(name, str) and name in ALLOWED.get(module, ())
        # Keras looks for a registered class first.
        if not good or found.get("registered_name") not in (None, name):
            raise _foreign(found)
        nodes = found.get("inbound_nodes")
        for node in nodes if isinstance(nodes, list) else ():
            # Of numbers alone it would be computed at once, however large.
            if isinstance(node, dict) and not _has_tensor(node):
                raise StoreError(f"its layer {_said(found.get('name'))} has no layer before it")


def _check_data(found: dict[str, Any]) -> None:
    inner = found.get("config")
    kind = inner.get("dtype") if isinstance(inner, dict) else None
    if set(found) - {"class_name", "config"} or (kind is not None and kind not in NUMBERS):
        raise _foreign(found)


def _has_tensor(value: Any) -> bool:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if one.get("class_name") == "__keras_tensor__":
                return True
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
    return False


def _said(name: object) -> str:
    return repr(name)[:80]


def _too_deep() -> StoreError:
    return StoreError(
        "its description is nested too deep", expected=f"at most {DEEPEST} brackets within brackets"
    )


def _foreign(found: dict[str, Any]) -> StoreError:
    name, module = found.get("class_name"), found.get("module")
    if name == "function":
        name = found.get("config")
    if name in ("Lambda", "__lambda__"):
        what = "it holds a Lambda, which is code of whoever wrote the file"
    elif isinstance(module, str) and (module == "keras" or module.startswith("keras.")):
        what = f"it holds {_said(name)} of {_said(module)}, which may run code or read files"
    else:
        what = f"it holds {_said(name)} of {_said(module)}, code that is not Keras's own"
    return StoreError(
        what,
        expected="a Sequential or functional model of Keras's own layers that compute from numbers alone",
        remedy="build the model without it, and save it again",
    )
