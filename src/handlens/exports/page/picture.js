// Any picture, turned into what the model was trained on; handlens.data.pictures, step by step.

import { contrastOf } from "./background.js";
import {
  FAINT, ROBUST, border, centre, density, dilated, find, median, share, strongest, thickness,
} from "./content.js";
import { cut, grey, mapped, picture, resample, resize, rint, toBytes } from "./image.js";

const FLAT = 16; // grey levels
const WORKING_SIDE = 400;
const SLACK = 0.06; // share of a side
const SLIM = 0.75; // share of the thinnest strokes' width below which strokes are too thin

const times = (image, factor) => ({ ...image, values: image.values.map((x) => x * factor) });

/** The picture in the contract's size, place and polarity, and what was done: {image, notes}.
 *
 *  `image` has whole numbers 0..255; one that already is as the training images are comes back as it is. */
export function fitPicture(image, contract) {
  const notes = [];
  let fitted = withChannels(image, contract.channels, notes);
  if (!contract.uniform_background) {
    fitted = cropMiddle(fitted, contract.height / contract.width, notes);
    if (fitted.height !== contract.height || fitted.width !== contract.width) {
      notes.push(`resized from ${fitted.height} x ${fitted.width}`);
    }
    return { image: toBytes(resize(fitted, contract.height, contract.width)), notes };
  }
  if (conforms(fitted, contract)) return { image: toBytes(fitted), notes };
  const longest = Math.max(fitted.height, fitted.width);
  if (longest > WORKING_SIDE) {
    const shorter = (side) => Math.max(1, Math.floor(side * WORKING_SIDE / longest));
    fitted = resize(fitted, shorter(fitted.height), shorter(fitted.width));
  }
  return { image: toBytes(fitContent(fitted, contract, notes)), notes };
}

function fitContent(image, contract, notes) {
  let contrast = contrastOf(image);
  let light = grey(contrast);
  const quiet = 3 * ROBUST * median(border(light).map(Math.abs));
  light.values.forEach((x, i) => {
    if (Math.abs(x) > quiet) return;
    light.values[i] = 0;
    contrast.values.fill(0, i * contrast.channels, (i + 1) * contrast.channels);
  });
  light = grey(contrast);
  const content = find(light);
  if (!content) {
    notes.push("nothing stands out from its background: the picture was only resized");
    return resize(image, contract.height, contract.width);
  }
  const sign = Math.sign(strongest(mapped(light.values, (x, i) => (content.mask[i] ? x : 0))));
  const wanted = Math.sign(contract.ink - contract.background);
  if (wanted && sign !== wanted) {
    contrast = times(contrast, -1);
    notes.push("inverted");
  }
  if (contract.drawn) contrast = times(drawn(times(contrast, wanted), content, contract, notes), wanted);
  contrast = place(contrast, content, contract);
  notes.push("cropped to its content and centred");
  if (wanted) contrast = strengthen(contrast, contract);
  return { ...contrast, values: contrast.values.map((x) => x + contract.background) };
}

/** The strokes alone of a positive contrast, thickened where thinner than in training. */
function drawn(contrast, content, contract, notes) {
  const { height, width, channels } = contrast;
  const margin = 1 + Math.floor(Math.max(height, width) / 100);
  const near = dilated(content.mask, height, width, margin);
  const values = contrast.values.map((x, i) => (near[Math.floor(i / channels)] ? Math.max(x, 0) : 0));
  const alone = { ...contrast, values };
  const scale = share(content, contract.height, contract.width) / contract.content;
  const wide = thickness(alone);
  if (wide >= SLIM * contract.thinnest * scale) return alone;
  notes.push("thin strokes thickened");
  return thicken(alone, contract.thickness * scale - wide);
}

/** Strokes that many pixels wider: the largest number within a disk. */
function thicken(image, pixels) {
  const { height, width, channels, values } = image;
  const radius = rint(pixels / 2);
  const made = { ...image, values: values.slice() };
  for (let i = -radius; i <= radius; i++) {
    for (let j = -radius; j <= radius; j++) {
      if (i * i + j * j > radius * radius + 0.5) continue;
      for (let y = Math.max(0, -i); y < Math.min(height, height - i); y++) {
        for (let x = Math.max(0, -j); x < Math.min(width, width - j); x++) {
          for (let c = 0; c < channels; c++) {
            const at = (y * width + x) * channels + c;
            const other = values[((y + i) * width + x + j) * channels + c];
            if (other > made.values[at]) made.values[at] = other;
          }
        }
      }
    }
  }
  return made;
}

/** The contrast of faint ink raised, and of strong ink cut, to that of the training images. */
function strengthen(contrast, contract) {
  const most = contract.ink - contract.background;
  const light = grey(contrast);
  let reached = Math.abs(strongest(light.values));
  if (contract.drawn) reached *= density(light) / contract.density;
  const stronger = reached ? times(contrast, Math.min(Math.abs(most) / reached, 255 / FAINT)) : contrast;
  if (!contract.drawn) return stronger;
  const [low, high] = [Math.min(most, 0), Math.max(most, 0)];
  return { ...stronger, values: stronger.values.map((x) => Math.min(Math.max(x, low), high)) };
}

/** The content scaled and moved to where the contract has it. One resampling does both: the contract's frame, seen
 *  in the picture's pixels, is the part that is resized. */
function place(contrast, content, contract) {
  const scale = share(content, contract.height, contract.width) / contract.content;
  const frame = [contract.height * scale, contract.width * scale];
  const middle = centre(content, contract.centring);
  const corner = [middle[0] - frame[0] * contract.centre_y, middle[1] - frame[1] * contract.centre_x];
  const before = corner.map((x) => Math.max(0, Math.ceil(-x)));
  const sides = [contrast.height, contrast.width];
  const after = corner.map((x, i) => Math.max(0, Math.ceil(x + frame[i] - sides[i])));
  const padded = cut(contrast, -before[0], -before[1], sides[0] + after[0], sides[1] + after[1]);
  const [top, left] = [corner[0] + before[0], corner[1] + before[1]];
  const box = [left, top, Math.min(left + frame[1], padded.width), Math.min(top + frame[0], padded.height)];
  return resample(padded, contract.height, contract.width, box, Math.fround);
}

/** Whether an image has the size, background, content and place that training images have. */
function conforms(image, contract) {
  const light = grey(image);
  if (image.height !== contract.height || image.width !== contract.width) return false;
  if (Math.abs(median(border(light)) - contract.background) > FLAT) return false;
  const content = find({ ...light, values: light.values.map((x) => x - contract.background) });
  if (!content) return true;
  const [y, x] = centre(content, contract.centring);
  const away = Math.max(
    Math.abs(y / contract.height - contract.centre_y), Math.abs(x / contract.width - contract.centre_x),
  );
  const part = share(content, contract.height, contract.width);
  return away <= contract.wander + SLACK
    && contract.content_low - SLACK <= part && part <= contract.content_high + SLACK;
}

function withChannels(image, channels, notes) {
  if (image.channels === channels) return image;
  if (channels === 3) {
    const made = picture(image.height, image.width, 3);
    return { ...made, values: mapped(made.values, (_, i) => image.values[Math.floor(i / 3)]) };
  }
  notes.push("converted to grey");
  const light = grey(image);
  return { ...light, values: light.values.map(rint) };
}

/** The largest middle part whose height is `aspect` times its width. */
function cropMiddle(image, aspect, notes) {
  const { height, width } = image;
  const rows = Math.min(height, Math.max(1, rint(width * aspect)));
  const columns = Math.min(width, Math.max(1, rint(height / aspect)));
  if (Math.abs(height - rows) <= 1 && Math.abs(width - columns) <= 1) return image;
  const [top, left] = [Math.floor((height - rows) / 2), Math.floor((width - columns) / 2)];
  notes.push("cropped to its middle");
  return cut(image, top, left, top + rows, left + columns);
}
