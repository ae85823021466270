"""A fourth hold-out, in the styles of the two labs: first result 26 of 30, no alarm on the 7 correct ones."""

LAB_D = """
class Linear:
    def __init__(self, input_size, output_size):
        self.W = np.random.randn(output_size, input_size) * 0.01
        self.b = np.zeros(output_size)

    def forward(self, X):
        self.X = X
        return {linear}

    def backward(self, dLdy):
        self.dLdW = {dW}
        self.dLdb = {db}
        return {dx}

    def step(self, learning_rate):
        self.W -= learning_rate * self.dLdW
        self.b -= learning_rate * self.dLdb

class ReLU:
    def forward(self, X):
        self.X = X
        return {relu}

    def backward(self, dLdy):
        return {drelu}

    def step(self, learning_rate):
        pass

class NLLLoss:
    def forward(self, X, y):
        self.p = {softmax}
        self.y = y
        return -np.sum(np.log(self.p[np.arange(X.shape[0]), y] + 1e-15))

    def backward(self):
        {dloss}
        return g

class Sequential:
    def __init__(self, layers):
        self.layers = layers
    def forward(self, X):
        for l in self.layers:
            X = l.forward(X)
        return X
    def backward(self, dLdy):
        {loop}
        return dLdy
    def step(self, learning_rate):
        for l in self.layers:
            l.step(learning_rate)

def network():
    return Sequential([Linear(8, 6), ReLU(), Linear(6, 6), Linear(6, 5), ReLU(), Linear(5, 4)])
"""


def lab_d(linear="X @ self.W.T + self.b", dW="dLdy.T @ self.X", db="dLdy.sum(0)", dx="dLdy @ self.W",
          relu="X * (X > 0)", drelu="dLdy * (self.X > 0)", softmax="softmax(X)",
          dloss="g = self.p.copy(); g[np.arange(len(g)), self.y] -= 1",
          loop="for l in self.layers[::-1]:\n            dLdy = l.backward(dLdy)"):  # fmt: skip
    helper = "def softmax(X):\n    e = np.exp(X - X.max(axis=1, keepdims=True))\n"
    helper += "    return e / e.sum(axis=1, keepdims=True)\n"
    return helper + LAB_D.format(linear=linear, dW=dW, db=db, dx=dx, relu=relu, drelu=drelu, softmax=softmax,
                                 dloss=dloss, loop=loop)  # fmt: skip


LAB_E = """
class NeuralNetwork:
    def __init__(self, layers_sizes, activation="{activation}"):
        self.n = len(layers_sizes) - 1
        s = layers_sizes
        self.W = [np.random.randn(s[i + 1], s[i]) / np.sqrt(s[i]) for i in range(self.n)]
        self.b = [np.zeros((layers_sizes[i + 1], 1)) for i in range(self.n)]
        self.activation = activation

    def act(self, z):
        known = {{"relu": np.maximum(0, z), "sigmoid": 1 / (1 + np.exp(-z)), "tanh": np.tanh(z)}}
        return known["{activation}"]

    def act_derivative(self, z):
        a = self.act(z)
        return {derivative}

    def forward(self, x):
        self.a = [x]
        self.z = []
        for i in range(self.n):
            self.z.append(self.W[i] @ self.a[-1] + self.b[i])
            self.a.append({softmax} if i == self.n - 1 else self.act(self.z[-1]))
        return self.a[-1]

    def backward(self, y):
        m = y.shape[1]
        self.grad_W = [0] * self.n
        self.grad_b = [0] * self.n
        d = {start}
        for i in range(self.n - 1, -1, -1):
            self.grad_W[i] = {gW}
            self.grad_b[i] = {gb}
            if i:
                d = {step}
"""
SLOPES = {"relu": "(z > 0) * 1.0", "sigmoid": "a * (1 - a)", "tanh": "1 - a ** 2"}


def lab_e(activation="relu", derivative=None, softmax="self.softmax(self.z[-1])", start="self.a[-1] - y",
          gW="d @ self.a[i].T / m", gb="np.mean(d, axis=1, keepdims=True)",
          step="self.W[i].T @ d * self.act_derivative(self.z[i - 1])", axis=0):  # fmt: skip
    source = LAB_E.format(activation=activation, derivative=derivative or SLOPES[activation], softmax=softmax,
                          start=start, gW=gW, gb=gb, step=step)  # fmt: skip
    source += "\n    def softmax(self, z):\n"
    source += f"        e = np.exp(z - np.max(z, axis={axis}, keepdims=True))\n"
    return source + f"        return e / np.sum(e, axis={axis}, keepdims=True)\n"


N = "NeuralNetwork"
FAULTS = [
    ("D: dW turned", "transposed-weight", "Linear", lab_d(dW="self.X.T @ dLdy")),
    ("D: db of the wrong axis", "wrong-axis", "Linear", lab_d(db="dLdy.sum(1)")),
    ("D: db forgotten", "dropped-bias-gradient", "Linear", lab_d(db="np.zeros(self.b.shape)")),
    ("D: db averaged, dW not", "missing-1/n", "Linear", lab_d(db="dLdy.mean(0)")),
    ("D: dx through W.T", "transposed-weight", "Linear", lab_d(dx="dLdy @ self.W.T")),
    ("D: forward through W", "transposed-weight", "Linear", lab_d(linear="X @ self.W + self.b")),
    ("D: dx of the input", "shape", "Linear", lab_d(dx="dLdy")),
    ("D: relu's mask from the gradient", "wrong-mask", "ReLU", lab_d(drelu="dLdy * (dLdy > 0)")),
    ("D: relu in place", "in-place", "ReLU", lab_d(relu="np.maximum(X, 0, out=X)")),
    ("D: softmax over the batch", "softmax-axis", "NLLLoss", lab_d().replace("axis=1", "axis=0")),
    (
        "D: softmax without maximum",
        "overflow",
        "NLLLoss",
        lab_d().replace(" - X.max(axis=1, keepdims=True)", ""),
    ),
    (
        "D: mean gradient of a sum",
        "extra-1/n",
        "NLLLoss",
        lab_d(dloss="g = self.p.copy(); g[np.arange(len(g)), self.y] -= 1; g /= len(g)"),
    ),
    (
        "D: spoils its probabilities",
        "in-place",
        "NLLLoss",
        lab_d(dloss="g = self.p; g[np.arange(len(g)), self.y] -= 1"),
    ),
    ("D: network, relu's mask", "wrong-mask", "network", lab_d(drelu="dLdy * (dLdy > 0)")),
    (
        "D: network, dx doubled at the end",
        "order",
        "network",
        lab_d(
            loop="for l in self.layers[::-1]:\n            dLdy = l.backward(dLdy)\n        dLdy = dLdy * 2"
        ),
    ),
    ("E: relu slope of d", "wrong-mask", N, lab_e(step="(self.W[i].T @ d) * (self.W[i].T @ d > 0)")),
    (
        "E: sigmoid slope at a",
        "wrong-derivative",
        N,
        lab_e("sigmoid", step="self.W[i].T @ d * self.act_derivative(self.a[i])"),
    ),
    ("E: sigmoid slope of z", "wrong-derivative", N, lab_e("sigmoid", derivative="z * (1 - z)")),
    ("E: tanh slope", "wrong-derivative", N, lab_e("tanh", derivative="1 - z ** 2")),
    ("E: tanh slope forgotten", "wrong-derivative", N, lab_e("tanh", step="self.W[i].T @ d")),
    ("E: softmax over the batch", "softmax-axis", N, lab_e(axis=1)),
    ("E: sum for W, mean for b", "missing-1/n", N, lab_e(gW="d @ self.a[i].T")),
    ("E: bias over units", "wrong-axis", N, lab_e(gb="np.sum(d, axis=0, keepdims=True) / m")),
    ("E: bias dropped", "dropped-bias-gradient", N, lab_e(gb="0")),
    ("E: truth minus prediction", "sign", N, lab_e(start="y - self.a[-1]")),
    (
        "E: W not turned",
        "transposed-weight",
        N,
        lab_e(step="self.W[i] @ d * self.act_derivative(self.z[i - 1])"),
    ),
    ("E: z for a", "wrong-array", N, lab_e("tanh", gW="d @ (self.z[i - 1] if i else self.a[0]).T / m")),
    (
        "E: slope of the softmax twice",
        "wrong-derivative",
        N,
        lab_e(start="(self.a[-1] - y) * self.a[-1] * (1 - self.a[-1])"),
    ),
    (
        "E: divided at each layer",
        "extra-1/n",
        N,
        lab_e(step="self.W[i].T @ d * self.act_derivative(self.z[i - 1]) / m"),
    ),
    (
        "E: softmax without maximum",
        "overflow",
        N,
        lab_e().replace("np.exp(z - np.max(z, axis=0, keepdims=True))", "np.exp(z)"),
    ),
]

CORRECT = [
    ("D: linear", "Linear", {}, lab_d()),
    ("D: relu", "ReLU", {}, lab_d()),
    ("D: loss, summed", "NLLLoss", {}, lab_d()),
    ("D: network with two linear layers in a row", "network", {}, lab_d()),
    ("E: relu", N, {}, lab_e()),
    ("E: sigmoid", N, {}, lab_e("sigmoid")),
    ("E: tanh", N, {}, lab_e("tanh")),
]
