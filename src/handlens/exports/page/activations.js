// Activation functions, as handlens.nn.activations has them. Each changes an array of numbers in place.

// Rational approximations of W. J. Cody, "Rational Chebyshev approximation for the error function",
// Mathematics of Computation 23 (1969).
const SMALL_TOP = [1.85777706184603153e-1, 3.1611237438705656, 1.13864154151050156e2, 3.77485237685302021e2,
  3.20937758913846947e3];
const SMALL_BOTTOM = [1, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
  2.84423683343917062e3];
const MIDDLE_TOP = [2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
  2.98635138197400131e2, 8.8195222124176909e2, 1.71204761263407058e3, 2.05107837782607147e3,
  1.23033935479799725e3];
const MIDDLE_BOTTOM = [1, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
  1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
  1.23033935480374942e3];

const polynomial = (factors, x) => factors.reduce((sum, factor) => sum * x + factor, 0);

function erf(x) {
  const size = Math.min(Math.abs(x), 6);
  const square = size * size;
  const found = size <= 0.46875
    ? size * polynomial(SMALL_TOP, square) / polynomial(SMALL_BOTTOM, square)
    : 1 - Math.exp(-square) * polynomial(MIDDLE_TOP, size) / polynomial(MIDDLE_BOTTOM, size);
  return Math.sign(x) * found;
}

const sigmoid = (z) => 0.5 * (Math.tanh(0.5 * z) + 1);

const each = (f) => (values) => {
  for (let i = 0; i < values.length; i++) values[i] = f(values[i]);
};

/** Exponentials that sum to one over every `channels` neighbouring numbers. */
export function softmax(values, channels = values.length) {
  for (let start = 0; start < values.length; start += channels) {
    const part = values.subarray(start, start + channels);
    const largest = part.reduce((a, b) => Math.max(a, b), -Infinity);
    let sum = 0;
    for (let i = 0; i < channels; i++) sum += Math.exp(part[i] - largest);
    for (let i = 0; i < channels; i++) part[i] = Math.exp(part[i] - largest) / sum;
  }
}

const leakyRelu = (slope) => each((z) => (z > 0 ? z : slope * z));
const elu = (alpha) => each((z) => (z > 0 ? z : alpha * Math.expm1(z)));

const FUNCTIONS = {
  linear: () => {},
  relu: each((z) => Math.max(z, 0)),
  leaky_relu: leakyRelu(0.2),
  elu: elu(1),
  gelu: each((z) => z * 0.5 * (1 + erf(z * Math.SQRT1_2))),
  silu: each((z) => z * sigmoid(z)),
  sigmoid: each(sigmoid),
  tanh: each(Math.tanh),
  softmax,
};

/** The function of a name (null: linear); it is called with the numbers and how many channels they have. */
export function activation(name) {
  const found = FUNCTIONS[name ?? "linear"];
  if (!found) throw new Error(`unknown activation ${name}`);
  return found;
}

export { elu, leakyRelu };
