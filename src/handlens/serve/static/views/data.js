// The data: how many images of each class, and the images themselves by class, part, feature and doubt.

import { keep } from "../address.js";
import { get, newest, part } from "../api.js";
import { fill, h, pairs, percent, plural, problem, table, whole } from "../dom.js";
import { grid } from "../pictures.js";
import { enlarge } from "./image.js";

const SORTS = { position: "position", mean: "brightness (mean)", deviation: "contrast (deviation)", entropy: "entropy, bits", doubt: "doubt" };
const SIZE = 48;
const FIELDS = ["part", "class", "sort", "order", "low", "high", "model", "page"];

export async function show(room, { study, parameters }) {
  const [data, found] = await Promise.all([get(`data/${part(study)}`), get(`studies/${part(study)}`)]);
  const state = { part: "training", class: "", sort: "position", order: "asc", low: "", high: "", model: "", page: 0 };
  for (const name of FIELDS) if (parameters.has(name)) state[name] = parameters.get(name);
  state.page = Number(state.page);
  const images = h("div", { "aria-live": "polite" });
  const bar = h("div", {});
  const draw = newest(async () => {
    if (!room.isConnected) return;
    keep(Object.fromEntries(FIELDS.map((name) => [name, state[name] ? String(state[name]) : null])));
    try {
      const asked = Object.fromEntries(FIELDS.map((name) => [name, state[name]]));
      const said = await get(`data/${part(study)}/images`, { ...asked, model: state.sort === "doubt" ? state.model : null, size: SIZE });
      fill(images, listing(said, state, study, (page) => change({ page })));
    } catch (error) {
      fill(images, problem(error));
    }
  });
  const change = (changes) => {
    Object.assign(state, { page: 0 }, changes);
    if ("sort" in changes) Object.assign(state, { low: "", high: "", order: changes.sort === "doubt" ? "desc" : state.order });
    if (state.sort === "doubt" && state.part === "training") state.part = "validation"; // of what models were trained on nobody doubts
    fill(bar, tools(data, found, state, change));
    if ("sort" in changes || "part" in changes) bar.querySelector(`#d-${Object.keys(changes)[0]}`)?.focus();
    return draw();
  };
  fill(bar, tools(data, found, state, change));
  fill(room,
    h("header", {}, h("p", { class: "kicker" }, data.dataset), h("h1", {}, data.title || data.dataset)),
    pairs([["Pictures", `${data.width} × ${data.height} pixels, ${data.channels === 1 ? "grey" : "colour"}`], ["Classes", whole(data.classes.length)],
      ["Images", whole(Object.values(data.parts).reduce((sum, one) => sum + one.images, 0))], ["Licence", data.licence],
      ["Source", linked(data.source)], ["Citation", data.citation]]),
    data.notes.map((note) => h("p", { class: "quiet" }, note)),
    h("section", { id: "images" }, h("h2", {}, "Images"), bar, images),
    h("section", { id: "counts" }, h("h2", {}, "Images of each class"), counts(data)));
  await draw();
  return null;
}

function linked(source) {
  return /^https?:\/\//.test(source) ? h("a", { href: source, rel: "noreferrer" }, source) : source;
}

function tools(data, found, state, change) {
  const choice = (name, title, options) => h("span", {}, h("label", { for: `d-${name}` }, title),
    h("select", { id: `d-${name}`, onchange: (event) => change({ [name]: event.target.value }) },
      options.map(([value, text, off]) => h("option", { value, selected: value === state[name], disabled: off }, text))));
  const bound = (name, title) => h("span", {}, h("label", { for: `d-${name}` }, title),
    h("input", { id: `d-${name}`, type: "number", step: "any", value: state[name], onchange: (event) => change({ [name]: event.target.value }) }));
  const doubting = state.sort === "doubt";
  return h("p", { class: "tools" },
    choice("part", "Part", Object.entries(data.parts).map(([name, one]) => [name, one.sealed ? `${name} (sealed)` : name, one.sealed || (doubting && name === "training")])),
    choice("class", "Class", [["", "all"], ...data.classes.map((name, i) => [String(i), name])]),
    choice("sort", "Sorted by", Object.entries(SORTS).filter(([name]) => name !== "doubt" || found.models.length)),
    choice("order", "Order", [["asc", "lowest first"], ["desc", "highest first"]]),
    doubting ? choice("model", "Doubt of", [["", `the best (${found.models[0].model})`], ...found.models.slice(1).map((m) => [m.model, m.model])]) : null,
    state.sort === "position" ? null : [bound("low", "From"), bound("high", "to")]);
}

function listing(found, state, study, turn) {
  const pages = Math.max(1, Math.ceil(found.total / SIZE));
  const digits = state.sort === "doubt" ? 3 : 2;
  if (state.sort !== "position") {
    found.grid.tiles.forEach((tile, i) => {
      const value = found.images[i][state.sort];
      tile.lines.push(value === null ? "unknown" : value.toFixed(digits));
    });
  }
  const step = (by) => h("button", { type: "button", disabled: state.page + by < 0 || state.page + by >= pages, onclick: () => turn(state.page + by) }, by < 0 ? "Previous" : "Next");
  return [
    h("p", { class: "quiet" }, `${plural(found.total, "image")}${pages > 1 ? `, page ${state.page + 1} of ${whole(pages)}` : ""}`),
    found.images.length ? grid(found.grid, (n) => enlarge(study, state.part, found, n)) : h("p", {}, "No image is like this."),
    pages > 1 ? h("p", { class: "pages" }, step(-1), ` ${state.page + 1} of ${whole(pages)} `, step(1)) : null,
  ];
}

/** A table whose cells also draw their share of the largest class. */
function counts(data) {
  const parts = Object.entries(data.parts).filter(([, one]) => one.counts);
  const bar = (one, i) => [h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "fill", style: `width:${100 * one.counts[i] / Math.max(1, ...one.counts)}%` })),
    whole(one.counts[i]), h("span", { class: "quiet" }, ` ${percent(one.counts[i] / Math.max(1, one.images))} %`)];
  const made = table("Images of each class", [{ name: "Class" }, ...parts.map(([name, one]) => ({ name: `${name}, ${whole(one.images)}`, number: true }))],
    data.classes.map((name, i) => [name, ...parts.map(([, one]) => bar(one, i))]));
  made.classList.add("counts");
  return made;
}
