"""A second hold-out, written after the diagnosis had learnt from the first: other styles, other slips."""

CAPITALS = """
class Layer_Dense:
    def __init__(self, n_inputs, n_neurons):
        self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
        self.biases = np.zeros((1, n_neurons))
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases
        return self.output
    def backward(self, dvalues):
        self.dweights = {w}
        self.dbiases = {b}
        self.dinputs = {x}
        return self.dinputs

class Activation_ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)
        return self.output
    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[{mask}] = 0
        return self.dinputs

class Loss_CategoricalCrossentropy:
    def forward(self, y_pred, y_true):
        p = np.clip(y_pred, 1e-7, 1 - 1e-7)
        return -np.log(p[range(len(y_pred)), y_true])
    def backward(self, dvalues, y_true):
        y = np.eye(len(dvalues[0]))[y_true]
        return {loss}
"""


def sentdex(
    w="np.dot(self.inputs.T, dvalues)",
    b="np.sum(dvalues, axis=0, keepdims=True)",
    x="np.dot(dvalues, self.weights.T)",
    mask="self.inputs <= 0",
    loss="-y / dvalues / len(dvalues)",
):
    return CAPITALS.format(w=w, b=b, x=x, mask=mask, loss=loss)


FULL_LOSS = """
class ThreeLayers:
    def __init__(self, input_dim, hidden_dim, num_classes):
        self.params = dict(W1=np.random.randn(input_dim, hidden_dim), b1=np.zeros(hidden_dim),
                           W2=np.random.randn(hidden_dim, num_classes), b2=np.zeros(num_classes))
    def forward(self, X):
        p = self.params
        self.X = X
        self.hidden = np.maximum(0, X.dot(p["W1"]) + p["b1"])
        return self.hidden.dot(p["W2"]) + p["b2"]
    def backward(self, X, y):
        p, N = self.params, X.shape[0]
        scores = self.hidden.dot(p["W2"]) + p["b2"]
        e = np.exp(scores - scores.max(1, keepdims=True))
        dscores = e / e.sum({axis}, keepdims=True)
        dscores[np.arange(N), y] -= 1
        dscores /= N
        dhidden = dscores.dot(p["W2"].T)
        {mask}
        return {{"W2": self.hidden.T.dot(dscores){reg2}, "b2": dscores.sum(0),
                "W1": {X}.T.dot(dhidden), "b1": {b1}}}
"""


def scores(axis=1, mask="dhidden[self.hidden <= 0] = 0", reg2="", X="X", b1="dhidden.sum(0)"):
    return FULL_LOSS.format(axis=axis, mask=mask, reg2=reg2, X=X, b1=b1)


UPDATING = """
class FC:
    def __init__(self, input_size, output_size):
        self.W = np.random.rand(input_size, output_size) - 0.5
        self.B = np.random.rand(1, output_size) - 0.5
    def forward_propagation(self, input_data):
        self.input = input_data
        return np.dot(self.input, self.W) + self.B
    def backward_propagation(self, output_error, learning_rate):
        {first}
        input_error = np.dot(output_error, self.W.T)
        self.W -= learning_rate * {W}
        self.B -= learning_rate * {B}
        return input_error
"""


def updating(first="pass", W="np.dot(self.input.T, output_error)", B="output_error.sum(axis=0)"):
    return UPDATING.format(first=first, W=W, B=B)


CONSTANT = """
class Sigmoid:
    saved = {{}}
    def forward(self, z):
        s = {s}
        Sigmoid.saved["s"] = s
        return s
    def backward(self, grad):
        s = Sigmoid.saved["s"]
        return {grad}
"""

COLUMNS = """
class Softmax:
    def forward(self, z, y):
        z = z - np.max(z, axis={axis}, keepdims=True)
        self.p = np.exp(z) / np.sum(np.exp(z), axis={axis}, keepdims=True)
        self.y = y
        m = z.shape[1]
        return -np.sum(np.log(self.p[y, np.arange(m)])) / m
    def backward(self):
        m = self.y.size
        g = self.p{copy}
        g[self.y, np.arange(m)] -= 1
        return g {scale}
"""

FAULTS = [
    ("dense: bias keeps the batch", "wrong-axis", "Layer_Dense", sentdex(b="dvalues")),
    (
        "dense: gradient of the wrong matrix",
        "wrong-array",
        "Layer_Dense",
        sentdex(w="np.dot(np.ones_like(self.inputs).T, dvalues)"),
    ),
    (
        "dense: dinputs averaged",
        "extra-1/n",
        "Layer_Dense",
        sentdex(x="np.dot(dvalues, self.weights.T) / len(dvalues)"),
    ),
    ("dense: doubled", "scale", "Layer_Dense", sentdex(w="2 * np.dot(self.inputs.T, dvalues)")),
    ("relu: mask of dvalues", "wrong-mask", "Activation_ReLU", sentdex(mask="dvalues <= 0")),
    ("relu: strict the wrong way", "wrong-mask", "Activation_ReLU", sentdex(mask="self.inputs > 0")),
    (
        "probabilities: sign",
        "sign",
        "Loss_CategoricalCrossentropy",
        sentdex(loss="y / dvalues / len(dvalues)"),
    ),
    (
        "probabilities: labels unused",
        "labels",
        "Loss_CategoricalCrossentropy",
        sentdex(loss="-1 / dvalues / len(dvalues)"),
    ),
    ("scores: softmax axis in backward", "softmax-axis", "ThreeLayers", scores(axis=0)),
    ("scores: mask forgotten", "wrong-derivative", "ThreeLayers", scores(mask="pass")),
    (
        "scores: mask of its own gradient",
        "wrong-mask",
        "ThreeLayers",
        scores(mask="dhidden[dhidden <= 0] = 0"),
    ),
    ("scores: bias of the hidden layer over units", "wrong-axis", "ThreeLayers", scores(b1="dhidden.sum(1)")),
    ("scores: hidden bias averaged again", "extra-1/n", "ThreeLayers", scores(b1="dhidden.mean(0)")),
    ("updating: bias error not summed", "wrong-axis", "FC", updating(B="output_error.sum()")),
    (
        "updating: W first",
        "updated-first",
        "FC",
        updating(first="self.W -= learning_rate * np.dot(self.input.T, output_error)", W="0"),
    ),
    (
        "updating: adds instead of subtracting",
        "sign",
        "FC",
        updating(W="-np.dot(self.input.T, output_error)", B="-output_error.sum(axis=0)"),
    ),
    (
        "sigmoid: s(1 + s)",
        "wrong-derivative",
        "Sigmoid",
        CONSTANT.format(s="1 / (1 + np.exp(-z))", grad="grad * s * (1 + s)"),
    ),
    (
        "sigmoid: of z, sign",
        "sign",
        "Sigmoid",
        CONSTANT.format(s="1 / (1 + np.exp(z))", grad="grad * s * (1 - s)"),
    ),
    ("columns: axis 1", "softmax-axis", "Softmax", COLUMNS.format(axis=1, copy=".copy()", scale="/ m")),
    ("columns: not averaged", "missing-1/n", "Softmax", COLUMNS.format(axis=0, copy=".copy()", scale="")),
    ("columns: spoils what it saved", "in-place", "Softmax", COLUMNS.format(axis=0, copy="", scale="/ m")),
]

CORRECT = [
    ("dense with dvalues", "Layer_Dense", {}, sentdex()),
    ("relu with dvalues", "Activation_ReLU", {}, sentdex()),
    ("clipped probabilities", "Loss_CategoricalCrossentropy", {}, sentdex()),
    ("scores, X given again", "ThreeLayers", {}, scores()),
    ("scores with weight decay", "ThreeLayers", {}, scores(reg2=" + 0.1 * p['W2']")),
    ("propagation with a rate", "FC", {}, updating()),
    (
        "saved in the class",
        "Sigmoid",
        {},
        CONSTANT.format(s="1 / (1 + np.exp(-z))", grad="grad * s * (1 - s)"),
    ),
    ("numbers and columns", "Softmax", {}, COLUMNS.format(axis=0, copy=".copy()", scale="/ m")),
]
