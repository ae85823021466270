// One image of the data, large, in a dialog: arrow keys go to its neighbours, Escape closes it.

import { to } from "../address.js";
import { part } from "../api.js";
import { fill, h, pairs } from "../dom.js";

const LARGE = 320; // pixels of the shown picture's longer side

export function enlarge(study, which, found, first) {
  let n = first;
  const body = h("div", {});
  const turn = (by) => {
    n = (n + by + found.images.length) % found.images.length;
    draw();
  };
  const dialog = h("dialog", { "aria-label": "One image", onclose: () => dialog.remove(),
    onclick: (event) => { if (event.target === dialog) dialog.close(); },
    onkeydown: (event) => {
      if (event.key === "ArrowLeft") turn(-1);
      else if (event.key === "ArrowRight") turn(1);
    } },
  body, h("p", { class: "pages" },
    h("button", { type: "button", onclick: () => turn(-1) }, "Previous"), h("button", { type: "button", onclick: () => turn(1) }, "Next"),
    h("button", { type: "button", class: "last", onclick: () => dialog.close() }, "Close")));

  function draw() {
    const one = found.images[n];
    const scale = Math.max(1, Math.floor(LARGE / Math.max(found.grid.width, found.grid.height)));
    const [width, height] = [found.grid.width * scale, found.grid.height * scale].map(String);
    fill(body,
      h("img", { class: "seen", width, height, alt: found.grid.tiles[n].alt, src: `/api/data/${part(study)}/images/${which}/${one.position}.png?scale=${Math.min(32, scale)}` }),
      h("h2", {}, one.class),
      pairs([["Place", `${which} image ${one.position}`], ["Brightness", one.mean.toFixed(1)], ["Contrast", one.deviation.toFixed(1)], ["Entropy", `${one.entropy.toFixed(2)} bits`],
        ["Doubt", one.doubt === null ? null : one.doubt.toFixed(3)]]),
      h("p", {}, h("a", { href: to("try", { study, part: which, position: one.position }), onclick: () => dialog.close() }, "What do the models say of it?")));
  }

  draw();
  document.body.append(dialog);
  dialog.showModal();
}
