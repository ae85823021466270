// A study: what it found, its curves while it runs, its mistakes, and whatever else handlens can say of it.

import { keep, read } from "../address.js";
import { get, newest, part } from "../api.js";
import { colours, figure, key } from "../charts.js";
import { fill, h, plural, problem, table } from "../dom.js";
import { live } from "../live.js";
import { grid } from "../pictures.js";
import { confusion } from "./confusion.js";
import { MOST, recipes } from "./recipes.js";

const REST = 4000; // milliseconds between two drawings while a study runs

export async function show(room, { study }) {
  const place = Object.fromEntries(["head", "running", "table", "charts", "confusion", "topics", "notes"].map((name) => [name, h("div", {})]));
  place.table = h("section", { id: "table" });
  place.confusion = h("section", { id: "confusion" });
  fill(room, Object.values(place));
  const list = () => contents(place.head.querySelector("nav"), room);
  const compare = newest((names) => charted(place.charts, study, names).then(list));
  let timer = 0;

  async function draw() {
    const found = await get(`studies/${part(study)}`);
    header(place.head, found);
    const trained = found.models.length > 0;
    place.table.hidden = place.confusion.hidden = !trained;
    if (!trained) {
      fill(place.charts, h("p", { class: "quiet" }, "No run is finished yet."));
      return;
    }
    recipes(place.table, study, found, compare);
    compare(read().parameters.getAll("model").filter((name) => found.models.some((m) => m.model === name)).slice(0, MOST));
    await confusion(place.confusion, study, found);
    fill(place.notes, noted(found));
    if (found.running) fill(place.topics, h("p", { class: "quiet" }, "Verdicts and audits follow when the study has finished."));
    else topics(place.topics, study).then(list);
    list();
  }

  const again = newest(async () => {
    try {
      await draw();
    } catch (error) {
      fill(place.notes, problem(error));
    }
  });
  await draw();
  const stop = live(place.running, study, (ended) => {
    if (timer && !ended) return; // it will be drawn soon anyhow
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      again();
    }, ended ? 0 : REST);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

function header(head, found) {
  const nav = head.querySelector("nav") ?? h("nav", { "aria-label": "On this page" });
  fill(head, h("header", {},
    h("p", { class: "kicker" }, found.kind === "runs" ? `runs on ${found.dataset}` : `study ${found.name}, ${found.dataset}`),
    h("h1", {}, found.title || found.name),
    found.headline ? h("p", { class: "lead" }, found.headline) : null,
    found.sentences.map((words) => h("p", {}, words))), nav);
}

/** Links to the sections; the address keeps which one was gone to. */
function contents(nav, room) {
  const sections = [...room.querySelectorAll("section[id]")].filter((one) => !one.hidden && one.querySelector("h2"));
  const go = (section) => {
    const heading = section.querySelector("h2");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    section.scrollIntoView({ block: "start" });
  };
  fill(nav, sections.map((section) => h("a", { href: location.hash, onclick: (event) => {
    event.preventDefault();
    keep({ at: section.id });
    go(section);
  } }, section.querySelector("h2").textContent)));
  const wanted = sections.find((one) => one.id === read().parameters.get("at"));
  if (wanted && !nav.dataset.gone) {
    nav.dataset.gone = "yes";
    go(wanted);
  }
}

function noted(found) {
  return found.notes.length ? h("section", { id: "notes" }, h("h2", {}, "Notes"), h("ul", {}, found.notes.map((note) => h("li", {}, note)))) : null;
}

async function charted(place, study, names) {
  try {
    const { config, charts } = await get(`studies/${part(study)}/charts`, { model: names });
    const curves = charts.filter((chart) => chart.name.startsWith("curve"));
    const wide = charts.filter((chart) => !chart.name.startsWith("curve") && !chart.name.startsWith("confusion"));
    fill(place,
      h("section", { id: "accuracy" }, h("h2", {}, "Accuracy"), wide.map((chart) => figure(chart, config))),
      curves.length ? learning(curves, config) : null);
  } catch (error) {
    fill(place, problem(error));
  }
}

function learning(curves, config) {
  return h("section", { id: "curves" }, h("h2", {}, "Learning curves"), key(colours(curves[0].spec)),
    h("div", { class: "trio" }, curves.map((chart) => figure(chart, config))),
    h("p", { class: "quiet" }, curves[0].caption));
}

async function topics(place, study) {
  fill(place, h("p", { class: "quiet", role: "status" }, "Verdicts and audits are being computed …"));
  try {
    const { config, topics: found } = await get(`studies/${part(study)}/topics`);
    fill(place, found.map((topic) => h("section", { id: `topic-${topic.name}`, class: "topic" }, h("h2", {}, topic.title),
      topic.words.map((words) => h("p", {}, words)),
      topic.tables.map((one) => [h("h3", {}, one.title), listed(one)]),
      topic.colours.length ? key(topic.colours) : null,
      topic.charts.length ? h("div", { class: ["one", "one", "duo"][topic.charts.length] ?? "trio" }, topic.charts.map((chart) => figure(chart, config))) : null,
      topic.grids.map((one) => [h("h3", {}, one.title), grid(one)]))));
  } catch (error) {
    fill(place, problem(error));
  }
}

function listed(one) {
  const made = table(one.title, one.columns.map((name, i) => ({ name, number: one.numbers.includes(i) })), one.rows);
  return one.rows.length > 24 ? h("details", {}, h("summary", {}, plural(one.rows.length, "row")), made) : made;
}
