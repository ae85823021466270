// What a recipe takes for what: a matrix whose cells open the images, and the scores of each class.

import { keep, read } from "../address.js";
import { get, part } from "../api.js";
import { fill, h, percent, plural, problem, table, whole } from "../dom.js";
import { grid } from "../pictures.js";

const PAGE = 32; // images shown at once
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export async function confusion(section, study, found) {
  const { parameters } = read();
  const option = (name, value, chosen) => h("option", { value, selected: value === chosen }, name);
  const recipe = h("select", { id: "confusion-of", onchange: () => draw() }, found.models.map((m) => option(m.model, m.model, parameters.get("of"))));
  const of = h("select", { id: "confusion-part", onchange: () => draw() },
    option("test where opened", "", parameters.get("cpart")), option("validation", "validation", parameters.get("cpart")));
  const place = h("div", { class: "matrix-and-scores" });
  const images = h("div", { class: "cell-images", "aria-live": "polite" });

  async function draw(cell = null) {
    try {
      const said = await get(`studies/${part(study)}/confusion`, { model: recipe.value, part: of.value });
      if (!place.isConnected) return;
      keep({ of: recipe.selectedIndex ? recipe.value : null, cpart: of.value, ...(cell ? {} : { shown: null, given: null }) });
      fill(place,
        h("div", {}, h("p", { class: "quiet" }, `${whole(said.images)} ${said.part} images${said.replicates > 1 ? `, summed over ${said.replicates} replicates` : ""}. Rows: the class shown; columns: the class given. A cell opens its images.`),
          matrix(said, (shown, given) => pick(said, shown, given, 0))),
        scores(said));
      fill(images);
      if (cell) await pick(said, ...cell, 0);
    } catch (error) {
      fill(place, problem(error));
    }
  }

  async function pick(said, shown, given, page) {
    keep({ shown: String(shown), given: String(given) });
    for (const button of place.querySelectorAll("[data-cell]")) {
      button.setAttribute("aria-pressed", String(button.dataset.cell === `${shown} ${given}`));
    }
    try {
      const opened = await get(`studies/${part(study)}/confusion/images`, { model: said.model, part: said.part, shown, given, page, size: PAGE });
      const name = `${said.classes[shown]} ${shown === given ? "recognised" : `taken for ${said.classes[given]}`}`;
      const pages = Math.ceil(opened.total / PAGE);
      const turn = (by) => h("button", { type: "button", disabled: page + by < 0 || page + by >= pages, onclick: () => pick(said, shown, given, page + by) }, by < 0 ? "Previous" : "Next");
      const several = said.replicates > 1;
      const times = several ? `, ${plural(said.matrix[shown][given], "time")} in ${said.replicates} replicates` : "";
      const below = several ? "the mean probability that the replicates which did so gave it" : "the probability that it was given";
      fill(images, h("h3", {}, `${name}: ${plural(opened.total, "image")}${times}`),
        opened.total ? h("p", { class: "quiet" }, `The surest first; below each ${below}.`) : null,
        opened.total ? grid(opened.grid) : null,
        pages > 1 ? h("p", { class: "pages" }, turn(-1), ` ${page + 1} of ${pages} `, turn(1)) : null);
    } catch (error) {
      fill(images, problem(error));
    }
  }

  if (!section.children.length || !section.querySelector("select")) {
    fill(section, h("h2", {}, "What it takes for what"),
      h("p", { class: "tools" }, h("label", { for: "confusion-of" }, "Recipe"), recipe,
        found.tested ? [h("label", { for: "confusion-part" }, "Images"), of] : null), place, images);
  } else {
    section.querySelector("#confusion-of").replaceWith(recipe);
    section.querySelector("#confusion-part")?.replaceWith(of);
    section.querySelector(".matrix-and-scores").replaceWith(place);
    section.querySelector(".cell-images").replaceWith(images);
  }
  await draw(parameters.has("shown") ? [Number(parameters.get("shown")), Number(parameters.get("given"))] : null);
}

/** A table of buttons, one of them in the tab order, arrow keys move between them; the colour is the share of the row. */
function matrix(said, open) {
  const size = said.classes.length;
  const totals = said.matrix.map((row) => Math.max(1, row.reduce((sum, count) => sum + count, 0)));
  const cell = (count, i, j) => {
    const share = count / totals[i];
    const strength = count ? Math.max(6, Math.round(100 * (i === j ? share : Math.sqrt(share)))) : 0;
    return h("td", { class: i === j ? "right" : "wrong", style: `--share:${strength}%` },
      h("button", {
        type: "button", "data-cell": `${i} ${j}`, "aria-pressed": "false", "aria-disabled": count ? null : "true", tabindex: i + j ? "-1" : "0",
        "aria-label": `${said.classes[i]} ${i === j ? "recognised" : `taken for ${said.classes[j]}`}: ${plural(count, "time")}`,
        title: `${said.classes[i]} → ${said.classes[j]}: ${whole(count)} (${percent(share)} %)`, onclick: () => (count ? open(i, j) : null),
      }, count ? whole(count) : ""));
  };
  const made = h("table", { class: "matrix", onkeydown: (event) => {
    const way = ARROWS[event.key];
    const from = event.target.dataset.cell?.split(" ").map(Number);
    if (!way || !from) return;
    event.preventDefault();
    const [i, j] = from.map((at, axis) => Math.min(size - 1, Math.max(0, at + way[axis])));
    made.querySelector(`[data-cell="${i} ${j}"]`).focus();
  }, onfocusin: (event) => {
    if (!event.target.dataset.cell) return;
    made.querySelector('[data-cell][tabindex="0"]')?.setAttribute("tabindex", "-1");
    event.target.setAttribute("tabindex", "0");
  } },
  h("caption", { class: "hidden" }, `Confusion matrix of ${said.model}`),
  h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "quiet" }, "shown \\ given")), said.classes.map((name) => h("th", { scope: "col", title: name }, h("span", {}, name))))),
  h("tbody", {}, said.matrix.map((row, i) => h("tr", {}, h("th", { scope: "row" }, said.classes[i]), row.map((count, j) => cell(count, i, j))))));
  if (said.classes.some((name) => name.length > 4)) made.classList.add("upright");
  if (size > 14) made.classList.add("dense");
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion matrix; scrolls sideways" }, made);
}

function scores(said) {
  return h("details", { class: "scores", open: said.classes.length <= 12 }, h("summary", {}, "Scores of each class"), table("Scores of each class",
    [{ name: "Class" }, { name: "Images", number: true }, { name: "Precision, %", number: true }, { name: "Recall, %", number: true }, { name: "F1, %", number: true }],
    said.scores.map((one) => [one.class, whole(one.images), percent(one.precision), percent(one.recall), percent(one.f1)])));
}
