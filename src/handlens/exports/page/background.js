// The background behind what stands out: flat, or a plane or quadric where light falls off; handlens.data.content.

import { FAINT, ROBUST, border, median } from "./content.js";
import { picture } from "./image.js";

/** Factors of the terms whose sum comes nearest to the values: least squares by the normal equations. */
function fitted(rows, values) {
  const count = rows[0].length;
  const system = Array.from({ length: count }, () => new Float64Array(count + 1));
  rows.forEach((row, n) => {
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) system[i][j] += row[i] * row[j];
      system[i][count] += row[i] * values[n];
    }
  });
  for (let i = 0; i < count; i++) {
    let pivot = i;
    for (let k = i + 1; k < count; k++) if (Math.abs(system[k][i]) > Math.abs(system[pivot][i])) pivot = k;
    [system[i], system[pivot]] = [system[pivot], system[i]];
    if (Math.abs(system[i][i]) < 1e-12) return null;
    for (let k = 0; k < count; k++) {
      if (k === i) continue;
      const factor = system[k][i] / system[i][i];
      for (let j = i; j <= count; j++) system[k][j] -= factor * system[i][j];
    }
  }
  return system.map((row, i) => row[count] / row[i]);
}

const terms = (y, x) => [1, y, x, y * y, x * y, x * x];

/** A surface by the factors of its terms; y and x from -1/2 to 1/2. */
function surface([one, ofY, ofX, ofYY = 0, ofXY = 0, ofXX = 0], y, x) {
  return one + y * (ofY + ofYY * y + ofXY * x) + x * (ofX + ofXX * x);
}

/** Some pixels of a plane with their places: {y, x, value}. */
function* pixels({ height, width, values }, stepY, stepX) {
  for (let i = 0; i < height; i += stepY) {
    for (let j = 0; j < width; j += stepX) {
      yield { y: i / height - 0.5, x: j / width - 0.5, value: values[i * width + j] };
    }
  }
}

/** The background of one channel: the border's median, or a plane or quadric where light falls off.
 *
 *  A surface is fitted to the pixels near it; it is taken only where it explains the border clearly better than what
 *  is simpler. Gives its factors. */
function background(plane) {
  const { height, width } = plane;
  const some = [...pixels(plane, Math.floor(height / 64) + 1, Math.floor(width / 64) + 1)];
  const edge = [
    ...pixels(plane, Math.max(height - 1, 1), 1),
    ...pixels(plane, 1, Math.max(width - 1, 1)),
  ];
  const away = (factors) => median(edge.map(({ y, x, value }) => Math.abs(value - surface(factors, y, x))));
  let best = [median(border(plane)), 0, 0];
  let least = away(best);
  for (const count of least ? [3, 6] : []) { // nothing explains a flat border better
    let [found, rest] = [best, least];
    for (let turn = 0; turn < 6; turn++) {
      const limit = 3 * ROBUST * rest + FAINT / 2;
      const near = some.filter(({ y, x, value }) => Math.abs(value - surface(found, y, x)) <= limit);
      const rows = near.map(({ y, x }) => terms(y, x).slice(0, count));
      const factors = rows.length ? fitted(rows, near.map(({ value }) => value)) : null;
      if (!factors) break;
      found = factors;
      rest = away(found);
    }
    if (rest < 0.5 * least) [best, least] = [found, rest];
  }
  return best;
}

/** The picture without its background, channel by channel. */
export function contrastOf(image) {
  const { height, width, channels } = image;
  const made = picture(height, width, channels);
  for (let c = 0; c < channels; c++) {
    const plane = picture(height, width, 1);
    for (let i = 0; i < height * width; i++) plane.values[i] = image.values[i * channels + c];
    const factors = background(plane);
    for (let i = 0; i < height * width; i++) {
      const y = Math.floor(i / width) / height - 0.5;
      made.values[i * channels + c] = plane.values[i] - surface(factors, y, (i % width) / width - 0.5);
    }
  }
  return made;
}
