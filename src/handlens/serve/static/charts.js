// Vega-Lite specifications, the same as in the report, drawn where they are put.

import { h } from "./dom.js";

const AXIS = 45; // pixels below and above a plot

/** A figure for a chart of the server's: {name, title, caption, spec}. */
export function figure(chart, config, level = "h3") {
  const place = room(chart);
  // The chart is as wide as its place, so the place must be on the page before it is drawn.
  requestAnimationFrame(() => draw(place, chart.spec, config));
  return h("figure", { class: "figure" }, h(level, {}, chart.title), place, chart.caption ? h("figcaption", {}, chart.caption) : null);
}

/** Where a chart will be drawn, as high as it will be, so that nothing below it jumps. */
export function room(chart) {
  const height = typeof chart.spec.height === "number" ? chart.spec.height + AXIS : 0;
  return h("div", { class: "chart", "data-chart": chart.name, style: `min-height:${height}px` });
}

/** Draw a specification in an element; drawing again replaces the chart. */
export async function draw(place, spec, config) {
  if (!place.isConnected) return;
  const old = place.view;
  try {
    place.view = await vegaEmbed(place, spec, {
      mode: "vega-lite", ast: true, actions: false, renderer: "svg", config, tooltip: { theme: "page" }, logLevel: vega.Error,
    });
    place.dataset.drawn = "yes";
  } catch (error) {
    place.textContent = `The chart could not be drawn: ${error.message}`;
  }
  old?.finalize();
}

/** What the colours stand for: pairs of name and colour. */
export function key(pairs) {
  return h("ul", { class: "key", "aria-label": "Colours" }, pairs.map(([name, colour]) =>
    h("li", {}, h("span", { class: "swatch", style: `background:${colour}` }), name)));
}

/** Names and colours of a learning curve's scale. */
export function colours(spec) {
  const scale = spec.layer.map((one) => one.encoding.color?.scale).find(Boolean);
  return scale ? scale.domain.map((name, i) => [name, scale.range[i]]) : [];
}
