// Sheets of small pictures, as the server sends them.

import { h } from "./dom.js";

/** A grid of pictures; `onpick(n)` makes each of them a button. */
export function grid(made, onpick = null) {
  return h("ul", { class: "grid", style: `--tile: ${Math.max(72, made.width * made.scale)}px` }, made.tiles.map((tile, n) => {
    const words = h("span", { "aria-hidden": "true" }, tile.lines.map((line, i) => h("span", { class: i ? "line" : "line first" }, line)));
    const picture = sprite(made, n, tile.alt);
    return h("li", {}, onpick
      ? h("button", { type: "button", class: "tile", "aria-label": tile.alt, onclick: () => onpick(n) }, picture, words)
      : [picture, words]);
  }));
}

/** Picture n of a sheet. */
export function sprite(made, n, alt) {
  const width = made.width * made.scale;
  const height = made.height * made.scale;
  const column = n % made.columns;
  const row = Math.floor(n / made.columns);
  const rows = Math.ceil(made.tiles.length / made.columns);
  const style = `width:${width}px;height:${height}px;background-image:url(${made.sheet});` +
    `background-size:${width * Math.min(made.columns, made.tiles.length)}px ${height * rows}px;` +
    `background-position:-${column * width}px -${row * height}px`;
  return h("div", { class: "sprite", role: "img", "aria-label": alt, title: alt, style });
}
