"""Faults in styles that the diagnosis was not written for: they measure it, they must not steer it.

(name, cause, target, source), as in planted_faults.py.
"""

TENSOR_LINEAR = """
class Param:
    def __init__(self, value):
        self.value = value
        self.grad = np.zeros_like(value)

class FullyConnected:
    def __init__(self, n_input, n_output):
        self.W = Param(0.001 * np.random.randn(n_input, n_output))
        self.B = Param(0.001 * np.random.randn(1, n_output))
    def params(self):
        return {{"W": self.W, "B": self.B}}
    def forward(self, X):
        self.X = X.copy()
        return {forward}
    def backward(self, d_out):
        self.W.grad = {W}
        self.B.grad = {B}
        return {dx}
"""


def tensors(
    forward="np.dot(X, self.W.value) + self.B.value",
    W="np.dot(self.X.T, d_out)",
    B="np.sum(d_out, axis=0)[np.newaxis, :]",
    dx="np.dot(d_out, self.W.value.T)",
):
    return TENSOR_LINEAR.format(forward=forward, W=W, B=B, dx=dx)


DEEP_LEARNING_AI = """
def linear_forward(A, W, b):
    Z = np.dot(W, A) + b
    cache = (A, W, b)
    return Z, cache

def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = {dW}
    db = {db}
    dA_prev = {dA}
    return dA_prev, dW, db
"""


def coursera(dW="np.dot(dZ, A_prev.T) / m", db="np.sum(dZ, axis=1, keepdims=True) / m", dA="np.dot(W.T, dZ)"):
    return DEEP_LEARNING_AI.format(dW=dW, db=db, dA=dA)


MLP = """
class MLP:
    def __init__(self, n_inputs, n_hidden, n_outputs, lr=0.5):
        self.w1 = np.random.uniform(-1, 1, (n_inputs, n_hidden))
        self.b1 = np.zeros(n_hidden)
        self.w2 = np.random.uniform(-1, 1, (n_hidden, n_outputs))
        self.b2 = np.zeros(n_outputs)
        self.lr = lr
    def sigmoid(self, v):
        return 1.0 / (1.0 + np.exp(-v))
    def forward(self, x):
        self.x = x
        self.h = self.sigmoid(x @ self.w1 + self.b1)
        self.o = self.sigmoid(self.h @ self.w2 + self.b2)
        return self.o
    def backward(self, target):
        error = {error}
        d2 = {d2}
        {early}
        d1 = {d1}
        self.w2 -= {u2}
        self.b2 -= self.lr * {b2}
        self.w1 -= self.lr * self.x.T @ d1
        self.b1 -= self.lr * d1.sum(axis=0)
"""


def mlp(
    error="self.o - target",
    d2="error * self.o * (1 - self.o)",
    early="pass",
    d1="d2 @ self.w2.T * self.h * (1 - self.h)",
    u2="self.lr * self.h.T @ d2",
    b2="d2.sum(axis=0)",
):
    return MLP.format(error=error, d2=d2, early=early, d1=d1, u2=u2, b2=b2)


SOFT_PAIR = """
def cross_entropy_loss(scores, labels):
    {lines}
    return value, grad
"""
GOOD_LINES = """exps = np.exp(scores - np.amax(scores, axis=1, keepdims=True))
    probs = exps / np.sum(exps, axis=1, keepdims=True)
    one_hot = np.eye(scores.shape[1])[labels]
    value = -(one_hot * np.log(probs + 1e-9)).sum() / len(labels)
    grad = (probs - one_hot) / len(labels)"""


def soft(old="", new=""):
    return SOFT_PAIR.format(lines=GOOD_LINES.replace(old, new) if old else GOOD_LINES)


FUNCTIONAL_RELU = """
def relu_forward(x):
    out = np.maximum(0, x)
    cache = {cache}
    return out, cache

def relu_backward(dout, cache):
    x = cache
    dx = dout.copy()
    {backward}
    return dx
"""

DICT_NET = """
class NN:
    def __init__(self, layer_dims):
        self.L = len(layer_dims) - 1
        self.parameters = {{}}
        for l in range(1, self.L + 1):
            self.parameters[f"W{{l}}"] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.1
            self.parameters[f"b{{l}}"] = np.zeros((layer_dims[l], 1))
    def forward(self, X):
        self.cache = {{"A0": X}}
        A = X
        for l in range(1, self.L + 1):
            Z = self.parameters[f"W{{l}}"] @ A + self.parameters[f"b{{l}}"]
            if l < self.L:
                A = np.tanh(Z)
            else:
                E = np.exp(Z - np.max(Z, axis=0))
                A = E / E.sum(axis=0)
            self.cache[f"Z{{l}}"], self.cache[f"A{{l}}"] = Z, A
        return A
    def backward(self, Y):
        m = Y.shape[1]
        grads = {{}}
        dZ = {top}
        for l in range(self.L, 0, -1):
            grads[f"dW{{l}}"] = {dW}
            grads[f"db{{l}}"] = {db}
            if l > 1:
                dA = {dA}
                dZ = {dZ}
        return grads
"""


def dict_net(
    top="self.cache[f'A{self.L}'] - Y",
    dW="dZ @ self.cache[f'A{l - 1}'].T / m",
    db="np.sum(dZ, axis=1, keepdims=True) / m",
    dA="self.parameters[f'W{l}'].T @ dZ",
    dZ="dA * (1 - self.cache[f'A{l - 1}'] ** 2)",
):
    return DICT_NET.format(top=top, dW=dW, db=db, dA=dA, dZ=dZ)


TANH_CALL = """
class Tanh:
    def __call__(self, inputs):
        self.out = np.tanh(inputs)
        return self.out
    def backward(self, upstream):
        return {backward}
"""

BOOK_LOSS = """
class SoftmaxLoss:
    def forward(self, z, t):
        {forward}
        self.t = t
        return -np.sum(t * np.log(self.y + 1e-10)) / len(t)
    def backward(self, dout=1):
        {backward}
"""
BOOK_SOFTMAX = "z = z - z.max(axis=1)[:, None]; self.y = np.exp(z) / np.exp(z).sum(axis=1)[:, None]"

FAULTS = [
    (
        "tensors: sum over axis 1",
        "wrong-axis",
        "FullyConnected",
        tensors(B="np.sum(d_out, axis=1)[:, np.newaxis]"),
    ),
    (
        "tensors: gradients added up",
        "accumulated",
        "FullyConnected",
        tensors().replace("self.W.grad =", "self.W.grad +=").replace("self.B.grad =", "self.B.grad +="),
    ),
    ("tensors: bias gradient never set", "dropped-bias-gradient", "FullyConnected", tensors(B="self.B.grad")),
    (
        "tensors: mean for W",
        "missing-1/n",
        "FullyConnected",
        tensors(W="np.dot(self.X.T, d_out) / X_n".replace("X_n", "self.X.shape[0]")),
    ),
    (
        "tensors: X changed",
        "in-place",
        "FullyConnected",
        tensors(forward="np.dot(X, self.W.value) + self.B.value").replace(
            "self.X = X.copy()", "X *= 0.5; self.X = X"
        ),
    ),
    ("tensors: output as the input of dW", "shape", "FullyConnected", tensors(W="np.dot(d_out.T, d_out)")),
    ("columns: dW turned", "transposed-weight", "linear_forward", coursera(dW="np.dot(A_prev, dZ.T) / m")),
    ("columns: m left out of dW", "missing-1/n", "linear_forward", coursera(dW="np.dot(dZ, A_prev.T)")),
    (
        "columns: m is the number of features",
        "wrong-axis",
        "linear_forward",
        coursera().replace("A_prev.shape[1]", "A_prev.shape[0]"),
    ),
    ("columns: W where W.T", "transposed-weight", "linear_forward", coursera(dA="np.dot(W, dZ)")),
    ("columns: db over all", "wrong-axis", "linear_forward", coursera(db="np.sum(dZ) / m")),
    ("mlp: sign of the error", "sign", "MLP", mlp(error="target - self.o")),
    ("mlp: slope of the hidden layer", "wrong-derivative", "MLP", mlp(d1="d2 @ self.w2.T * self.h")),
    ("mlp: slope missing at the output", "wrong-derivative", "MLP", mlp(d1="d2 @ self.w2.T")),
    (
        "mlp: updated before used",
        "updated-first",
        "MLP",
        mlp(early="self.w2 -= self.lr * self.h.T @ d2", u2="0"),
    ),
    (
        "mlp: sigmoid of sigmoid",
        "wrong-derivative",
        "MLP",
        mlp(d1="d2 @ self.w2.T * self.sigmoid(self.h) * (1 - self.sigmoid(self.h))"),
    ),
    ("mlp: output bias never moves", "dropped-bias-gradient", "MLP", mlp(b2="0")),
    ("soft: axis 0", "softmax-axis", "cross_entropy_loss", soft("axis=1", "axis=0")),
    (
        "soft: no maximum",
        "overflow",
        "cross_entropy_loss",
        soft("scores - np.amax(scores, axis=1, keepdims=True)", "scores"),
    ),
    (
        "soft: gradient summed, loss averaged",
        "missing-1/n",
        "cross_entropy_loss",
        soft("grad = (probs - one_hot) / len(labels)", "grad = probs - one_hot"),
    ),
    ("soft: minus forgotten", "sign", "cross_entropy_loss", soft("value = -(", "value = (")),
    (
        "soft: changes its input",
        "in-place",
        "cross_entropy_loss",
        soft(
            "exps = np.exp(scores - np.amax(scores, axis=1, keepdims=True))",
            "scores -= scores.max(axis=1, keepdims=True); exps = np.exp(scores)",
        ),
    ),
    (
        "soft: divides by the classes",
        "wrong-axis",
        "cross_entropy_loss",
        soft("grad = (probs - one_hot) / len(labels)", "grad = (probs - one_hot) / scores.shape[1]"),
    ),
    (
        "soft: scores instead of probabilities",
        "wrong-array",
        "cross_entropy_loss",
        soft("grad = (probs", "grad = (scores"),
    ),
    (
        "one-hot: averaged twice",
        "extra-1/n",
        "SoftmaxLoss",
        BOOK_LOSS.format(forward=BOOK_SOFTMAX, backward="return (self.y - self.t) / len(self.t) ** 2"),
    ),
    (
        "one-hot: label index off",
        "labels",
        "SoftmaxLoss",
        BOOK_LOSS.format(forward=BOOK_SOFTMAX, backward="return self.y / len(self.t)"),
    ),
    (
        "relu functions: caches the output of another",
        "wrong-mask",
        "relu_forward",
        FUNCTIONAL_RELU.format(cache="x", backward="dx[dout <= 0] = 0"),
    ),
    (
        "relu functions: keeps the wrong half",
        "wrong-mask",
        "relu_forward",
        FUNCTIONAL_RELU.format(cache="x", backward="dx[x > 0] = 0"),
    ),
    (
        "relu functions: scales by x",
        "wrong-derivative",
        "relu_forward",
        FUNCTIONAL_RELU.format(cache="x", backward="dx *= x"),
    ),
    ("tanh: 1 - tanh", "wrong-derivative", "Tanh", TANH_CALL.format(backward="upstream * (1 - self.out)")),
    (
        "tanh: dout overwritten and wrong",
        "in-place",
        "Tanh",
        TANH_CALL.format(backward="np.multiply(upstream, 1 - self.out ** 2, out=upstream)"),
    ),
    ("tanh: forgets upstream", "chain-rule", "Tanh", TANH_CALL.format(backward="1 - self.out ** 2")),
    ("tanh: sign", "sign", "Tanh", TANH_CALL.format(backward="upstream * (self.out ** 2 - 1)")),
    (
        "dict net: slope at Z",
        "wrong-derivative",
        "NN",
        dict_net(dZ="dA * (1 - self.cache[f'Z{l - 1}'] ** 2)"),
    ),
    ("dict net: db axis", "wrong-axis", "NN", dict_net(db="np.sum(dZ, axis=0, keepdims=True) / m")),
    (
        "dict net: Z for A",
        "wrong-array",
        "NN",
        dict_net(dW="dZ @ self.cache.get(f'Z{l - 1}', self.cache['A0']).T / m"),
    ),
    ("dict net: 1/m in every dA", "extra-1/n", "NN", dict_net(dA="self.parameters[f'W{l}'].T @ dZ / m")),
    ("dict net: W not turned", "transposed-weight", "NN", dict_net(dA="self.parameters[f'W{l}'] @ dZ")),
    (
        "dict net: slope on the softmax",
        "wrong-derivative",
        "NN",
        dict_net(
            top="(self.cache[f'A{self.L}'] - Y) * self.cache[f'A{self.L}'] * (1 - self.cache[f'A{self.L}'])"
        ),
    ),
    ("dict net: truth forgotten", "labels", "NN", dict_net(top="self.cache[f'A{self.L}'].copy()")),
]

CORRECT = [
    ("tensors", "FullyConnected", {}, tensors()),
    ("functions on columns", "linear_forward", {}, coursera()),
    ("two sigmoid layers, updated in backward", "MLP", {}, mlp()),
    ("scores and labels", "cross_entropy_loss", {}, soft()),
    (
        "one-hot rows",
        "SoftmaxLoss",
        {},
        BOOK_LOSS.format(forward=BOOK_SOFTMAX, backward="return (self.y - self.t) / len(self.t)"),
    ),
    ("relu functions", "relu_forward", {}, FUNCTIONAL_RELU.format(cache="x", backward="dx[x <= 0] = 0")),
    ("called, not forwarded", "Tanh", {}, TANH_CALL.format(backward="upstream * (1 - self.out ** 2)")),
    ("dictionaries of columns", "NN", {}, dict_net()),
    (
        "dictionaries of columns, dropped 1/m",
        "NN",
        {},
        dict_net(dW="dZ @ self.cache[f'A{l - 1}'].T", db="np.sum(dZ, axis=1, keepdims=True)"),
    ),
]
