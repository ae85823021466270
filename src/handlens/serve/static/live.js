// A study while it runs: what is trained now, and its curves growing, by server-sent events.

import { get, newest, part } from "./api.js";
import { colours, draw, key, room } from "./charts.js";
import { fill, h, percent } from "./dom.js";

/** Show in `place` what is under way; `changed(ended)` is called when runs have finished, or the study has. Returns how to stop. */
export function live(place, study, changed) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Trials finished" });
  const counts = h("span", { class: "quiet" });
  const said = h("p", { class: "now" });
  const legend = h("div", {});
  const charts = h("div", { class: "trio" });
  const box = h("section", { id: "live", class: "live", hidden: true }, h("h2", {}, "Running now"), h("p", { class: "tools" }, bar, counts), said, legend, charts);
  fill(place, box);

  const curves = newest(async () => {
    const found = await get(`studies/${part(study)}/charts`, { live: true }).catch(() => null);
    if (!found?.charts.length) return;
    if (charts.children.length !== found.charts.length) {
      fill(charts, found.charts.map((chart) => h("figure", { class: "figure" }, h("h3", {}, chart.title), room(chart))));
    }
    fill(legend, key(colours(found.charts[0].spec)));
    await Promise.all(found.charts.map((chart, i) => draw(charts.children[i].lastChild, chart.spec, found.config)));
  });

  const source = new EventSource(`/api/events?study=${encodeURIComponent(study)}`);
  const on = (name, work) => source.addEventListener(name, (event) => work(JSON.parse(event.data)));
  const counted = (one) => {
    if (!one) return;
    box.hidden = !one.running;
    bar.max = one.trials || 1;
    bar.value = one.done ?? 0;
    counts.textContent = `${one.done ?? 0} of ${one.trials ?? "?"} trials`;
  };
  const told = (one, words) => { said.textContent = `${one.model}, replicate ${one.replicate}: ${words}`; };
  on("state", (state) => {
    counted(state.studies.find((one) => one.name === study));
    const last = state.trainings.at(-1);
    if (last) {
      told(last, `epoch ${last.history.length} of ${last.epochs}`);
      curves();
    }
  });
  on("study", (one) => {
    counted(one);
    changed(!one.running);
  });
  on("begun", (one) => told(one, one.epochs > 1 ? `the first of ${one.epochs} epochs` : "training"));
  on("epoch", (one) => {
    const accuracy = one.epoch.validation_accuracy ?? one.epoch.accuracy;
    told(one, `epoch ${one.epoch.epoch} of ${one.epochs}, ${percent(accuracy)} % of the validation images right`);
    curves();
  });
  return () => source.close();
}
