// The table of a study: sorted, filtered, and the recipes ticked that the charts are to compare.

import { keep, read, to } from "../address.js";
import { fill, h, percent, plural, seconds, whole } from "../dom.js";

const classes = (column) => `${column.number ? "number " : ""}of-${column.id}`;
export const MOST = 12; // recipes compared in one chart, and asked about one picture
const MANY = 15; // recipes shown before the rest is asked for
const COLUMNS = [
  { id: "model", name: "Recipe", value: (m) => m.model },
  { id: "engine", name: "Engine", value: (m) => m.engine },
  { id: "parameters", name: "Parameters", number: true, value: (m) => m.parameters, text: (m) => whole(m.parameters) },
  { id: "epochs", name: "Epochs", number: true, value: (m) => m.epochs, text: (m) => whole(m.epochs) },
  { id: "replicates", name: "Replicates", number: true, value: (m) => m.replicates, text: (m) => whole(m.replicates) },
  { id: "validation", name: "Validation, %", number: true, value: (m) => m.validation_accuracy, text: (m) => spread(m, "validation") },
  { id: "test", name: "Test, %", number: true, value: (m) => m.test_accuracy, text: (m) => spread(m, "test") },
  { id: "f1", name: "Test F1, %", number: true, value: (m) => m.test_macro_f1, text: (m) => percent(m.test_macro_f1) },
  { id: "training", name: "Training, s", number: true, value: (m) => m.fit_wall_s, text: (m) => seconds(m.fit_wall_s) },
  { id: "predicting", name: "µs per image", number: true, value: (m) => m.predict_us_per_image, text: (m) => seconds(m.predict_us_per_image) },
];

/** Draw the table in `section`; `compare(names)` is called when other recipes are ticked. The address keeps all of it. */
export function recipes(section, study, found, compare) {
  const { parameters } = read();
  const columns = COLUMNS.filter((column) => found.tested || !column.id.match(/^(test|f1)$/));
  const state = {
    sort: parameters.get("sort") ?? "", down: parameters.get("order") !== "asc", filter: parameters.get("filter") ?? "",
    all: parameters.has("all"), ticked: new Set(parameters.getAll("model").filter((name) => found.models.some((m) => m.model === name))),
  };
  const place = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of recipes; scrolls sideways" });
  const below = h("div", { class: "tools" });

  function draw() {
    const kept = ordered(found.models, columns, state);
    const shown = state.all ? kept : kept.slice(0, MANY);
    fill(place, h("table", { class: "recipes" },
      h("caption", { class: "hidden" }, "Recipes"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "hidden" }, "Compare")), columns.map(heading))),
      h("tbody", {}, shown.map(line))),
    kept.length ? null : h("p", {}, `No recipe matches “${state.filter}”.`));
    fill(below,
      kept.length > MANY ? h("button", { type: "button", "aria-expanded": String(state.all), onclick: () => {
        state.all = !state.all;
        keep({ all: state.all ? "yes" : null });
        draw();
      } }, state.all ? `Show the first ${MANY} only` : `Show all ${plural(kept.length, "recipe")}`) : null,
      actions());
  }

  const heading = (column) => {
    const sorted = state.sort === column.id;
    return h("th", {
      scope: "col", class: classes(column), "aria-sort": sorted ? (state.down ? "descending" : "ascending") : null,
    }, h("button", { type: "button", class: "sort", onclick: () => {
      state.down = sorted ? !state.down : Boolean(column.number);
      state.sort = column.id;
      keep({ sort: state.sort, order: state.down ? "desc" : "asc" });
      draw();
      place.querySelector("[aria-sort] button").focus();
    } }, column.name, h("span", { "aria-hidden": "true" }, sorted ? (state.down ? " ↓" : " ↑") : "")));
  };

  const line = (model) => h("tr", { class: model === found.models[0] ? "chosen" : null },
    h("td", {}, h("input", { type: "checkbox", checked: state.ticked.has(model.model), "aria-label": `Compare ${model.model}`, onchange: (event) => tick(model, event.target) })),
    columns.map((column, i) => i
      ? h("td", { class: classes(column) }, column.text ? column.text(model) : column.value(model))
      : h("th", { scope: "row" },
        model.colour ? h("span", { class: "swatch", style: `background:${model.colour}` }) : null,
        h("a", { href: to("run", { study, run: model.runs[0] }) }, model.model),
        model.description !== model.model ? h("span", { class: "below clamped", title: model.description }, model.description) : null)));

  function tick(model, box) {
    if (box.checked && state.ticked.size >= MOST) {
      box.checked = false;
      return;
    }
    state.ticked[box.checked ? "add" : "delete"](model.model);
    keep({ model: [...state.ticked] });
    fill(below, [...below.children].filter((one) => one.hasAttribute("aria-expanded")), actions());
    compare([...state.ticked]);
  }

  function actions() {
    if (!state.ticked.size) return h("span", { class: "quiet" }, "Tick recipes to compare them in the charts.");
    const runs = found.models.filter((m) => state.ticked.has(m.model)).map((m) => m.runs[0]);
    return [
      h("a", { href: to("try", { study, run: runs }) }, `Draw for the ${plural(runs.length, "ticked recipe")}`),
      h("button", { type: "button", onclick: () => {
        state.ticked.clear();
        keep({ model: [] });
        draw();
        compare([]);
      } }, "Untick all"),
      runs.length >= MOST ? h("span", { class: "quiet" }, `${MOST} are the most.`) : null,
    ];
  }

  const search = h("input", { type: "search", id: "filter", value: state.filter, placeholder: "Filter recipes", oninput: (event) => {
    state.filter = event.target.value;
    keep({ filter: state.filter });
    draw();
  } });
  draw();
  fill(section, h("h2", {}, "Recipes"),
    h("p", { class: "tools" }, h("label", { class: "hidden", for: "filter" }, "Filter recipes"), search,
      h("span", { class: "quiet" }, "Below each accuracy: its 95 % interval.")),
    place, below,
    found.looks_said ? h("p", { class: "quiet", id: "looks" }, found.looks_said) : null,
    found.failures.map((line) => h("p", { class: "problem" }, line)));
}

function ordered(models, columns, state) {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = models.filter((m) => words.every((word) => `${m.model} ${m.description} ${m.engine} ${m.optimizer}`.toLowerCase().includes(word)));
  const column = columns.find((one) => one.id === state.sort);
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
