// A study while it runs: what is trained now, and its curve growing, by server-sent events.

import { get, newest, part } from "./api.js";
import { draw, key } from "./charts.js";
import { fill, h, percent, plural } from "./dom.js";

const COLOURS = ["#2f74d0", "#d9700f", "#16927e", "#a45fc7", "#cf4352", "#8a8514", "#7a6a5f", "#d265a0"];

/** Show in `place` what is under way; `changed` is called when a run is finished. Returns how to stop. */
export function live(place, study, changed) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Trials finished" });
  const said = h("p", { role: "status" });
  const colours = h("div", {});
  const chart = h("div", { class: "chart", id: "live-curve" });
  const box = h("section", { class: "live", hidden: true }, h("h2", {}, "Running now"), bar, said, colours, chart);
  fill(place, box);
  let config = null;

  const curves = newest(async () => {
    config ??= (await get(`studies/${part(study)}/topics`)).config;
    const { curves: found } = await get(`studies/${part(study)}/history`);
    const points = found.filter((curve) => curve.live).flatMap((curve) => curve.epochs.map((epoch) => ({
      epoch: epoch.epoch, curve: `${curve.model}, replicate ${curve.replicate}`, accuracy: 100 * (epoch.validation_accuracy ?? epoch.accuracy),
    })));
    chart.hidden = !points.length;
    if (!points.length) return;
    const names = [...new Set(points.map((point) => point.curve))];
    const range = names.map((_, i) => COLOURS[i % COLOURS.length]);
    fill(colours, key(names.map((name, i) => [name, range[i]])));
    await draw(chart, spec(points, names, range), config);
  });

  const source = new EventSource(`/api/events?study=${encodeURIComponent(study)}`);
  const on = (name, work) => source.addEventListener(name, (event) => work(JSON.parse(event.data)));
  const counted = (one) => {
    if (!one) return;
    box.hidden = !one.running;
    bar.max = one.trials ?? 1;
    bar.value = one.done ?? 0;
    bar.textContent = `${one.done} of ${one.trials ?? "?"}`;
  };
  on("state", (state) => {
    counted(state.studies.find((one) => one.name === study));
    if (state.trainings.length) curves();
  });
  on("study", counted);
  on("begun", (one) => { said.textContent = `${one.model}, replicate ${one.replicate}: begun`; });
  on("epoch", (one) => {
    const accuracy = one.epoch.validation_accuracy ?? one.epoch.accuracy;
    said.textContent = `${one.model}, replicate ${one.replicate}: epoch ${one.epoch.epoch} of ${plural(one.epochs, "epoch")}, ${percent(accuracy)} %`;
    curves();
  });
  on("done", () => { changed(); curves(); });
  return () => source.close();
}

function spec(points, names, range) {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: "container", height: 220, data: { values: points }, mark: { type: "line", point: { size: 18 } },
    description: "Accuracy on validation images, epoch by epoch",
    encoding: {
      x: { field: "epoch", type: "quantitative", title: "Epoch", axis: { tickMinStep: 1, format: "d" } },
      y: { field: "accuracy", type: "quantitative", title: "Validation accuracy, %", scale: { zero: false } },
      color: { field: "curve", type: "nominal", scale: { domain: names, range }, legend: null },
    },
  };
}
