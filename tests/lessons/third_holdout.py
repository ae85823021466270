"""A third hold-out, written after the diagnosis was finished: its first result is the honest rate."""

MODULE = """
class Module:
    def __init__(self):
        self.params = {{}}
        self.grads = {{}}
        self.inputs = None
    def __call__(self, x):
        self.inputs = x
        return self.forward(x)

class Dense(Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        limit = np.sqrt(6 / (in_features + out_features))
        self.params["weight"] = np.random.uniform(-limit, limit, (out_features, in_features))
        self.params["bias"] = np.zeros(out_features)
    def forward(self, x):
        self.inputs = x
        return {forward}
    def backward(self, grad_output):
        x, w = self.inputs, self.params["weight"]
        {grads}
        return {back}

class Sigmoid(Module):
    def forward(self, x):
        e = np.exp(-np.abs(x))
        self.out = np.where(x >= 0, 1, e) / (1 + e)
        return self.out
    def backward(self, grad_output):
        return {sigmoid}

class Net(Module):
    def __init__(self, n_in=5, n_hidden=4, n_out=3):
        super().__init__()
        self.layers = [Dense(n_in, n_hidden), Sigmoid(), Dense(n_hidden, n_out)]
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
    def backward(self, grad_output):
        g = grad_output
        {loop}
        return g
"""
GRADS = """self.grads["weight"] = grad_output.T @ x
        self.grads["bias"] = grad_output.sum(0)"""
LOOP = """for layer in self.layers[::-1]:
            g = layer.backward(g)"""


def module(
    forward='x @ self.params["weight"].T + self.params["bias"]',
    grads=GRADS,
    back="grad_output @ w",
    sigmoid="grad_output * self.out * (1 - self.out)",
    loop=LOOP,
):
    return MODULE.format(forward=forward, grads=grads, back=back, sigmoid=sigmoid, loop=loop)


REGRESSION = """
class Regressor:
    def __init__(self, D, H, K):
        self.W1, self.b1 = np.random.randn(D, H), np.zeros((1, H))
        self.W2, self.b2 = np.random.randn(H, K), np.zeros((1, K))
    def forward(self, X):
        self.X = X
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = {act}
        return self.A1 @ self.W2 + self.b2
    def backward(self, y_true, y_pred):
        N = len(y_true)
        d = {d}
        self.dW2 = {dW2}
        self.db2 = {db2}
        dA1 = d @ self.W2.T
        dZ1 = {dZ1}
        self.dW1 = self.X.T @ dZ1
        self.db1 = dZ1.sum(0, keepdims=True)
"""


def regression(
    act="np.tanh(self.Z1)",
    d="2 * (y_pred - y_true) / N",
    dW2="self.A1.T @ d",
    db2="d.sum(0, keepdims=True)",
    dZ1="dA1 * (1 - self.A1 ** 2)",
):
    return REGRESSION.format(act=act, d=d, dW2=dW2, db2=db2, dZ1=dZ1)


PLAIN = """
def softmax(z):
    {softmax}

class CELoss:
    def __call__(self, logits, targets):
        self.probs = softmax(logits)
        self.targets = targets
        batch = logits.shape[0]
        return -np.log(self.probs[range(batch), targets] + 1e-12).sum() {over}
    def backward(self):
        batch = self.targets.shape[0]
        grad = self.probs.copy()
        grad[range(batch), self.targets] -= {one}
        return grad {divided}
"""
STABLE = "s = np.exp(z - z.max(-1, keepdims=True)); return s / s.sum(-1, keepdims=True)"


def plain(softmax=STABLE, over="/ batch", one="1", divided="/ batch"):
    return PLAIN.format(softmax=softmax, over=over, one=one, divided=divided)


STATE = """
class Layer:
    def __init__(self, nin, nout, act="linear"):
        self.w = np.random.randn(nin, nout) / np.sqrt(nin)
        self.b = np.zeros((1, nout))
        self.mw = 0
    def forward(self, a):
        self.a = {save}
        self.z = a.dot(self.w) + self.b
        return np.maximum(self.z, 0)
    def backward(self, delta):
        delta = delta * {mask}
        self.grad_w = self.a.T.dot(delta)
        self.grad_b = {b}
        return {dx}
"""


def state(save="a", mask="(self.z > 0)", b="delta.sum(axis=0, keepdims=True)", dx="delta.dot(self.w.T)"):
    return STATE.format(save=save, mask=mask, b=b, dx=dx)


FAULTS = [
    (
        "module: weight gradient turned",
        "transposed-weight",
        "Dense",
        module(grads=GRADS.replace("grad_output.T @ x", "x.T @ grad_output")),
    ),
    (
        "module: bias gradient of one axis",
        "wrong-axis",
        "Dense",
        module(grads=GRADS.replace("sum(0)", "sum(1)")),
    ),
    (
        "module: bias gradient forgotten",
        "dropped-bias-gradient",
        "Dense",
        module(grads='self.grads["weight"] = grad_output.T @ x'),
    ),
    ("module: bias never added", "dropped-bias", "Dense", module(forward='x @ self.params["weight"].T')),
    (
        "module: bias subtracted",
        "sign",
        "Dense",
        module(forward='x @ self.params["weight"].T - self.params["bias"]'),
    ),
    ("module: turned on the way back", "transposed-weight", "Dense", module(back="grad_output @ w.T")),
    (
        "module: sigmoid of the gradient",
        "wrong-derivative",
        "Sigmoid",
        module(sigmoid="grad_output * grad_output * (1 - grad_output)"),
    ),
    (
        "module: square missing a factor",
        "wrong-derivative",
        "Sigmoid",
        module(sigmoid="grad_output * (1 - self.out)"),
    ),
    ("net: hidden sigmoid wrong", "wrong-derivative", "Net", module(sigmoid="grad_output * self.out")),
    (
        "net: backward forgets a layer",
        "order",
        "Net",
        module(loop="for layer in self.layers[:0:-1]:\n            g = layer.backward(g)"),
    ),
    (
        "net: each layer is given the first gradient",
        "order",
        "Net",
        module(
            loop="for layer in reversed(self.layers[1:]):\n"
            "            layer.backward(grad_output if layer is self.layers[-1] else g * 0 + 1)"
        ),
    ),
    ("regression: factor two and no mean", "missing-1/n", "Regressor", regression(dW2="self.A1.T @ d * N")),
    ("regression: sign", "sign", "Regressor", regression(d="2 * (y_true - y_pred) / N")),
    ("regression: tanh of Z", "wrong-derivative", "Regressor", regression(dZ1="dA1 * (1 - self.Z1 ** 2)")),
    ("regression: input of the product", "wrong-array", "Regressor", regression(dW2="self.Z1.T @ d")),
    ("regression: db2 averaged again", "extra-1/n", "Regressor", regression(db2="d.mean(0, keepdims=True)")),
    ("loss: divided by the classes", "wrong-axis", "CELoss", plain(divided="/ self.probs.shape[1]")),
    ("loss: axis 0", "softmax-axis", "CELoss", plain(STABLE.replace("-1", "0"))),
    ("loss: sum without mean in the gradient", "missing-1/n", "CELoss", plain(divided="")),
    ("loss: unstable", "overflow", "CELoss", plain("return np.exp(z) / np.exp(z).sum(-1, keepdims=True)")),
    ("loss: subtracts 2", "labels", "CELoss", plain(one="2")),
    ("loss: one maximum too many", "softmax-axis", "CELoss", plain("s = np.exp(z); return s / s.sum()")),
    ("state: mask of delta", "wrong-mask", "Layer", state(mask="(delta > 0)")),
    ("state: mask of the input", "wrong-mask", "Layer", state(mask="(self.a.sum(1, keepdims=True) > 0)")),
    ("state: mask forgotten", "wrong-derivative", "Layer", state(mask="1")),
    ("state: saves once", "stale", "Layer", state(save="self.a if hasattr(self, 'a') else a")),
    ("state: dx before the mask, times two", "scale", "Layer", state(dx="2 * delta.dot(self.w.T)")),
    ("state: bias averaged", "missing-1/n", "Layer", state(b="delta.mean(axis=0, keepdims=True)")),
    ("state: input spoilt", "in-place", "Layer", state(save="a; a /= 2")),
]

CORRECT = [
    ("module, weights out x in", "Dense", {}, module()),
    ("stable sigmoid", "Sigmoid", {}, module()),
    ("net of modules", "Net", {}, module()),
    ("regression, mean of squares", "Regressor", {}, regression()),
    ("regression, halved squares", "Regressor", {}, regression(d="(y_pred - y_true)")),
    ("called loss", "CELoss", {}, plain()),
    ("called loss, summed", "CELoss", {}, plain(over="", divided="")),
    ("dense with relu inside", "Layer", {}, state()),
]
