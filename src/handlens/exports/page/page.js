// The page: what is drawn or brought goes through the input contract into the network, and the answer is shown.

import { createNetwork } from "./network.js";
import { createPad } from "./pad.js";
import { fitPicture } from "./picture.js";

const FEW = 12; // classes up to which all stand in their own order; of more, the likeliest
const SHOWN = 10;
const PAD_SIDE = 280; // pixels
const LARGEST_FILE = 10 * 2 ** 20; // bytes
const LARGEST_SIDE = 2048; // pixels to which a larger picture is drawn before anything else

const part = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

const model = JSON.parse(part("model").textContent);
const { input: contract, classes } = model.passport;
const predict = createNetwork(model);
const order = classes.map((_, i) => i);

function showSeen(image) {
  const canvas = part("seen");
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(image.width, image.height);
  for (let i = 0; i < image.height * image.width; i++) {
    for (let c = 0; c < 3; c++) {
      pixels.data[4 * i + c] = image.values[i * image.channels + (image.channels === 3 ? c : 0)];
    }
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

function bar(index, share, first) {
  const row = document.createElement("li");
  const [name, track, number] = ["span", "span", "span"].map((kind) => document.createElement(kind));
  name.textContent = classes[index];
  name.className = "class-name";
  track.className = "track";
  const fill = document.createElement("span");
  fill.style.width = `${100 * share}%`;
  track.append(fill);
  number.textContent = percent(share);
  number.className = "share";
  row.append(name, track, number);
  row.classList.toggle("first", first);
  return row;
}

function showAnswer(probabilities) {
  const best = probabilities.indexOf(probabilities.reduce((a, b) => Math.max(a, b)));
  const ranked = classes.length <= FEW ? order
    : [...order].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, SHOWN);
  part("bars").replaceChildren(...ranked.map((i) => bar(i, probabilities[i], i === best)));
  if (part("answer").textContent !== classes[best]) part("answer").textContent = classes[best];
  part("sure").textContent = percent(probabilities[best]);
}

function showNothing() {
  showAnswer(new Float32Array(classes.length));
  part("answer").textContent = "–";
  part("sure").textContent = "";
  part("noticed").textContent = "Nothing drawn yet.";
  const seen = part("seen");
  const context = seen.getContext("2d");
  context.fillStyle = `rgb(${contract.background} ${contract.background} ${contract.background})`;
  context.fillRect(0, 0, seen.width, seen.height);
}

/** Of a picture of any size, {height, width, channels, values}: the image as the model sees it, notes, the answer. */
function answer(picture) {
  const { image, notes } = fitPicture(picture, contract);
  return { image, notes, probabilities: predict(image.values) };
}

function show(picture) {
  if (!picture) {
    showNothing();
    return;
  }
  const { image, notes, probabilities } = answer(picture);
  showSeen(image);
  showAnswer(probabilities);
  const said = notes.length ? notes.join("; ") : "taken as it is";
  part("noticed").textContent = `${said[0].toUpperCase()}${said.slice(1)}.`;
}

let waiting = null; // what is to be shown with the next frame

function later(picture) {
  const idle = waiting === null;
  waiting = { picture };
  if (!idle) return;
  requestAnimationFrame(() => {
    const { picture: newest } = waiting;
    waiting = null;
    show(newest);
  });
}

/** A file's picture: upright, on white where it is transparent, grey where it has no colour. */
async function decoded(file) {
  if (file.size > LARGEST_FILE) throw new Error(`larger than ${LARGEST_FILE / 2 ** 20} MB`);
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let channels = 1;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) channels = 3;
  }
  const values = new Float64Array(canvas.width * canvas.height * channels);
  for (let i = 0; i < values.length; i++) values[i] = data[4 * Math.floor(i / channels) + (i % channels)];
  return { canvas, picture: { height: canvas.height, width: canvas.width, channels, values } };
}

async function take(file) {
  if (!file) return;
  try {
    const { canvas, picture } = await decoded(file);
    pad.show(canvas);
    later(picture);
  } catch (error) {
    pad.clear();
    later(null);
    requestAnimationFrame(() => {
      part("noticed").textContent = `The picture cannot be read (${error.message || error.name}).`;
    });
  }
}

const longest = Math.max(contract.height, contract.width);
const enlarged = PAD_SIDE / longest;
const both = contract.ink === contract.background || !contract.uniform_background;
const pad = createPad(part("pad"), {
  height: Math.round(contract.height * enlarged),
  width: Math.round(contract.width * enlarged),
  background: Math.round(contract.background),
  ink: both ? (contract.background < 128 ? 255 : 0) : Math.round(contract.ink),
  brush: Math.min(Math.max(contract.thickness * enlarged, 12), 40),
  label: "Draw pad. What is drawn is answered at once.",
  onChange: later,
});
part("seen").width = contract.width;
part("seen").height = contract.height;
showNothing();

part("file").addEventListener("change", (event) => {
  take(event.target.files[0]);
  event.target.value = "";
});
document.addEventListener("paste", (event) => take([...event.clipboardData.files][0]));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  take(event.dataTransfer.files[0]);
});

// For the console, and for who wants to check the page: raw pixels 0..255 in, probabilities out.
globalThis.handlens = Object.freeze({ passport: model.passport, predict, answer });
document.documentElement.dataset.ready = "yes";
