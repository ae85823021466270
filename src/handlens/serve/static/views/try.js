// Try it: draw or bring a picture, and every model of the study answers side by side.

import { get, newest, part, post } from "../api.js";
import { keep } from "../address.js";
import { fill, h, percent, problem } from "../dom.js";
import { grid } from "../pictures.js";
import { createPad } from "../pad.js";

const SHOWN = 5; // classes named by each model

export async function show(room, { study, parameters }) {
  const found = await get(`studies/${part(study)}`);
  const asked = parameters.getAll("run");
  const which = asked.length ? { run: asked } : { study };
  const first = asked[0] ?? found.models[0]?.runs[0];
  if (!first) {
    fill(room, h("h1", {}, "Try it"), h("p", {}, "No model of this study is trained yet: its first answers appear here as soon as one is."));
    return null;
  }
  const { input } = await get(`runs/${first}`);
  const answers = h("div", { class: "answers-of-models", "aria-live": "polite" });
  const inside = insides(which);
  let picture = null; // the Blob that was sent last

  const ask = newest(async (blob) => {
    try {
      const said = await post("predict", which, blob);
      if (blob !== picture) return;
      fill(answers, cards(said));
      inside.offer(said.models, blob);
    } catch (error) {
      if (blob === picture) fill(answers, problem(error));
    }
  });
  const send = (blob) => {
    picture = blob;
    if (blob) ask(blob);
    else {
      fill(answers, waiting(found));
      inside.clear();
    }
  };

  const place = h("div", { class: "pad-place" });
  const status = h("p", { class: "quiet", id: "pad-said" }, "Draw with mouse, finger or pen; or choose, paste or drop a picture.");
  fill(room,
    h("h1", { class: "hidden" }, "Try it"),
    h("div", { class: "try" }, h("section", { class: "draw", "aria-label": "Your picture" }, place, status), answers),
    inside.element);
  const pad = createPad(place, drawing(input, () => pad.canvas.toBlob((blob) => send(pad.image() ? blob : null))));
  const bring = brought(pad, send);
  place.append(bring);
  fill(answers, waiting(found));
  return () => {
    bring.remove();
    pad.remove();
  };
}

const LONG = 300; // pixels of the drawing's longer side

/** The pad as the first model's pictures are: their shape, their ground, their ink. */
function drawing(input, onChange) {
  const scale = LONG / Math.max(input.height, input.width);
  const ground = Math.round(input.background);
  const ink = Math.abs(input.ink - ground) > 40 ? Math.round(input.ink) : ground < 128 ? 255 : 0;
  return {
    height: Math.round(scale * input.height), width: Math.round(scale * input.width), background: ground, ink,
    brush: Math.max(8, Math.round(scale * (input.thickness || 2.5))), label: "Draw here", onChange,
  };
}

/** Pictures that are chosen, pasted or dropped; the pad shows them. */
function brought(pad, send) {
  const input = h("input", { type: "file", id: "upload", accept: "image/*", class: "hidden", onchange: () => take(input.files[0]) });
  const take = async (file) => {
    if (!file?.type.startsWith("image/")) return;
    const picture = await createImageBitmap(file).catch(() => null);
    if (picture) pad.show(picture);
    send(file); // also what the browser cannot show: the server says why, or knows the format
    input.value = "";
  };
  const paste = (event) => {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    if (file) take(file);
  };
  document.addEventListener("paste", paste);
  const { canvas } = pad;
  canvas.addEventListener("dragover", (event) => event.preventDefault());
  canvas.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  const made = h("p", { class: "brought" }, h("label", { class: "button", for: "upload" }, "Choose a picture"), input);
  made.remove = () => {
    document.removeEventListener("paste", paste);
    Element.prototype.remove.call(made);
  };
  return made;
}

function waiting(found) {
  const names = found.models.filter((model) => model.chosen).map((model) => model.model);
  return h("p", { class: "quiet waiting" }, `${names.join(", ")} will answer here while you draw.`);
}

function cards(said) {
  const picture = said.pictures[0];
  return picture.answers.map((answer, i) => card(said.models[i], answer));
}

function card(model, answer) {
  const corrected = answer.corrected;
  return h("article", { class: "answer", "data-model": model.model },
    h("header", {}, h("h2", {}, model.model), h("span", { class: "quiet" }, model.engine)),
    h("div", { class: "said" }, seen(answer.seen, "What the model saw"), verdict(answer)),
    bars(model, answer),
    answer.noticed.length
      ? h("div", { class: "noticed" },
        h("p", {}, "Noticed: ", answer.noticed.map((cause) => h("span", { class: "tag" }, cause)), corrected ? " Corrected, it answers:" : ""),
        corrected ? h("div", { class: "said" }, seen(corrected.seen, "The picture after correcting it"), verdict(corrected)) : null)
      : null,
    answer.notes.length ? h("p", { class: "quiet" }, answer.notes.join("; ")) : null);
}

function seen(address, alt) {
  return h("img", { class: "seen", src: address, alt, width: "56", height: "56" });
}

function verdict(answer) {
  return h("p", { class: "verdict" }, h("b", { class: "first" }, answer.class), " ", h("span", {}, `${percent(answer.probability)} %`));
}

function bars(model, answer) {
  const order = answer.probabilities.map((p, i) => [p, i]).sort((a, b) => b[0] - a[0]).slice(0, SHOWN);
  return h("ul", { class: "bars" }, order.map(([p, i]) => h("li", {},
    h("span", { class: "name" }, model.classes[i]),
    h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "fill", style: `width:${100 * p}%` })),
    h("span", { class: "share" }, `${percent(p)} %`))));
}

/** The part below the answers: what happens inside one of the networks, when it is opened. */
function insides(which) {
  const body = h("div", { class: "inside-body" });
  const choice = h("select", { id: "inside-of", onchange: () => { keep({ inside: choice.value }); look(blob); } });
  const details = h("details", { class: "inside", ontoggle: () => look(blob) },
    h("summary", {}, "Look inside a network"),
    h("p", {}, h("label", { for: "inside-of" }, "Network "), choice), body);
  let blob = null;
  const look = newest(async (picture) => {
    if (!picture || !details.open || !choice.value) return;
    try {
      const said = await post(`runs/${choice.value}/insides`, {}, picture);
      if (picture === blob) fill(body, opened(said));
    } catch (error) {
      if (picture === blob) fill(body, problem(error));
    }
  });
  details.hidden = true;
  return {
    element: details,
    offer(models, picture) {
      const networks = models.filter((model) => model.insides);
      details.hidden = !networks.length;
      if (choice.options.length !== networks.length) {
        fill(choice, networks.map((model) => h("option", { value: model.run }, model.model)));
      }
      blob = picture;
      look(picture);
    },
    clear() {
      blob = null;
      fill(body);
    },
  };
}

function opened(said) {
  const layers = said.layers.map((layer) => layer.pictures).filter(Boolean);
  return [
    h("p", {}, said.headline),
    part_of(said.filters),
    layers.map(part_of),
    said.occlusion ? part_of({ title: "What counted: the occlusion map", ...said.occlusion }) : null,
  ];
}

function part_of(made) {
  return made ? h("section", { class: "layer" }, h("h3", {}, made.title), h("p", { class: "quiet" }, made.words), grid(made.grid)) : null;
}
