"""Layers, losses and networks with one fault each, in the styles that students write.

Each entry is (name, cause that must be named, target, source). NumPy is imported as np before the source.
Written before the diagnosis was; the hold-out of test_honest_rate.py was written after it.
"""

LINEAR = """
class Linear:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.1
        self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return {forward}
    def backward(self, dout):
        self.dW = {dW}
        self.db = {db}
        return {dx}
    def update(self, lr):
        self.W -= lr * self.dW
        self.b -= lr * self.db
"""


def linear(forward="x @ self.W + self.b", dW="self.x.T @ dout", db="dout.sum(axis=0)", dx="dout @ self.W.T"):
    return LINEAR.format(forward=forward, dW=dW, db=db, dx=dx)


RELU = """
class ReLU:
    def forward(self, x):
        {forward}
    def backward(self, grad_output):
        {backward}
"""

ACTIVATION = """
class {name}:
    def forward(self, x):
        self.x = x
        self.y = {forward}
        return self.y
    def backward(self, dout):
        return {backward}
"""


def activation(name, forward, backward):
    return ACTIVATION.format(name=name, forward=forward, backward=backward)


LOSS = """
class SoftmaxCrossEntropy:
    def forward(self, logits, y):
        self.y = y
        {softmax}
        n = logits.shape[0]
        return {loss}
    def backward(self):
        n = self.p.shape[0]
        {grad}
"""
STABLE = """e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)"""
GRAD = """d = self.p.copy()
        d[np.arange(n), self.y] -= 1
        return d / n"""


def loss(softmax=STABLE, loss="-np.log(self.p[np.arange(n), y]).mean()", grad=GRAD):
    return LOSS.format(softmax=softmax, loss=loss, grad=grad)


COLUMN_LAYER = """
class Layer:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_out, n_in) * np.sqrt(2 / n_in)
        self.b = np.zeros((n_out, 1))
    def forward(self, A_prev):
        self.A_prev = A_prev
        return {forward}
    def backward(self, dZ):
        m = dZ.shape[1]
        self.grads = {{"dW": {dW}, "db": {db}}}
        return {dA}
"""


def column(
    forward="self.W @ A_prev + self.b",
    dW="dZ @ self.A_prev.T / m",
    db="dZ.sum(axis=1, keepdims=True) / m",
    dA="self.W.T @ dZ",
):
    return COLUMN_LAYER.format(forward=forward, dW=dW, db=db, dA=dA)


CS231N = """
def affine_forward(x, w, b):
    out = {forward}
    return out, (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    dx = {dx}
    dw = {dw}
    db = {db}
    return dx, dw, db
"""


def cs231n(forward="x.dot(w) + b", dx="dout.dot(w.T)", dw="x.T.dot(dout)", db="np.sum(dout, axis=0)"):
    return CS231N.format(forward=forward, dx=dx, dw=dw, db=db)


NETWORK = """
class Network:
    def __init__(self, sizes):
        rng = np.random.default_rng(0)
        self.weights = [rng.normal(0, 1 / np.sqrt(a), (b, a)) for a, b in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.zeros((b, 1)) for b in sizes[1:]]
    def f(self, z):
        return {f}
    def df(self, z):
        return {df}
    def forward(self, X):
        self.Z, self.A = [], [X]
        for i, (W, b) in enumerate(zip(self.weights, self.biases)):
            z = W @ self.A[-1] + b
            self.Z.append(z)
            if i < len(self.weights) - 1:
                self.A.append(self.f(z))
            else:
                e = np.exp(z - z.max(axis={axis}, keepdims=True))
                self.A.append(e / e.sum(axis={axis}, keepdims=True))
        return self.A[-1]
    def backward(self, Y):
        m = Y.shape[1]
        self.dW = [None] * len(self.weights)
        self.db = [None] * len(self.weights)
        delta = {delta}
        for i in reversed(range(len(self.weights))):
            self.dW[i] = {dW}
            self.db[i] = {db}
            if i > 0:
                delta = {back}
"""


def network(
    f="np.maximum(z, 0)",
    df="(z > 0).astype(float)",
    axis=0,
    delta="self.A[-1] - Y",
    dW="delta @ self.A[i].T / m",
    db="delta.sum(axis=1, keepdims=True) / m",
    back="(self.weights[i].T @ delta) * self.df(self.Z[i - 1])",
):
    return NETWORK.format(f=f, df=df, axis=axis, delta=delta, dW=dW, db=db, back=back)


SIGMOID = {"f": "1 / (1 + np.exp(-z))", "df": "self.f(z) * (1 - self.f(z))"}

SEQUENTIAL = """
class Sequential:
    def __init__(self, *layers):
        self.layers = list(layers)
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, dout):
        for layer in {order}:
            dout = layer.backward(dout)
        return dout

def make():
    return Sequential(Linear(6, 5), ReLU(), Linear(5, 4), Linear(4, 4), ReLU(), Linear(4, 3))
"""
GOOD_RELU = RELU.format(
    forward="self.mask = x > 0; return x * self.mask", backward="return grad_output * self.mask"
)


def sequential(linear_source, relu_source=GOOD_RELU, order="reversed(self.layers)"):
    return linear_source + relu_source + SEQUENTIAL.format(order=order)


TWO_LAYER = """
class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {{
            "W1": 0.1 * np.random.randn(input_size, hidden_size), "b1": np.zeros(hidden_size),
            "W2": 0.1 * np.random.randn(hidden_size, output_size), "b2": np.zeros(output_size)}}
    def forward(self, X):
        self.X = X
        self.h = np.tanh(X @ self.params["W1"] + self.params["b1"])
        s = self.h @ self.params["W2"] + self.params["b2"]
        e = np.exp(s - s.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p
    def backward(self, y):
        n = len(y)
        d = self.p.copy()
        {labels}
        {scale}
        dh = d @ self.params["W2"].T * {dtanh}
        self.grads = {{"W1": {dW1}, "b1": {db1},
                      "W2": self.h.T @ d, "b2": d.sum(axis=0)}}
        return self.grads
"""


def two_layer(
    labels="d[np.arange(n), y] -= 1",
    scale="d /= n",
    dtanh="(1 - self.h ** 2)",
    dW1="self.X.T @ dh",
    db1="dh.sum(axis=0)",
):
    return TWO_LAYER.format(labels=labels, scale=scale, dtanh=dtanh, dW1=dW1, db1=db1)


FAULTS = [
    # a linear layer, one image a row
    ("bias gradient over the wrong axis", "wrong-axis", "Linear", linear(db="dout.sum(axis=1)")),
    ("bias gradient sums everything", "wrong-axis", "Linear", linear(db="dout.sum()")),
    ("bias gradient not summed", "wrong-axis", "Linear", linear(db="dout")),
    ("bias gradient zero", "dropped-bias-gradient", "Linear", linear(db="np.zeros_like(self.b)")),
    ("bias gradient None", "dropped-bias-gradient", "Linear", linear(db="None")),
    ("W instead of W.T", "transposed-weight", "Linear", linear(dx="dout @ self.W")),
    ("weight gradient turned", "transposed-weight", "Linear", linear(dW="dout.T @ self.x")),
    ("weight gradient without T", "transposed-weight", "Linear", linear(dW="self.x @ dout")),
    ("1/n for W alone", "missing-1/n", "Linear", linear(dW="self.x.T @ dout / len(dout)")),
    ("1/n for b alone", "missing-1/n", "Linear", linear(db="dout.mean(axis=0)")),
    ("1/n in dx", "extra-1/n", "Linear", linear(dx="dout @ self.W.T / len(dout)")),
    ("forward without bias", "dropped-bias", "Linear", linear(forward="x @ self.W")),
    (
        "forward with the weight turned",
        "transposed-weight",
        "Linear",
        linear(forward="x @ self.W.T + self.b"),
    ),
    ("sign of dW", "sign", "Linear", linear(dW="-self.x.T @ dout")),
    (
        "divides by features",
        "wrong-axis",
        "Linear",
        linear(dW="self.x.T @ dout / self.x.shape[1]", db="dout.sum(axis=0) / self.x.shape[1]"),
    ),
    (
        "gradients add up",
        "accumulated",
        "Linear",
        linear()
        .replace("self.b = np.zeros(n_out)", "self.b = np.zeros(n_out); self.dW = 0; self.db = 0")
        .replace("self.dW = self.x", "self.dW += self.x")
        .replace("self.db = dout", "self.db += dout"),
    ),
    (
        "keeps the first batch",
        "stale",
        "Linear",
        linear().replace("self.x = x\n", "self.x = getattr(self, 'x', x)\n"),
    ),
    (
        "forward changes its input",
        "in-place",
        "Linear",
        linear().replace("self.x = x\n", "x -= x.mean(axis=0)\n        self.x = x\n"),
    ),
    ("no dx", "shape", "Linear", linear(dx="None")),
    ("dx of one image", "shape", "Linear", linear(dx="(dout @ self.W.T).sum(axis=0)")),
    ("integer parameters", "dtype", "Linear", linear(forward="(x @ self.W + self.b).astype(int)")),
    # columns, functions, closures
    (
        "columns: bias gradient over features",
        "wrong-axis",
        "Layer",
        column(db="dZ.sum(axis=0, keepdims=True) / m"),
    ),
    ("columns: W not turned", "transposed-weight", "Layer", column(dA="self.W @ dZ")),
    ("columns: 1/m missing in db", "missing-1/n", "Layer", column(db="dZ.sum(axis=1, keepdims=True)")),
    ("columns: 1/m of dA", "extra-1/n", "Layer", column(dA="self.W.T @ dZ / m")),
    (
        "functions: bias gradient dropped",
        "dropped-bias-gradient",
        "affine_forward",
        cs231n(db="np.zeros(b.shape)"),
    ),
    ("functions: w not turned", "transposed-weight", "affine_forward", cs231n(dx="dout.dot(w)")),
    ("functions: axis of db", "wrong-axis", "affine_forward", cs231n(db="np.sum(dout, axis=1)")),
    # activations
    (
        "relu: mask from the gradient",
        "wrong-mask",
        "ReLU",
        RELU.format(
            forward="self.x = x; return np.maximum(x, 0)", backward="return grad_output * (grad_output > 0)"
        ),
    ),
    (
        "relu: mask turned round",
        "wrong-mask",
        "ReLU",
        RELU.format(
            forward="self.x = x; return np.maximum(x, 0)", backward="return grad_output * (self.x < 0)"
        ),
    ),
    (
        "relu: no mask",
        "wrong-derivative",
        "ReLU",
        RELU.format(forward="return np.maximum(x, 0)", backward="return grad_output"),
    ),
    (
        "relu: forgets the gradient from above",
        "chain-rule",
        "ReLU",
        RELU.format(forward="self.x = x; return np.maximum(x, 0)", backward="return (self.x > 0) * 1.0"),
    ),
    (
        "relu: changes its input",
        "in-place",
        "ReLU",
        RELU.format(forward="self.m = x > 0; x[x < 0] = 0; return x", backward="return grad_output * self.m"),
    ),
    (
        "relu: stale mask",
        "stale",
        "ReLU",
        RELU.format(
            forward="self.m = getattr(self, 'm', x > 0); return np.maximum(x, 0)",
            backward="return grad_output * self.m",
        ),
    ),
    (
        "sigmoid: derivative at the output",
        "wrong-derivative",
        "Sigmoid",
        activation(
            "Sigmoid",
            "1 / (1 + np.exp(-x))",
            "dout / (1 + np.exp(-self.y)) * (1 - 1 / (1 + np.exp(-self.y)))",
        ),
    ),
    (
        "sigmoid: x(1 - x)",
        "wrong-derivative",
        "Sigmoid",
        activation("Sigmoid", "1 / (1 + np.exp(-x))", "dout * self.x * (1 - self.x)"),
    ),
    (
        "sigmoid: overflow",
        "overflow",
        "Sigmoid",
        activation("Sigmoid", "np.exp(x) / (1 + np.exp(x))", "dout * self.y * (1 - self.y)"),
    ),
    (
        "tanh: 1 - x ** 2",
        "wrong-derivative",
        "Tanh",
        activation("Tanh", "np.tanh(x)", "dout * (1 - self.x ** 2)"),
    ),
    (
        "softmax layer: over the batch",
        "softmax-axis",
        "Softmax",
        activation(
            "Softmax",
            "np.exp(x - x.max(axis=0)) / np.exp(x - x.max(axis=0)).sum(axis=0)",
            "self.y * (dout - (dout * self.y).sum(axis=0))",
        ),
    ),
    (
        "softmax layer: diagonal alone",
        "wrong-derivative",
        "Softmax",
        activation(
            "Softmax",
            "np.exp(x - x.max(1, keepdims=True)) / np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)",
            "dout * self.y * (1 - self.y)",
        ),
    ),
    # the loss
    (
        "loss: softmax over the batch",
        "softmax-axis",
        "SoftmaxCrossEntropy",
        loss("e = np.exp(logits - logits.max())\n        self.p = e / e.sum(axis=0)"),
    ),
    (
        "loss: softmax over everything",
        "softmax-axis",
        "SoftmaxCrossEntropy",
        loss("e = np.exp(logits - logits.max())\n        self.p = e / e.sum()"),
    ),
    (
        "loss: overflow",
        "overflow",
        "SoftmaxCrossEntropy",
        loss("self.p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)"),
    ),
    (
        "loss: gradient not averaged",
        "missing-1/n",
        "SoftmaxCrossEntropy",
        loss(grad=GRAD.replace("d / n", "d")),
    ),
    (
        "loss: gradient averaged twice",
        "extra-1/n",
        "SoftmaxCrossEntropy",
        loss(grad=GRAD.replace("d / n", "d / n / n")),
    ),
    (
        "loss: sum with mean gradient",
        "extra-1/n",
        "SoftmaxCrossEntropy",
        loss(loss="-np.log(self.p[np.arange(n), y]).sum()"),
    ),
    ("loss: sign", "sign", "SoftmaxCrossEntropy", loss(grad=GRAD.replace("return d / n", "return -d / n"))),
    ("loss: forgets the labels", "labels", "SoftmaxCrossEntropy", loss(grad="return self.p / n")),
    (
        "loss: subtracts the label's number",
        "labels",
        "SoftmaxCrossEntropy",
        loss(grad="return (self.p - self.y[:, None]) / n"),
    ),
    (
        "loss: p[y] instead of p[arange, y]",
        "labels",
        "SoftmaxCrossEntropy",
        loss(grad=GRAD.replace("d[np.arange(n), self.y]", "d[self.y]")),
    ),
    ("loss: log of zero", "log-zero", "SoftmaxCrossEntropy", loss()),
    (
        "loss: minus forgotten",
        "sign",
        "SoftmaxCrossEntropy",
        loss(loss="np.log(self.p[np.arange(n), y]).mean()"),
    ),
    # whole networks
    ("network: 1/m missing in db", "missing-1/n", "Network", network(db="delta.sum(axis=1, keepdims=True)")),
    (
        "network: mask from delta",
        "wrong-mask",
        "Network",
        network(back="(self.weights[i].T @ delta) * self.df(self.weights[i].T @ delta)"),
    ),
    (
        "network: derivative forgotten",
        "wrong-derivative",
        "Network",
        network(**SIGMOID, back="self.weights[i].T @ delta"),
    ),
    (
        "network: derivative at the activation",
        "wrong-derivative",
        "Network",
        network(**SIGMOID, back="(self.weights[i].T @ delta) * self.df(self.A[i])"),
    ),
    ("network: softmax over the batch", "softmax-axis", "Network", network(axis=1)),
    ("network: sign", "sign", "Network", network(delta="Y - self.A[-1]")),
    (
        "network: bias gradients forgotten",
        "dropped-bias-gradient",
        "Network",
        network(db="np.zeros_like(self.biases[i])"),
    ),
    (
        "network: bias gradient over the wrong axis",
        "wrong-axis",
        "Network",
        network(db="delta.sum(axis=0, keepdims=True) / m"),
    ),
    ("two layers: derivative of tanh", "wrong-derivative", "TwoLayerNet", two_layer(dtanh="(1 - self.h)")),
    (
        "two layers: hidden bias forgotten",
        "dropped-bias-gradient",
        "TwoLayerNet",
        two_layer(db1="np.zeros_like(self.params['b1'])"),
    ),
    ("two layers: 1/n for W1 twice", "extra-1/n", "TwoLayerNet", two_layer(dW1="self.X.T @ dh / n")),
    (
        "sequential: bias gradient axis inside",
        "wrong-axis",
        "make",
        sequential(linear(db="dout.sum(axis=1)")),
    ),
    (
        "sequential: relu's mask",
        "wrong-mask",
        "make",
        sequential(
            linear(),
            RELU.format(forward="return np.maximum(x, 0)", backward="return grad_output * (grad_output > 0)"),
        ),
    ),
    ("sequential: order of backward", "order", "make", sequential(linear(), order="self.layers")),
]
