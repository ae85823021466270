// What a recipe takes for what: a matrix whose cells open the images, and the scores of each class.

import { get, part } from "../api.js";
import { keep } from "../address.js";
import { fill, h, percent, plural, problem, table, whole } from "../dom.js";
import { grid } from "../pictures.js";

const PAGE = 32; // images shown at once

export async function confusion(section, study, found, parameters) {
  const choice = h("select", { id: "confusion-of", onchange: () => draw(choice.value) },
    found.models.map((model) => h("option", { value: model.model, selected: model.model === parameters.get("of") }, model.model)));
  const place = h("div", {});
  const images = h("div", { class: "cell-images", "aria-live": "polite" });
  fill(section, h("h2", {}, "What it takes for what"),
    h("p", { class: "tools" }, h("label", { for: "confusion-of" }, "Recipe "), choice), place, images);

  async function draw(model, cell = null) {
    try {
      const said = await get(`studies/${part(study)}/confusion`, { model });
      const open = (shown, given) => pick(said, shown, given, 0);
      fill(place,
        h("p", { class: "quiet" }, `${said.part === "test" ? "Test" : "Validation"} images, ${said.replicates > 1 ? `summed over ${said.replicates} replicates` : "one replicate"}. Rows: the class shown; columns: the class given. A cell opens its images.`),
        matrix(said, open), scores(said));
      fill(images);
      if (cell) await pick(said, cell[0], cell[1], 0);
    } catch (error) {
      fill(place, problem(error));
    }
  }

  async function pick(said, shown, given, page) {
    keep({ of: said.model, shown: String(shown), given: String(given) });
    for (const button of place.querySelectorAll("[data-cell]")) {
      button.setAttribute("aria-pressed", String(button.dataset.cell === `${shown} ${given}`));
    }
    try {
      const found = await get(`studies/${part(study)}/confusion/images`, { model: said.model, part: said.part, shown, given, page, size: PAGE });
      const name = `${said.classes[shown]} ${shown === given ? "recognised" : `taken for ${said.classes[given]}`}`;
      const pages = Math.ceil(found.total / PAGE);
      fill(images, h("h3", {}, `${name}: ${plural(found.total, "image")}`),
        found.total ? grid(found.grid) : null,
        pages > 1 ? h("p", { class: "pages" },
          h("button", { type: "button", disabled: page === 0, onclick: () => pick(said, shown, given, page - 1) }, "Previous"),
          ` ${page + 1} of ${pages} `,
          h("button", { type: "button", disabled: page + 1 >= pages, onclick: () => pick(said, shown, given, page + 1) }, "Next")) : null);
    } catch (error) {
      fill(images, problem(error));
    }
  }

  const cell = parameters.has("shown") ? [Number(parameters.get("shown")), Number(parameters.get("given"))] : null;
  await draw(choice.value, cell);
}

/** A table of buttons; the colour is the share of the row. */
function matrix(said, open) {
  const totals = said.matrix.map((row) => Math.max(1, row.reduce((sum, count) => sum + count, 0)));
  const cell = (count, i, j) => {
    const share = count / totals[i];
    const strength = count ? Math.max(6, Math.round(100 * (i === j ? share : Math.sqrt(share)))) : 0;
    return h("td", { class: i === j ? "right" : "wrong", style: `--share:${strength}%` },
      h("button", {
        type: "button", "data-cell": `${i} ${j}`, "aria-pressed": "false", disabled: !count,
        "aria-label": `${said.classes[i]} taken for ${said.classes[j]}: ${plural(count, "time")}`,
        title: `${said.classes[i]} → ${said.classes[j]}: ${whole(count)} (${percent(share)} %)`, onclick: () => open(i, j),
      }, count ? whole(count) : ""));
  };
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion matrix; scrolls sideways" },
    h("table", { class: "matrix" }, h("caption", { class: "hidden" }, `Confusion matrix of ${said.model}`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "shown \\ given"), said.classes.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, said.matrix.map((row, i) => h("tr", {}, h("th", { scope: "row" }, said.classes[i]), row.map((count, j) => cell(count, i, j)))))));
}

function scores(said) {
  return h("details", {}, h("summary", {}, "Scores of each class"), table("Scores of each class",
    [{ name: "Class" }, { name: "Images", number: true }, { name: "Precision, %", number: true }, { name: "Recall, %", number: true }, { name: "F1, %", number: true }],
    said.scores.map((one) => [one.class, whole(one.images), percent(one.precision), percent(one.recall), percent(one.f1)])));
}
