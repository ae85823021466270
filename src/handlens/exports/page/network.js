// A network from its JSON document (see docs/export.md): weights out of base64, pixels in, probabilities out.

import { softmax } from "./activations.js";
import { chain } from "./layers.js";

/** The number that 16 bits stand for: sign, 5 bits of exponent, 10 of fraction (IEEE 754 binary16). */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function decode({ data, type }) {
  const text = atob(data);
  const view = new DataView(new ArrayBuffer(text.length));
  for (let i = 0; i < text.length; i++) view.setUint8(i, text.charCodeAt(i));
  if (type !== "float16" && type !== "float32") throw new Error(`unknown type ${type}`);
  const numbers = new Float32Array(text.length / (type === "float16" ? 2 : 4));
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = type === "float16" ? half(view.getUint16(2 * i, true)) : view.getFloat32(4 * i, true);
  }
  return numbers;
}

/** `predict(pixels)` of a document: 0..255 [height * width * channels] to probabilities [classes]. */
export function createNetwork({ network, weights, passport }) {
  let next = 0;
  const run = chain(network.layers, () => decode(weights[next++]));
  const list = (value) => Float32Array.from([value].flat(Infinity));
  const [offset, scale] = [list(passport.preparation.offset), list(passport.preparation.scale)];
  const count = network.input_shape.reduce((a, b) => a * b, 1);
  return function predict(pixels) {
    if (pixels.length !== count) throw new Error(`expected ${count} pixels, got ${pixels.length}`);
    const values = Float32Array.from(pixels, (x, i) =>
      Math.fround(x - offset[i % offset.length]) * scale[i % scale.length]);
    const answer = run({ shape: network.input_shape, values }).values.slice();
    softmax(answer);
    return answer;
  };
}
