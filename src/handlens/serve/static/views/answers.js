// What each model says of a picture: a card a model.

import { h, percent } from "../dom.js";

const SHOWN = 5; // classes named by each model
const SHORT = 10; // letters of a name that stands beside its bar; longer ones stand above it

export function cards(said) {
  return said.pictures[0].answers.map((answer, i) => card(said.models[i], answer));
}

/** The answers in one sentence, to be read out. */
export function words(said) {
  return said.pictures[0].answers.map((answer, i) => {
    const best = answer.corrected ?? answer;
    return `${said.models[i].model}: ${best.class}, ${percent(best.probability)} percent`;
  }).join("; ");
}

/** The answer to the picture put right, which is the model's; below it what was noticed, and the answer without. */
function card(model, answer) {
  const best = answer.corrected ?? answer;
  return h("article", { class: "answer", "data-model": model.model },
    h("header", {}, h("h2", {}, model.model), h("span", { class: "quiet" }, model.engine)),
    h("div", { class: "said" }, seen(best.seen, model, "The picture as the model saw it", 64), verdict(best)),
    bars(model, best),
    answer.notes.length ? h("p", { class: "quiet" }, `${capital(answer.notes.join("; "))}.`) : null,
    answer.noticed.length ? noticed(model, answer) : null);
}

function noticed(model, answer) {
  return h("div", { class: "noticed" },
    h("p", {}, "Noticed: ", answer.noticed.map((cause) => [h("span", { class: "tag" }, cause), " "])),
    answer.corrected
      ? h("div", { class: "said as-given" }, seen(answer.seen, model, "The picture as it was given", 40),
        h("p", {}, "As given, it would say ", h("b", {}, answer.class), ` (${percent(answer.probability)} %).`))
      : null);
}

function seen(address, model, alt, size) {
  const scale = size / Math.max(model.height, model.width);
  return h("img", { class: "seen", src: address, alt, title: alt, width: String(Math.round(scale * model.width)), height: String(Math.round(scale * model.height)) });
}

function verdict(answer) {
  return h("p", { class: answer.class.length > SHORT ? "verdict wordy" : "verdict" }, h("b", { class: "first" }, answer.class), " ", h("span", {}, `${percent(answer.probability)} %`));
}

function bars(model, answer) {
  const order = answer.probabilities.map((p, i) => [p, i]).sort((a, b) => b[0] - a[0]).slice(0, SHOWN);
  const longest = Math.max(...model.classes.map((name) => name.length));
  return h("ul", { class: longest > SHORT ? "bars wordy" : "bars", style: `--names: ${(0.6 * longest + 0.6).toFixed(1)}em` }, order.map(([p, i]) => h("li", {},
    h("span", { class: "name" }, model.classes[i]),
    h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "fill", style: `width:${(100 * p).toFixed(2)}%` })),
    h("span", { class: "share" }, `${percent(p)} %`))));
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
