// Try it: draw or bring a picture, and every model of the study answers side by side.

import { to } from "../address.js";
import { get, newest, part, post } from "../api.js";
import { bringing } from "../bringing.js";
import { fill, h, plural, problem } from "../dom.js";
import { createPad } from "../pad.js";
import { cards, words } from "./answers.js";
import { insides } from "./insides.js";

const LONG = 360; // pixels of the drawing's longer side
const CALM = 700; // milliseconds without a stroke after which the answers are read out

export async function show(room, { study, parameters }) {
  const asked = parameters.getAll("run");
  const found = await get(`studies/${part(study)}`).catch((error) => {
    if (!asked.length) throw error;
    return { name: study, dataset: "", classes: [], models: [] }; // a run can answer without its study
  });
  const first = asked[0] ?? found.models[0]?.runs[0];
  if (!first) {
    fill(room, h("h1", {}, "Try it"), h("p", {}, "No model of this study is trained yet. ",
      h("a", { href: to("study", { study }) }, "Watch it learn"), " and come back."));
    return null;
  }
  const { input, classes } = await get(`runs/${part(first)}`);
  found.classes = classes;
  return table(room, { found, input, parameters, which: asked.length ? { run: asked } : { study } });
}

/** The pad on one side, the answers on the other. */
async function table(room, { found, input, parameters, which }) {
  const answers = h("div", { class: "answers" });
  const spoken = h("p", { class: "hidden", role: "status" });
  const inside = insides();
  let file = null; // a picture that was brought; it goes to the server as it is
  let drawn = false;
  let calm = 0;

  const nothing = () => {
    fill(answers, waiting(found, which));
    spoken.textContent = "";
    inside.clear();
  };
  const ask = newest(async () => {
    clearTimeout(calm);
    answers.setAttribute("aria-busy", "true");
    try {
      const blob = file ?? (drawn ? await snapshot(pad.canvas) : null);
      const said = blob && await post("predict", which, blob);
      if (!file && !drawn) return nothing();
      fill(answers, cards(said));
      inside.offer(said.models, blob);
      calm = setTimeout(() => { spoken.textContent = words(said); }, CALM);
    } catch (error) {
      fill(answers, problem(error));
    } finally {
      answers.setAttribute("aria-busy", "false");
    }
  });

  const place = h("div", { class: "pad-place" });
  fill(room,
    h("h1", { class: "hidden" }, "Try it"), spoken,
    h("div", { class: "try" }, h("section", { class: "draw", "aria-label": "Your picture" }, place), answers),
    inside.element);
  const pad = createPad(place, pen(input, (image) => {
    [file, drawn] = [null, Boolean(image)];
    ask();
  }));
  const bring = bringing((picture, bitmap) => {
    if (bitmap) pad.show(bitmap);
    else pad.clear();
    [file, drawn] = [picture, false];
    ask();
  }, (error) => fill(answers, problem(error)));
  place.append(bring.element);
  nothing();
  if (parameters.has("position")) await chosen(bring, found, parameters);
  return () => {
    clearTimeout(calm);
    bring.remove();
    pad.remove();
  };
}

/** A picture of the data set that the address names. */
async function chosen(bring, found, parameters) {
  const [which, position] = [parameters.get("part") ?? "training", parameters.get("position")];
  const answer = await fetch(`/api/data/${part(found.name)}/images/${part(which)}/${part(position)}.png`);
  if (!answer.ok) throw new Error((await answer.json()).error);
  await bring.take(await answer.blob());
}

const snapshot = (canvas) => new Promise((done) => { canvas.toBlob(done); });

/** The pad as the first model's pictures are: their shape, their ground, their ink. */
function pen(input, onChange) {
  const { height = 28, width = 28, background = 0, ink: usual = 255, thickness = 2.5 } = input;
  const scale = LONG / Math.max(height, width);
  const ground = Math.round(background);
  const ink = Math.abs(usual - ground) > 40 ? Math.round(usual) : ground < 128 ? 255 : 0;
  return {
    height: Math.round(scale * height), width: Math.round(scale * width), background: ground, ink,
    brush: Math.min(40, Math.max(12, Math.round(scale * (thickness || 2.5)))), label: "Draw pad. What is drawn is answered at once.", onChange,
  };
}

function waiting(found, which) {
  const has = (model) => model.runs.some((run) => which.run.some((asked) => run.startsWith(asked)));
  const names = found.models.filter(which.run ? has : (model) => model.chosen).map((model) => model.model);
  const said = !names.length || names.length > 4 ? plural(which.run?.length ?? names.length, "model") : names.join(", ");
  return h("div", { class: "waiting" },
    h("p", { class: "lead" }, `Draw ${example(found.classes)}.`),
    h("p", { class: "quiet" }, `${said} will answer here while you draw, each with the picture as it saw it.`));
}

function example(classes) {
  if (classes.every((name) => /^\d$/.test(name))) return "a digit";
  const first = classes.slice(0, 3).join(", ");
  return classes.length > 3 ? `or bring one of ${plural(classes.length, "class", "classes")}: ${first}, …` : `or bring one of these: ${first}`;
}
