// A study: what it found, its curves while it runs, its mistakes, and whatever else handlens can say of it.

import { get, newest, part } from "../api.js";
import { keep, to } from "../address.js";
import { figure, key } from "../charts.js";
import { fill, h, percent, plural, problem, seconds, table, whole } from "../dom.js";
import { live } from "../live.js";
import { grid } from "../pictures.js";
import { confusion } from "./confusion.js";

const COLUMNS = [
  { id: "model", name: "Recipe", value: (m) => m.model },
  { id: "engine", name: "Engine", value: (m) => m.engine },
  { id: "parameters", name: "Parameters", number: true, value: (m) => m.parameters, text: (m) => whole(m.parameters) },
  { id: "epochs", name: "Epochs", number: true, value: (m) => m.epochs, text: (m) => whole(m.epochs) },
  { id: "replicates", name: "Replicates", number: true, value: (m) => m.replicates, text: (m) => whole(m.replicates) },
  { id: "validation", name: "Validation, %", number: true, value: (m) => m.validation_accuracy, text: (m) => spread(m, "validation") },
  { id: "test", name: "Test, %", number: true, value: (m) => m.test_accuracy, text: (m) => spread(m, "test") },
  { id: "f1", name: "F1, %", number: true, value: (m) => m.test_macro_f1, text: (m) => percent(m.test_macro_f1) },
  { id: "training", name: "Training, s", number: true, value: (m) => m.fit_wall_s, text: (m) => seconds(m.fit_wall_s) },
  { id: "predicting", name: "µs per image", number: true, value: (m) => m.predict_us_per_image, text: (m) => seconds(m.predict_us_per_image) },
];
const MOST = 12; // recipes compared in one chart

export async function show(room, { study, parameters }) {
  const head = h("header", {});
  const running = h("div", {});
  const body = h("div", {});
  fill(room, head, running, body);
  const draw = newest(async () => {
    try {
      const found = await get(`studies/${part(study)}`);
      header(head, found);
      fill(body, found.models.length ? sections(study, found, parameters) : h("p", { class: "quiet" }, "No run is finished yet."));
    } catch (error) {
      fill(body, problem(error));
    }
  });
  await draw();
  return live(running, study, draw);
}

function header(head, found) {
  fill(head,
    h("p", { class: "kicker" }, `study ${found.name}, ${found.dataset}`),
    h("h1", {}, found.title || found.name),
    found.headline ? h("p", { class: "lead" }, found.headline) : null,
    found.sentences.map((words) => h("p", {}, words)));
}

function sections(study, found, parameters) {
  const charts = h("div", {});
  const others = h("div", {});
  const mistakes = h("section", { id: "confusion" });
  const chosen = parameters.getAll("model").filter((name) => found.models.some((m) => m.model === name));
  const redraw = newest((names) => charted(charts, study, names));
  const compare = (names) => {
    keep({ model: names });
    redraw(names);
  };
  redraw(chosen);
  confusion(mistakes, study, found, parameters);
  topics(others, study);
  return [
    recipes(study, found, parameters, chosen, compare), charts, mistakes, others,
    found.notes.length ? h("section", {}, h("h2", {}, "Notes"), h("ul", {}, found.notes.map((note) => h("li", {}, note)))) : null,
  ];
}

/** The table: sorted, filtered, and the recipes ticked that the charts are to compare. */
function recipes(study, found, parameters, chosen, compare) {
  const state = {
    sort: parameters.get("sort") ?? "", down: parameters.get("order") !== "asc", filter: parameters.get("filter") ?? "",
    ticked: new Set(chosen),
  };
  const place = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of recipes; scrolls sideways" });
  const draw = () => fill(place, h("table", { class: "recipes" },
    h("caption", { class: "hidden" }, "Recipes"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "hidden" }, "Compare")), COLUMNS.map(heading))),
    h("tbody", {}, ordered(found.models, state).map(line))));
  const heading = (column) => h("th", {
    scope: "col", class: column.number ? "number" : null,
    "aria-sort": state.sort === column.id ? (state.down ? "descending" : "ascending") : null,
  }, h("button", { type: "button", class: "sort", onclick: () => {
    state.down = state.sort === column.id ? !state.down : Boolean(column.number);
    state.sort = column.id;
    keep({ sort: state.sort, order: state.down ? "desc" : "asc" });
    draw();
    place.querySelector(`[aria-sort] button`)?.focus();
  } }, column.name, h("span", { "aria-hidden": "true" }, state.sort === column.id ? (state.down ? " ↓" : " ↑") : "")));
  const line = (model) => h("tr", { class: model === found.models[0] ? "chosen" : null },
    h("td", {}, h("input", {
      type: "checkbox", checked: state.ticked.has(model.model), "aria-label": `Compare ${model.model}`,
      onchange: (event) => {
        if (event.target.checked) state.ticked.add(model.model);
        else state.ticked.delete(model.model);
        compare([...state.ticked].slice(0, MOST));
      },
    })),
    COLUMNS.map((column, i) => i ? h("td", { class: column.number ? "number" : null }, column.text ? column.text(model) : column.value(model)) : h("th", { scope: "row" },
      model.colour ? h("span", { class: "swatch", style: `background:${model.colour}` }) : null,
      h("a", { href: to("run", { study, run: model.runs[0] }) }, model.model),
      model.description !== model.model ? h("span", { class: "below" }, model.description) : null)));
  draw();
  const search = h("input", {
    type: "search", id: "filter", value: state.filter, placeholder: "Filter recipes",
    oninput: (event) => {
      state.filter = event.target.value;
      keep({ filter: state.filter });
      draw();
    },
  });
  return h("section", { id: "table" }, h("h2", {}, "Recipes"),
    h("p", { class: "tools" }, h("label", { class: "hidden", for: "filter" }, "Filter recipes"), search,
      h("span", { class: "quiet" }, "Tick recipes to compare them in the charts. Below each accuracy: its 95 % interval.")),
    place, found.looks_said ? h("p", { class: "quiet", id: "looks" }, found.looks_said) : null);
}

function ordered(models, state) {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = models.filter((m) => words.every((word) => `${m.model} ${m.description} ${m.engine} ${m.optimizer}`.toLowerCase().includes(word)));
  const column = COLUMNS.find((one) => one.id === state.sort);
  if (!column) return kept;
  const sign = state.down ? -1 : 1;
  return [...kept].sort((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    if (x === null || y === null) return (x === null) - (y === null); // what is not known comes last
    return sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
  });
}

function spread(model, which) {
  const mean = model[`${which}_accuracy`];
  if (mean === null) return "–";
  const [low, high] = [model[`${which}_low`], model[`${which}_high`]];
  const digits = high - low < 0.01 ? 2 : 1;
  return [h("b", {}, percent(mean, digits)), h("span", { class: "below" }, `${percent(low, digits)}–${percent(high, digits)}`)];
}

async function charted(place, study, names) {
  try {
    const { config, charts } = await get(`studies/${part(study)}/charts`, { model: names });
    const curves = charts.filter((chart) => chart.name.startsWith("curve"));
    const wide = charts.filter((chart) => !chart.name.startsWith("curve") && !chart.name.startsWith("confusion"));
    fill(place,
      h("section", { id: "accuracy" }, h("h2", {}, "Accuracy"), wide.map((chart) => figure(chart, config))),
      curves.length ? h("section", { id: "curves" }, h("h2", {}, "Learning curves"), h("div", { class: "trio" }, curves.map((chart) => figure(chart, config)))) : null);
  } catch (error) {
    fill(place, problem(error));
  }
}

async function topics(place, study) {
  try {
    const { config, topics: found } = await get(`studies/${part(study)}/topics`);
    fill(place, found.map((topic) => h("section", { id: topic.name }, h("h2", {}, topic.title),
      topic.words.map((words) => h("p", {}, words)),
      topic.tables.map((one) => [h("h3", {}, one.title), listed(one)]),
      topic.colours.length ? key(topic.colours) : null,
      topic.charts.length ? h("div", { class: topic.charts.length > 2 ? "trio" : "duo" }, topic.charts.map((chart) => figure(chart, config))) : null,
      topic.grids.map((one) => [h("h3", {}, one.title), grid(one)]))));
  } catch (error) {
    fill(place, problem(error));
  }
}

function listed(one) {
  const made = table(one.title, one.columns.map((name, i) => ({ name, number: one.numbers.includes(i) })), one.rows);
  return one.rows.length > 24 ? h("details", {}, h("summary", {}, plural(one.rows.length, "row")), made) : made;
}
