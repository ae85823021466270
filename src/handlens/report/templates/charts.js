"use strict";
{
  const page = JSON.parse(document.getElementById("specs").textContent);
  const places = [...document.querySelectorAll("[data-chart]")];
  const options = {
    mode: "vega-lite", actions: false, renderer: "svg", ast: true, config: page.config,
    tooltip: { theme: "page" },
  };
  Promise.all(places.map((place) => vegaEmbed(place, page.charts[place.dataset.chart], options))).then(
    () => { document.documentElement.dataset.charts = "drawn"; },
    (error) => { console.error(error); document.documentElement.dataset.charts = "failed"; },
  );
}
