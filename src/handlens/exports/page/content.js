// What stands out in a picture: the content, its place, the width of its strokes; handlens.data.content.

import { grey, mapped } from "./image.js";

const FAINT = 12; // grey levels: less contrast than this is no content
const EDGE = 0.3; // share of the strongest contrast from which a pixel belongs to the content
const SPECK = 0.03; // share of the largest connected piece below which a piece is dirt
const ROBUST = 1.4826; // the median distance from the median, times this, is a normal distribution's deviation

export { FAINT, ROBUST };

export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The outermost pixels of one channel, corners twice. */
export function border({ height, width, values }) {
  const found = [...values.subarray(0, width), ...values.subarray((height - 1) * width)];
  for (let y = 0; y < height; y++) found.push(values[y * width], values[(y + 1) * width - 1]);
  return found;
}

/** The value farthest from zero. */
export function strongest(values) {
  let found = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) > Math.abs(found)) found = values[i];
  return found;
}

const above = ({ values }) => {
  const least = EDGE * Math.abs(strongest(values));
  return mapped(values, (x) => (Math.abs(x) > least ? 1 : 0), Uint8Array);
};

/** Pieces that touch each other, corners included: the piece of each pixel, from 1, and the pieces' areas. */
function pieces(mask, height, width) {
  const piece = new Int32Array(mask.length);
  const areas = [0];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || piece[start]) continue;
    const waiting = [start];
    piece[start] = areas.length;
    let area = 0;
    while (waiting.length) {
      const at = waiting.pop();
      area++;
      const y = Math.floor(at / width);
      const x = at % width;
      for (let i = Math.max(y - 1, 0); i <= Math.min(y + 1, height - 1); i++) {
        for (let j = Math.max(x - 1, 0); j <= Math.min(x + 1, width - 1); j++) {
          const next = i * width + j;
          if (mask[next] && !piece[next]) {
            piece[next] = areas.length;
            waiting.push(next);
          }
        }
      }
    }
    areas.push(area);
  }
  return { piece, areas };
}

/** What stands out in a contrast of one channel: mask, box and centre of mass; null where nothing does. */
export function find(contrast) {
  const { height, width, values } = contrast;
  if (Math.abs(strongest(values)) < FAINT) return null;
  const { piece, areas } = pieces(above(contrast), height, width);
  const least = SPECK * areas.reduce((a, b) => Math.max(a, b), 0);
  const mask = mapped(piece, (p) => (p && areas[p] >= least ? 1 : 0), Uint8Array);
  let [top, left, bottom, right, total, down, along] = [height, width, 0, 0, 0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (!mask[at]) continue;
      const weight = Math.abs(values[at]);
      top = Math.min(top, y);
      left = Math.min(left, x);
      bottom = Math.max(bottom, y + 1);
      right = Math.max(right, x + 1);
      total += weight;
      down += weight * (y + 0.5);
      along += weight * (x + 0.5);
    }
  }
  return { mask, box: [top, left, bottom, right], mass: [down / total, along / total] };
}

export function centre({ box: [top, left, bottom, right], mass }, centring) {
  return centring === "mass" ? mass : [(top + bottom) / 2, (left + right) / 2];
}

/** The longer side of the box as a share of an image's side. */
export function share({ box: [top, left, bottom, right] }, height, width) {
  return Math.max((bottom - top) / height, (right - left) / width);
}

/** Squared distances along a line, from those at its points: the lower envelope of parabolas
 *  (Felzenszwalb & Huttenlocher 2012, Theory of Computing 8). */
function envelope(line) {
  const n = line.length;
  const [vertex, from] = [new Int32Array(n), new Float64Array(n + 1)];
  let k = -1;
  for (let q = 0; q < n; q++) {
    if (line[q] === Infinity) continue;
    let start = -Infinity;
    for (; k >= 0; k--) {
      const p = vertex[k];
      start = (line[q] + q * q - line[p] - p * p) / (2 * (q - p));
      if (start > from[k]) break;
    }
    if (k < 0) start = -Infinity;
    k++;
    [vertex[k], from[k]] = [q, start];
  }
  if (k < 0) return line;
  const last = k;
  k = 0;
  return line.map((_, q) => {
    while (k < last && from[k + 1] <= q) k++;
    return (q - vertex[k]) ** 2 + line[vertex[k]];
  });
}

/** The mean distance of the pixels of a mask to the nearest pixel outside of it or of the picture. */
function meanDepth(mask, height, width) {
  const [rows, columns] = [height + 2, width + 2];
  const squared = new Float64Array(rows * columns);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (mask[y * width + x]) squared[(y + 1) * columns + x + 1] = Infinity;
  }
  for (let x = 0; x < columns; x++) {
    const column = new Float64Array(rows);
    for (let y = 0; y < rows; y++) column[y] = squared[y * columns + x];
    const found = envelope(column);
    for (let y = 0; y < rows; y++) squared[y * columns + x] = found[y];
  }
  let [sum, count] = [0, 0];
  for (let y = 0; y < rows; y++) {
    for (const d of envelope(squared.subarray(y * columns, (y + 1) * columns))) {
      if (d === 0) continue;
      sum += Math.sqrt(d);
      count++;
    }
  }
  return sum / count;
}

/** The width in pixels of the strokes: across a line w wide the mean distance to the outside is w / 4 + 1 / 2. */
export function thickness(image) {
  const contrast = grey(image);
  if (!strongest(contrast.values)) return 0;
  return 4 * meanDepth(above(contrast), contrast.height, contrast.width) - 2;
}

/** The mean contrast within the content, as a share of the strongest; 1 where all is flat. */
export function density(contrast) {
  const most = Math.abs(strongest(contrast.values));
  if (!most) return 1;
  let [sum, count] = [0, 0];
  for (let i = 0; i < contrast.values.length; i++) {
    const size = Math.abs(contrast.values[i]);
    if (size <= EDGE * most) continue;
    sum += size;
    count++;
  }
  return sum / count / most;
}

/** The mask with `times` more pixels on every side, counted along rows and columns. */
export function dilated(mask, height, width, times) {
  let wide = mask;
  for (let turn = 0; turn < times; turn++) {
    const before = wide;
    wide = mapped(before, (inside, at) => {
      const x = at % width;
      return inside || (x > 0 && before[at - 1]) || (x < width - 1 && before[at + 1])
        || before[at - width] || before[at + width] ? 1 : 0;
    }, Uint8Array);
  }
  return wide;
}
