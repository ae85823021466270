// Pictures as {height, width, channels, values}, numbers row by row, and their resampling.

/** A picture of zeros, or of the numbers given. */
export function picture(height, width, channels, values = new Float64Array(height * width * channels)) {
  return { height, width, channels, values };
}

/** An array of that kind with f of each number and its place; `Kind.from` would take ten times as long. */
export function mapped(values, f, Kind = Float64Array) {
  const made = new Kind(values.length);
  for (let i = 0; i < values.length; i++) made[i] = f(values[i], i);
  return made;
}

/** Luma, ITU-R BT.601, one channel. */
export function grey(image) {
  if (image.channels === 1) return picture(image.height, image.width, 1, Float64Array.from(image.values));
  const made = picture(image.height, image.width, 1);
  const { values } = image;
  for (let i = 0; i < made.values.length; i++) {
    made.values[i] = 0.299 * values[3 * i] + 0.587 * values[3 * i + 1] + 0.114 * values[3 * i + 2];
  }
  return made;
}

/** To the nearest whole number; halves to the even one, as NumPy rounds. */
export function rint(x) {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}

/** Whole numbers 0..255. */
export function toBytes(image) {
  return { ...image, values: mapped(image.values, (x) => rint(Math.min(Math.max(x, 0), 255)), Uint8Array) };
}

/** The pixels from (top, left) to (bottom, right), these not included; zeros beyond the picture. */
export function cut(image, top, left, bottom, right) {
  const made = picture(bottom - top, right - left, image.channels);
  const first = Math.max(left, 0);
  const past = Math.min(right, image.width);
  for (let y = Math.max(top, 0); y < Math.min(bottom, image.height) && first < past; y++) {
    const start = y * image.width;
    const row = image.values.subarray((start + first) * image.channels, (start + past) * image.channels);
    made.values.set(row, ((y - top) * made.width + first - left) * image.channels);
  }
  return made;
}

// Keys 1981 with a = -1/2, as Pillow's BICUBIC.
function bicubic(x) {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? -0.5 * (((t - 5) * t + 8) * t - 4) : 0;
}

/** For each of `count` pixels along the part from `begin` to `end`: the first pixel that it sees, and weights. */
function weights(length, begin, end, count) {
  const scale = (end - begin) / count;
  const wide = Math.max(scale, 1);
  return Array.from({ length: count }, (_, i) => {
    const centre = begin + (i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - 2 * wide + 0.5), 0);
    const past = Math.min(Math.trunc(centre + 2 * wide + 0.5), length);
    const found = Float64Array.from({ length: past - first }, (_, k) =>
      bicubic((k + first - centre + 0.5) / wide));
    const sum = found.reduce((a, b) => a + b, 0);
    return { first, factors: found.map((w) => w / sum) };
  });
}

/** Pillow's resize with BICUBIC: anti-aliased, rows first; `box` is the part that is seen, in pixels.
 *  `round` is applied after each of the two passes. */
export function resample(image, height, width, box, round = (x) => x) {
  const { channels } = image;
  const [left, top, right, bottom] = box ?? [0, 0, image.width, image.height];
  const across = picture(image.height, width, channels);
  weights(image.width, left, right, width).forEach(({ first, factors }, x) => {
    for (let y = 0; y < image.height; y++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        factors.forEach((w, k) => { sum += w * image.values[(y * image.width + first + k) * channels + c]; });
        across.values[(y * width + x) * channels + c] = round(sum);
      }
    }
  });
  const made = picture(height, width, channels);
  weights(image.height, top, bottom, height).forEach(({ first, factors }, y) => {
    for (let i = 0; i < width * channels; i++) {
      let sum = 0;
      factors.forEach((w, k) => { sum += w * across.values[(first + k) * width * channels + i]; });
      made.values[y * width * channels + i] = round(sum);
    }
  });
  return made;
}

const toByte = (x) => Math.min(Math.max(Math.floor(x + 0.5), 0), 255);

/** A picture of whole numbers 0..255 in another size, not cropped. */
export function resize(image, height, width) {
  if (image.height === height && image.width === width) return image;
  return resample(image, height, width, null, toByte);
}
