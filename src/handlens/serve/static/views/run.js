// One run: its settings, its scores, and the machine it was made on.

import { to } from "../address.js";
import { get, part } from "../api.js";
import { fill, h, pairs, percent, plural, seconds, table, whole } from "../dom.js";

export async function show(room, { study, parameters }) {
  const [run, found] = await Promise.all([get(`runs/${part(parameters.get("run") ?? "")}`), study ? get(`studies/${part(study)}`).catch(() => null) : null]);
  const own = found?.models.find((model) => model.runs.includes(run.run));
  fill(room,
    h("header", {}, h("p", { class: "kicker" }, "run ", h("code", {}, run.run)), h("h1", {}, run.model),
      run.description === run.model ? null : h("p", {}, run.description),
      h("p", {}, h("a", { href: to("try", { study, run: run.run }) }, "Draw for it"), " · ", h("a", { href: to("study", { study }) }, "Its study"), own ? replicates(own, run, study) : null)),
    h("section", {}, h("h2", {}, "Scores"), scores(run), run.test ? null : h("p", { class: "quiet" }, "The test images were not opened for this run.")),
    h("section", {}, h("h2", {}, "Settings"), settings(run)),
    run.history.length ? h("section", {}, h("h2", {}, "Epochs"), h("details", {}, h("summary", {}, plural(run.history.length, "epoch")), epochs(run))) : null,
    h("section", {}, h("h2", {}, "Environment"), environment(run)));
  return null;
}

function replicates(own, run, study) {
  if (own.runs.length < 2) return null;
  return [" · Replicates ", own.runs.map((hash, i) => [hash === run.run ? h("b", { "aria-current": "page" }, i + 1) : h("a", { href: to("run", { study, run: hash }), "aria-label": `Replicate ${i + 1}` }, i + 1), " "])];
}

function scores(run) {
  const parts = [["validation", run.validation], ["test", run.test]].filter(([, one]) => one);
  return table("Scores",
    [{ name: "Images" }, { name: "Count", number: true }, { name: "Accuracy, %", number: true }, { name: "Macro F1, %", number: true }, { name: "Log loss", number: true }],
    parts.map(([name, one]) => [name, whole(one.images), percent(one.accuracy, 2), percent(one.macro_f1, 2), one.log_loss?.toFixed(4) ?? "–"]));
}

function settings(run) {
  return [
    pairs([
      ["Data", run.dataset], ["Training images", whole(run.train_images)], ["Validation", `${run.split.validation} (seed ${run.split.seed})`],
      ["Seed", whole(run.seed)], ["Engine", `${run.engine}, ${run.numerics}`], ["Optimizer", run.optimizer], ["Epochs", whole(run.epochs)],
      ["Parameters", whole(run.parameters)], ["Model file", `${whole(run.model_bytes / 1000)} kB`],
      ["Training", `${seconds(run.timings.fit_wall_s)} s (${seconds(run.timings.fit_cpu_s)} s of CPU)`],
      ["Predicting", `${seconds(run.timings.predict_us_per_image)} µs per image`], ["Test images opened", run.opened],
    ]),
    h("details", {}, h("summary", {}, "The recipe, every default written out"), h("pre", { tabindex: "0" }, JSON.stringify(run.recipe, null, 1))),
  ];
}

function epochs(run) {
  return table("Epochs", ["Epoch", "Loss", "Accuracy, %", "Validation loss", "Validation, %", "Seconds"].map((name, i) => ({ name, number: i > 0 })),
    run.history.map((e) => [whole(e.epoch), e.loss?.toFixed(4) ?? "–", percent(e.accuracy, 2), e.validation_loss?.toFixed(4) ?? "–", percent(e.validation_accuracy, 2), seconds(e.seconds)]));
}

function environment(run) {
  const versions = Object.entries(run.environment.versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return [
    pairs([
      ["Machine", run.environment.platform], ["Processor", `${run.environment.processor}, ${plural(run.environment.cores, "core")}`], ["Device", run.timings.device],
      ["Finished (UTC)", run.created], ["Versions", versions], ["Command", run.environment.command],
    ]),
    run.notes.length ? h("ul", {}, run.notes.map((note) => h("li", {}, note))) : null,
  ];
}
