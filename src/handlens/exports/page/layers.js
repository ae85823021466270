// The layers of handlens.nn, forward only, for one image: numbers in the order height, width, channels.
//
// Each function takes a layer's description and `take()`, which hands out its weights in Keras's order, and gives a
// function from {shape, values} to {shape, values}.

import { activation, elu, leakyRelu, softmax } from "./activations.js";

const size = (shape) => shape.reduce((a, b) => a * b, 1);
const pair = (value) => (Array.isArray(value) ? value : [value, value]);
const last = (shape) => shape[shape.length - 1];

function applied(f, shape, values) {
  f(values, last(shape));
  return { shape, values };
}

const elementwise = (f) => ({ shape, values }) => applied(f, shape, values.slice());

/** Where the windows lie along one side: how many, and how many zeros stand before the image. */
function side(length, window, stride, padding) {
  if (padding === "valid") return { count: Math.floor((length - window) / stride) + 1, before: 0 };
  const count = Math.ceil(length / stride);
  return { count, before: Math.floor(Math.max((count - 1) * stride + window - length, 0) / 2) };
}

/** Calls `visit(place of the output, place of the input, place in the window)`: of pixels, not of numbers. */
function eachPixel(shape, window, strides, padding, visit) {
  const [height, width] = shape;
  const rows = side(height, window[0], strides[0], padding);
  const columns = side(width, window[1], strides[1], padding);
  for (let y = 0; y < rows.count; y++) {
    for (let x = 0; x < columns.count; x++) {
      for (let i = 0; i < window[0]; i++) {
        const row = y * strides[0] - rows.before + i;
        if (row < 0 || row >= height) continue;
        for (let j = 0; j < window[1]; j++) {
          const column = x * strides[1] - columns.before + j;
          if (column < 0 || column >= width) continue;
          visit(y * columns.count + x, row * width + column, i * window[1] + j);
        }
      }
    }
  }
}

function outputShape(shape, window, strides, padding, channels) {
  return [
    side(shape[0], window[0], strides[0], padding).count,
    side(shape[1], window[1], strides[1], padding).count,
    channels,
  ];
}

/** An array of that shape, which begins with the biases of its channels. */
function biased(shape, bias) {
  const values = new Float32Array(size(shape));
  if (bias) for (let i = 0; i < values.length; i++) values[i] = bias[i % bias.length];
  return values;
}

function dense(config, take) {
  const kernel = take();
  const bias = config.use_bias ? take() : null;
  const f = activation(config.activation);
  return ({ values }) => {
    const units = config.units;
    const sums = new Float64Array(units);
    if (bias) sums.set(bias);
    for (let i = 0; i < values.length; i++) {
      const x = values[i];
      if (x === 0) continue;
      for (let k = 0, at = i * units; k < units; k++, at++) sums[k] += x * kernel[at];
    }
    return applied(f, [units], Float32Array.from(sums));
  };
}

function convolution(config, take) {
  const kernel = take();
  const bias = config.use_bias ? take() : null;
  const f = activation(config.activation);
  const [window, strides] = [pair(config.kernel_size), pair(config.strides)];
  return ({ shape, values }) => {
    const [channels, filters] = [shape[2], config.filters];
    const out = outputShape(shape, window, strides, config.padding, filters);
    const sums = biased(out, bias);
    eachPixel(shape, window, strides, config.padding, (to, from, place) => {
      for (let c = 0; c < channels; c++) {
        const x = values[from * channels + c];
        if (x === 0) continue;
        const at = (place * channels + c) * filters;
        for (let k = 0; k < filters; k++) sums[to * filters + k] += x * kernel[at + k];
      }
    });
    return applied(f, out, sums);
  };
}

function depthwise(config, take) {
  const kernel = take();
  const bias = config.use_bias ? take() : null;
  const f = activation(config.activation);
  const [window, strides] = [pair(config.kernel_size), pair(config.strides)];
  return ({ shape, values }) => {
    const [channels, many] = [shape[2], config.depth_multiplier];
    const out = outputShape(shape, window, strides, config.padding, channels * many);
    const sums = biased(out, bias);
    eachPixel(shape, window, strides, config.padding, (to, from, place) => {
      for (let c = 0; c < channels; c++) {
        const x = values[from * channels + c];
        const at = (place * channels + c) * many;
        for (let m = 0; m < many; m++) sums[(to * channels + c) * many + m] += x * kernel[at + m];
      }
    });
    return applied(f, out, sums);
  };
}

function pooling(config, begin, join, finish) {
  const window = pair(config.pool_size);
  const strides = pair(config.strides ?? config.pool_size);
  return ({ shape, values }) => {
    const channels = shape[2];
    const out = outputShape(shape, window, strides, config.padding, channels);
    const found = new Float32Array(size(out)).fill(begin);
    const counts = new Uint32Array(out[0] * out[1]);
    eachPixel(shape, window, strides, config.padding, (to, from) => {
      counts[to]++;
      for (let c = 0; c < channels; c++) {
        found[to * channels + c] = join(found[to * channels + c], values[from * channels + c]);
      }
    });
    if (finish) for (let i = 0; i < found.length; i++) found[i] /= counts[Math.floor(i / channels)];
    return { shape: out, values: found };
  };
}

const maxPooling = (config) => pooling(config, -Infinity, Math.max, false);
const averagePooling = (config) => pooling(config, 0, (a, b) => a + b, true);

function globalAverage() {
  return ({ shape, values }) => {
    const channels = shape[2];
    const sums = new Float64Array(channels);
    for (let i = 0; i < values.length; i++) sums[i % channels] += values[i];
    return { shape: [channels], values: Float32Array.from(sums, (s) => s * channels / values.length) };
  };
}

function zeroPadding(config) {
  const [rows, columns] = pair(config.padding);
  return ({ shape, values }) => {
    const [height, width, channels] = shape;
    const out = [height + 2 * rows, width + 2 * columns, channels];
    const padded = new Float32Array(size(out));
    for (let y = 0; y < height; y++) {
      const row = values.subarray(y * width * channels, (y + 1) * width * channels);
      padded.set(row, ((y + rows) * out[1] + columns) * channels);
    }
    return { shape: out, values: padded };
  };
}

function batchNormalization(config, take) {
  const gamma = config.scale ? take() : null;
  const beta = config.center ? take() : null;
  const [mean, variance] = [take(), take()];
  return ({ shape, values }) => {
    const channels = last(shape);
    const normal = values.map((x, i) => {
      const c = i % channels;
      const scaled = (x - mean[c]) / Math.sqrt(variance[c] + config.epsilon) * (gamma ? gamma[c] : 1);
      return scaled + (beta ? beta[c] : 0);
    });
    return { shape, values: normal };
  };
}

function layerNormalization(config, take) {
  const gamma = config.scale ? take() : null;
  const beta = config.center ? take() : null;
  return ({ shape, values }) => {
    const channels = last(shape);
    const normal = new Float32Array(values.length);
    for (let start = 0; start < values.length; start += channels) {
      const part = values.subarray(start, start + channels);
      const mean = part.reduce((a, b) => a + b, 0) / channels;
      const variance = part.reduce((a, b) => a + (b - mean) ** 2, 0) / channels;
      for (let c = 0; c < channels; c++) {
        const scaled = (part[c] - mean) / Math.sqrt(variance + config.epsilon) * (gamma ? gamma[c] : 1);
        normal[start + c] = scaled + (beta ? beta[c] : 0);
      }
    }
    return { shape, values: normal };
  };
}

function residual(config, take) {
  const long = chain(config.layers, take);
  const short = chain(config.shortcut, take);
  const f = activation(config.activation);
  return (x) => {
    const { shape, values } = long(x);
    const other = short(x).values;
    return applied(f, shape, values.map((value, i) => value + other[i]));
  };
}

const BUILDERS = {
  Flatten: () => ({ values }) => ({ shape: [values.length], values }),
  Dropout: () => (x) => x, // nothing is dropped in predicting
  ZeroPadding2D: zeroPadding,
  Dense: dense,
  Conv2D: convolution,
  DepthwiseConv2D: depthwise,
  MaxPooling2D: maxPooling,
  AveragePooling2D: averagePooling,
  GlobalAveragePooling2D: globalAverage,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Activation: (config) => elementwise(activation(config.activation)),
  ReLU: () => elementwise(activation("relu")),
  LeakyReLU: (config) => elementwise(leakyRelu(config.negative_slope)),
  ELU: (config) => elementwise(elu(config.alpha)),
  Softmax: () => elementwise(softmax),
  Residual: residual,
};

/** One function from input to output of the layers that the descriptions name. */
export function chain(descriptions, take) {
  const steps = descriptions.map((config) => {
    if (!Object.hasOwn(BUILDERS, config.layer)) throw new Error(`unknown layer ${config.layer}`);
    return BUILDERS[config.layer](config, take);
  });
  return (x) => steps.reduce((value, step) => step(value), x);
}
