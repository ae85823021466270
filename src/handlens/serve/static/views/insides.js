// What happens inside one of the networks: activations, filters, the occlusion map. Follows the drawing while open.

import { keep, read } from "../address.js";
import { newest, part, post } from "../api.js";
import { fill, h, problem } from "../dom.js";
import { grid } from "../pictures.js";

/** {element, offer(models, picture), clear()}. The address keeps which network is open. */
export function insides() {
  const body = h("div", { class: "inside-body" });
  const choice = h("select", { id: "inside-of", onchange: () => changed() });
  const element = h("details", { class: "inside", hidden: true, open: read().parameters.has("inside"), ontoggle: () => changed() },
    h("summary", {}, "Look inside a network"),
    h("p", { class: "tools" }, h("label", { for: "inside-of" }, "Network"), choice), body);
  let picture = null;

  const look = newest(async () => {
    const now = picture;
    if (!now || !element.open || !choice.value) return;
    try {
      const said = await post(`runs/${part(choice.value)}/insides`, {}, now);
      if (picture && element.open) fill(body, opened(said));
    } catch (error) {
      fill(body, problem(error));
    }
  });

  function changed() {
    if (choice.options.length) keep({ inside: element.open ? choice.value : null });
    look();
  }

  return {
    element,
    offer(models, newer) {
      const networks = models.filter((model) => model.insides);
      element.hidden = !networks.length;
      if (choice.options.length !== networks.length) {
        const wanted = read().parameters.get("inside");
        fill(choice, networks.map((model) => h("option", { value: model.run, selected: model.run === wanted }, model.model)));
      }
      picture = newer;
      look();
    },
    clear() {
      picture = null;
      fill(body, h("p", { class: "quiet" }, "Draw something first."));
    },
  };
}

function opened(said) {
  return [
    h("p", { class: "lead" }, said.headline),
    layer(said.filters),
    said.layers.map((one) => layer(one.pictures, `Out: ${one.output_shape.join(" × ")}`)),
    said.occlusion ? layer({ title: "What counted: the occlusion map", ...said.occlusion }) : null,
  ];
}

function layer(made, more = null) {
  return made
    ? h("section", { class: "layer" }, h("h3", {}, made.title, more ? h("span", { class: "quiet" }, ` ${more}`) : null), h("p", { class: "quiet" }, made.words), grid(made.grid))
    : null;
}
