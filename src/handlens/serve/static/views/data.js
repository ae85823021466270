// The data: how many images of each class, and the images themselves by class, part, feature and doubt.

import { get, newest, part } from "../api.js";
import { keep } from "../address.js";
import { fill, h, pairs, percent, plural, problem, table, whole } from "../dom.js";
import { grid } from "../pictures.js";

const SORTS = { position: "position", mean: "brightness (mean)", deviation: "contrast (deviation)", entropy: "entropy", doubt: "doubt of the best model" };
const SIZE = 48;

export async function show(room, { study, parameters }) {
  const data = await get(`data/${part(study)}`);
  const parts = Object.entries(data.parts);
  const state = {
    part: parameters.get("part") ?? "training", class: parameters.get("class") ?? "", sort: parameters.get("sort") ?? "position",
    order: parameters.get("order") ?? "asc", page: Number(parameters.get("page") ?? 0),
  };
  const images = h("div", { "aria-live": "polite" });
  const draw = newest(async () => {
    keep(Object.fromEntries(Object.entries(state).map(([name, value]) => [name, String(value)])));
    try {
      const found = await get(`data/${part(study)}/images`, { ...state, size: SIZE });
      fill(images, listing(found, state, (page) => change({ page })));
    } catch (error) {
      fill(images, problem(error));
    }
  });
  const change = (changes) => {
    Object.assign(state, { page: 0 }, changes);
    draw();
  };
  fill(room,
    h("header", {}, h("p", { class: "kicker" }, data.dataset), h("h1", {}, data.title || data.dataset)),
    pairs([["Pictures", `${data.width} x ${data.height} pixels, ${data.channels === 1 ? "grey" : "colour"}`], ["Classes", whole(data.classes.length)],
      ["Source", data.source], ["Licence", data.licence], ["Citation", data.citation]]),
    data.notes.map((note) => h("p", { class: "quiet" }, note)),
    h("section", {}, h("h2", {}, "Images"), tools(data, state, change), images),
    h("section", {}, h("h2", {}, "Images of each class"), counts(data, parts)));
  await draw();
  return null;
}

function tools(data, state, change) {
  const choice = (id, name, options) => h("span", {}, h("label", { for: id }, `${name} `),
    h("select", { id, onchange: (event) => change({ [id.slice(2)]: event.target.value }) },
      options.map(([value, text, off]) => h("option", { value, selected: value === state[id.slice(2)], disabled: off }, text))));
  return h("p", { class: "tools" },
    choice("d-part", "Part", Object.entries(data.parts).map(([name, one]) => [name, one.sealed ? `${name} (sealed)` : name, one.sealed])),
    choice("d-class", "Class", [["", "all"], ...data.classes.map((name, i) => [String(i), name])]),
    choice("d-sort", "Sorted by", Object.entries(SORTS)),
    choice("d-order", "Order", [["asc", "lowest first"], ["desc", "highest first"]]));
}

function listing(found, state, turn) {
  const pages = Math.max(1, Math.ceil(found.total / SIZE));
  return [
    h("p", { class: "quiet" }, `${plural(found.total, "image")}, page ${state.page + 1} of ${whole(pages)}`),
    found.images.length ? grid(found.grid) : h("p", {}, "No image is like this."),
    pages > 1 ? h("p", { class: "pages" },
      h("button", { type: "button", disabled: state.page === 0, onclick: () => turn(state.page - 1) }, "Previous"), " ",
      h("button", { type: "button", disabled: state.page + 1 >= pages, onclick: () => turn(state.page + 1) }, "Next")) : null,
  ];
}

function counts(data, parts) {
  const known = parts.filter(([, one]) => one.counts);
  return table("Images of each class",
    [{ name: "Class" }, ...known.flatMap(([name]) => [{ name, number: true }, { name: "share, %", number: true }])],
    data.classes.map((name, i) => [name, ...known.flatMap(([, one]) => [whole(one.counts[i]), percent(one.counts[i] / Math.max(1, one.images))])]));
}

