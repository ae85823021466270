"""Correct layers, losses and networks of different styles: (name, target, options, source)."""

from planted_faults import (
    GOOD_RELU,
    GRAD,
    SIGMOID,
    activation,
    column,
    cs231n,
    linear,
    loss,
    network,
    sequential,
    two_layer,
)

BOOK = """
class Affine:
    def __init__(self, W, b):
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.x = None
    def forward(self, x):
        W, b = self.params
        self.x = x
        return np.dot(x, W) + b
    def backward(self, dout):
        W, b = self.params
        dx = np.dot(dout, W.T)
        self.grads[0][...] = np.dot(self.x.T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return dx

class Relu:
    def __init__(self):
        self.mask = None
    def forward(self, x):
        self.mask = (x <= 0)
        out = x.copy()
        out[self.mask] = 0
        return out
    def backward(self, dout):
        dout[self.mask] = 0
        dx = dout
        return dx

class SoftmaxWithLoss:
    def __init__(self):
        self.loss = None
        self.y = None
        self.t = None
    def forward(self, x, t):
        self.t = t
        x = x - np.max(x, axis=-1, keepdims=True)
        self.y = np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)
        self.loss = -np.sum(self.t * np.log(self.y + 1e-7)) / x.shape[0]
        return self.loss
    def backward(self, dout=1):
        return (self.y - self.t) / self.t.shape[0] * dout
"""

TENSORS = """
class Tensor:
    def __init__(self, shape):
        self.data = np.random.randn(*shape).astype(np.float32)
        self.grad = np.zeros(shape, np.float32)

class Linear:
    def __init__(self, in_nodes, out_nodes):
        self.weights = Tensor((in_nodes, out_nodes))
        self.bias = Tensor((1, out_nodes))
    def zero_grad(self):
        self.weights.grad[...] = 0
        self.bias.grad[...] = 0
    def forward(self, x):
        self.input = x.astype(np.float32)
        return np.dot(self.input, self.weights.data) + self.bias.data
    def backward(self, d_y):
        self.weights.grad += np.dot(self.input.T, d_y).astype(np.float32)
        self.bias.grad += np.sum(d_y, axis=0, keepdims=True).astype(np.float32)
        return np.dot(d_y, self.weights.data.T)
"""

CLOSURE = """
def linear(n_in, n_out):
    W = np.random.randn(n_out, n_in)
    b = np.zeros(n_out)
    saved = {}
    def forward(x):
        saved["x"] = x
        return x @ W.T + b
    def backward(grad):
        return grad @ W, grad.T @ saved["x"], grad.sum(axis=0)
    return forward, backward
"""

UPDATING = """
class Dense:
    def __init__(self, input_units, output_units, learning_rate=0.1):
        self.learning_rate = learning_rate
        self.weights = np.random.randn(input_units, output_units) * 0.01
        self.biases = np.zeros(output_units)
    def forward(self, input):
        return input @ self.weights + self.biases
    def backward(self, input, grad_output):
        grad_input = grad_output @ self.weights.T
        self.weights = self.weights - self.learning_rate * (input.T @ grad_output)
        self.biases = self.biases - self.learning_rate * grad_output.sum(axis=0)
        return grad_input
"""

RATE_ARGUMENT = """
class Dense:
    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size)
        self.bias = np.random.randn(output_size, 1)
    def forward(self, input):
        self.input = input
        return np.dot(self.weights, self.input) + self.bias
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights.T, output_gradient)
        self.weights -= learning_rate * weights_gradient
        self.bias -= learning_rate * np.sum(output_gradient, axis=1, keepdims=True)
        return input_gradient
"""

SOFTMAX_LOSS = """
def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(Z)
    probs = np.exp(log_probs)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx
"""

TWO_FUNCTIONS = """
def softmax_crossentropy_with_logits(logits, reference_answers):
    logits_for_answers = logits[np.arange(len(logits)), reference_answers]
    top = logits.max(axis=1)
    return -logits_for_answers + top + np.log(np.sum(np.exp(logits - top[:, None]), axis=-1))

def grad_softmax_crossentropy_with_logits(logits, reference_answers):
    ones = np.zeros_like(logits)
    ones[np.arange(len(logits)), reference_answers] = 1
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (-ones + e / e.sum(axis=-1, keepdims=True)) / logits.shape[0]
"""

COLUMN_LOSS = """
class CrossEntropy:
    def forward(self, Z, Y):
        E = np.exp(Z - Z.max(axis=0, keepdims=True))
        self.P, self.Y = E / E.sum(axis=0, keepdims=True), Y
        return -np.sum(Y * np.log(self.P + 1e-12)) / Z.shape[1]
    def backward(self):
        return (self.P - self.Y) / self.Y.shape[1]
"""

OURS = """
from handlens.nn.layers import Conv2D, Dense

def dense():
    return Dense(3)

def dense_tanh():
    return Dense(3, activation="tanh")
"""

WRAPPED = """
from handlens.nn.layers import Dense
from handlens.nn.cache import Cache

class Wrapped:
    def __init__(self, n_in, n_out):
        self.layer = Dense(n_out)
        self.layer.place((n_in,))
        for p in self.layer.parameters():
            self.layer.bind(p.name, np.random.randn(*p.shape))
        self.cache = Cache(np.dtype(float), {p.name: np.zeros(p.shape) for p in self.layer.parameters()})
    def forward(self, x):
        return self.layer.forward(x.T, self.cache).T.copy()
    def backward(self, dout):
        return self.layer.backward(np.ascontiguousarray(dout.T), self.cache).T.copy()
"""

PRIMES = """
def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))

def tanh(z):
    return np.tanh(z)

def tanh_derivative(a):
    return 1 - a ** 2
"""

MSE = """
class MSELoss:
    def forward(self, pred, target):
        self.pred, self.target = pred, target
        return np.mean((pred - target) ** 2)
    def backward(self):
        return 2 * (self.pred - self.target) / self.pred.size
"""

CORRECT = [
    ("lab D: rows, summed", "Linear", {}, linear()),
    (
        "rows, averaged in the layer",
        "Linear",
        {},
        linear(dW="self.x.T @ dout / len(dout)", db="dout.mean(axis=0)"),
    ),
    (
        "rows, bias as a row",
        "Linear",
        {},
        linear(db="dout.sum(axis=0, keepdims=True)").replace("np.zeros(n_out)", "np.zeros((1, n_out))"),
    ),
    ("columns, averaged", "Layer", {}, column()),
    ("columns, summed", "Layer", {}, column(dW="dZ @ self.A_prev.T", db="dZ.sum(axis=1, keepdims=True)")),
    ("functions of CS231n", "affine_forward", {}, cs231n()),
    ("a pair by name", "affine_forward,affine_backward", {}, cs231n()),
    ("the book: lists of parameters", "Affine", {}, BOOK),
    ("the book: relu overwrites dout", "Relu", {}, BOOK),
    ("the book: loss of one-hot labels", "SoftmaxWithLoss", {}, BOOK),
    ("tensors in float32, zero_grad", "Linear", {}, TENSORS),
    ("closure", "linear", {}, CLOSURE),
    ("updates itself", "Dense", {}, UPDATING),
    ("learning rate as an argument", "Dense", {}, RATE_ARGUMENT),
    (
        "no bias",
        "Linear",
        {},
        linear(forward="x @ self.W", db="None")
        .replace("self.b = np.zeros(n_out)", "")
        .replace("self.db = None", ""),
    ),
    ("ours", "dense", {}, OURS),
    ("ours with an activation", "dense_tanh", {}, OURS),
    ("ours, wrapped", "Wrapped", {}, WRAPPED),
    ("relu", "ReLU", {}, GOOD_RELU),
    ("sigmoid", "Sigmoid", {}, activation("Sigmoid", "1 / (1 + np.exp(-x))", "dout * self.y * (1 - self.y)")),
    ("tanh", "Tanh", {}, activation("Tanh", "np.tanh(x)", "dout * (1 - self.y ** 2)")),
    (
        "leaky relu",
        "LeakyReLU",
        {},
        activation("LeakyReLU", "np.where(x > 0, x, 0.01 * x)", "dout * np.where(self.x > 0, 1, 0.01)"),
    ),
    (
        "softmax of columns",
        "Softmax",
        {"batch": "last"},
        activation(
            "Softmax",
            "np.exp(x - x.max(axis=0)) / np.exp(x - x.max(axis=0)).sum(axis=0)",
            "self.y * (dout - (dout * self.y).sum(axis=0))",
        ),
    ),
    ("function and derivative", "sigmoid", {}, PRIMES),
    ("derivative of the output", "tanh", {}, PRIMES),
    ("loss: mean", "SoftmaxCrossEntropy", {}, loss()),
    (
        "loss: sum",
        "SoftmaxCrossEntropy",
        {},
        loss(loss="-np.log(self.p[np.arange(n), y]).sum()", grad=GRAD.replace("d / n", "d")),
    ),
    ("loss and gradient in one", "softmax_loss", {}, SOFTMAX_LOSS),
    ("two functions, a loss an image", "softmax_crossentropy_with_logits", {}, TWO_FUNCTIONS),
    ("loss of columns", "CrossEntropy", {}, COLUMN_LOSS),
    ("mean squared error", "MSELoss", {}, MSE),
    ("lab E: relu", "Network", {}, network()),
    ("lab E: sigmoid", "Network", {}, network(**SIGMOID)),
    (
        "lab E: tanh, summed",
        "Network",
        {},
        network(
            f="np.tanh(z)",
            df="1 - np.tanh(z) ** 2",
            dW="delta @ self.A[i].T",
            db="delta.sum(axis=1, keepdims=True)",
        ),
    ),
    ("two layers, dictionaries", "TwoLayerNet", {}, two_layer()),
    ("lab D: sequential", "make", {}, sequential(linear())),
]

DROPOUT = """
class Dropout:
    def __init__(self, p=0.5):
        self.p = p
    def forward(self, x, train_flg=True):
        self.mask = (np.random.rand(*x.shape) > self.p) / (1 - self.p)
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask

class Swish:
    def forward(self, x):
        self.x, self.s = x, 1 / (1 + np.exp(-1.5 * x))
        return x * self.s
    def backward(self, dout):
        return dout * (self.s + 1.5 * self.x * self.s * (1 - self.s))
"""
CORRECT += [
    ("dropout", "Dropout", {}, DROPOUT),
    ("a function that is not among ours", "Swish", {}, DROPOUT),
    (
        "steeper leaky relu",
        "LeakyReLU",
        {},
        activation("LeakyReLU", "np.where(x > 0, x, 0.2 * x)", "dout * np.where(self.x > 0, 1, 0.2)"),
    ),
]

STATIC = """
class Sigmoid:
    @staticmethod
    def forward(x):
        return 1 / (1 + np.exp(-x))
    @staticmethod
    def backward(x):
        s = 1 / (1 + np.exp(-x))
        return s * (1 - s)

class Relu:
    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, 0)
    def backward(self, x):
        return np.where(self.mask, x, 0)
"""
CORRECT += [
    ("static slope", "Sigmoid", {}, STATIC),
    ("a gradient that is called x", "Relu", {}, STATIC),
]

TORCH7 = """
class Sequential:
    def __init__(self):
        self.modules = []
    def add(self, m):
        self.modules.append(m); return self
    def forward(self, x):
        for m in self.modules: x = m.forward(x)
        return x
    def backward(self, x, grad):
        outs=[x]
        for m in self.modules: outs.append(m.forward(outs[-1]))
        for i in range(len(self.modules)-1,-1,-1):
            grad = self.modules[i].backward(outs[i], grad)
        return grad
class Linear:
    def __init__(self, n_in, n_out):
        stdv = 1./np.sqrt(n_in)
        self.W = np.random.uniform(-stdv, stdv, size=(n_out, n_in))
        self.b = np.random.uniform(-stdv, stdv, size=n_out)
        self.gradW = np.zeros_like(self.W); self.gradb = np.zeros_like(self.b)
    def forward(self, input):
        self.output = np.add(input.dot(self.W.T), self.b)
        return self.output
    def backward(self, input, gradOutput):
        self.zeroGradParameters()
        self.gradInput = gradOutput.dot(self.W)
        self.gradW += gradOutput.T.dot(input)
        self.gradb += gradOutput.sum(axis=0)
        return self.gradInput
    def zeroGradParameters(self):
        self.gradW.fill(0); self.gradb.fill(0)
class Tanh:
    def forward(self, input):
        return np.tanh(input)
    def backward(self, input, gradOutput):
        return gradOutput*(1-np.tanh(input)**2)
def net():
    return Sequential().add(Linear(5,4)).add(Tanh()).add(Linear(4,3))
class LogSoftMax:
    def forward(self, input):
        z = input - input.max(axis=1, keepdims=True)
        self.output = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return self.output
    def backward(self, input, gradOutput):
        return gradOutput - np.exp(self.output)*gradOutput.sum(axis=1, keepdims=True)
class ClassNLL:
    def forward(self, input, target):
        return -np.sum(target*np.clip(input, -1e10, 0))/input.shape[0]
    def backward(self, input, target):
        return -target/input.shape[0]
"""

MORE = """
class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {'W1': weight_init_std*np.random.randn(input_size, hidden_size),
          'b1': np.zeros(hidden_size),
          'W2': weight_init_std*np.random.randn(hidden_size, output_size),
          'b2': np.zeros(output_size)}
    def predict(self, x):
        a1 = np.dot(x, self.params['W1']) + self.params['b1']
        self.z1 = 1/(1+np.exp(-a1))
        a2 = np.dot(self.z1, self.params['W2']) + self.params['b2']
        e = np.exp(a2 - a2.max(axis=1, keepdims=True))
        return e/e.sum(axis=1, keepdims=True)
    def loss(self, x, t):
        y = self.predict(x); return -np.sum(t*np.log(y+1e-7))/len(x)
    def gradient(self, x, t):
        W1, W2 = self.params['W1'], self.params['W2']
        y = self.predict(x); n = len(x); grads = {}
        dy = (y-t)/n
        grads['W2'] = self.z1.T @ dy; grads['b2'] = dy.sum(axis=0)
        da = dy @ W2.T * self.z1*(1-self.z1)
        grads['W1'] = x.T @ da; grads['b1'] = da.sum(axis=0)
        return grads
class MSE:
    def forward(self, y_true, y_pred):
        return np.mean(np.power(y_true-y_pred, 2))
    def backward(self, y_true, y_pred):
        return 2*(y_pred-y_true)/np.size(y_true)
def mse(y_true, y_pred):
    return np.mean(np.power(y_true-y_pred, 2))
def mse_prime(y_true, y_pred):
    return 2*(y_pred-y_true)/y_true.size
class Single:
    def __init__(self, input_size, output_size):
        self.W = np.random.randn(output_size, input_size); self.b = np.random.randn(output_size, 1)
    def forward(self, x):
        self.x = x
        return self.W.dot(x) + self.b
    def backward(self, g, lr=0.01):
        dw = g.dot(self.x.T)
        dx = self.W.T.dot(g)
        self.W -= lr*dw; self.b -= lr*g.sum(axis=1, keepdims=True)
        return dx
class BCE:
    def forward(self, p, y):
        return -np.mean(y*np.log(p)+(1-y)*np.log(1-p))
    def backward(self, p, y):
        return (p-y)/(p*(1-p))/p.size
class Biasless:
    def __init__(self, d_in, d_out):
        self.theta = np.random.randn(d_in+1, d_out)
    def forward(self, x):
        self.x = np.hstack([x, np.ones((len(x),1))])
        return self.x @ self.theta
    def backward(self, delta):
        self.grad = self.x.T @ delta
        return (delta @ self.theta.T)[:, :-1]
"""
CORRECT += [(f"7: {name}", name, {}, TORCH7) for name in ("Linear", "Tanh", "net", "LogSoftMax", "ClassNLL")]
CORRECT += [
    (f"more: {name}", name, {}, MORE) for name in ("TwoLayerNet", "MSE", "mse", "Single", "BCE", "Biasless")
]
