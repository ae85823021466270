// Vega-Lite specifications, the same as in the report, drawn where they are put.

import { h } from "./dom.js";

/** A figure for a chart of the server's: {name, title, caption, spec}. */
export function figure(chart, config, level = "h3") {
  const place = h("div", { class: "chart", "data-chart": chart.name });
  const made = h("figure", { class: "figure" }, h(level, {}, chart.title), place,
    chart.caption ? h("figcaption", {}, chart.caption) : null);
  // The chart is as wide as its place, so the place must be on the page before it is drawn.
  queueMicrotask(() => requestAnimationFrame(() => draw(place, chart.spec, config)));
  return made;
}

/** Draw a specification in an element; drawing again replaces the chart. */
export async function draw(place, spec, config) {
  if (!place.isConnected) return;
  const old = place.view;
  try {
    const found = await vegaEmbed(place, spec, {
      mode: "vega-lite", ast: true, actions: false, renderer: "svg", config, tooltip: { theme: "page" },
    });
    place.view = found;
    place.dataset.drawn = "yes";
  } catch (error) {
    place.textContent = `The chart could not be drawn: ${error.message}`;
  }
  old?.finalize();
}

/** What the colours stand for. */
export function key(colours) {
  return h("ul", { class: "key", "aria-label": "Colours" }, colours.map(([name, colour]) =>
    h("li", {}, h("span", { class: "swatch", style: `background:${colour}` }), name)));
}
