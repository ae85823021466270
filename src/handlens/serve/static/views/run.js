// One run: its settings, its scores, and the machine it was made on.

import { get, part } from "../api.js";
import { to } from "../address.js";
import { fill, h, pairs, percent, seconds, table, whole } from "../dom.js";

export async function show(room, { study, parameters }) {
  const run = await get(`runs/${part(parameters.get("run") ?? "")}`);
  const scores = [["validation", run.validation], ["test", run.test]].filter(([, one]) => one);
  const versions = Object.entries(run.environment.versions).map(([name, version]) => `${name} ${version}`).join(", ");
  fill(room,
    h("header", {}, h("p", { class: "kicker" }, "run ", h("code", {}, run.run)), h("h1", {}, run.model), h("p", {}, run.description),
      h("p", {}, h("a", { href: to("try", { study, run: run.run }) }, "Try it"), " · ", h("a", { href: to("study", { study }) }, "Its study"))),
    h("section", {}, h("h2", {}, "Scores"), table("Scores",
      [{ name: "Images" }, { name: "Count", number: true }, { name: "Accuracy, %", number: true }, { name: "Macro F1, %", number: true }, { name: "Log loss", number: true }],
      scores.map(([name, one]) => [name, whole(one.images), percent(one.accuracy, 2), percent(one.macro_f1, 2), one.log_loss.toFixed(4)])),
    run.test ? null : h("p", { class: "quiet" }, "The test images were not opened for this run.")),
    h("section", {}, h("h2", {}, "Settings"), pairs([
      ["Data", run.dataset], ["Training images", whole(run.train_images)], ["Validation", `${run.split.validation} (seed ${run.split.seed})`],
      ["Seed", whole(run.seed)], ["Engine", `${run.engine}, ${run.numerics}`], ["Optimizer", run.optimizer], ["Epochs", whole(run.epochs)],
      ["Parameters", whole(run.parameters)], ["Model file", `${whole(run.model_bytes / 1000)} kB`],
      ["Training", `${seconds(run.timings.fit_wall_s)} s (${seconds(run.timings.fit_cpu_s)} s of CPU)`],
      ["Predicting", `${seconds(run.timings.predict_us_per_image)} µs per image`],
    ]), h("details", {}, h("summary", {}, "The recipe, every default written out"), h("pre", { tabindex: "0" }, JSON.stringify(run.recipe, null, 1)))),
    run.history.length ? h("section", {}, h("h2", {}, "Epochs"), h("details", {}, h("summary", {}, `${run.history.length} epochs`), table("Epochs",
      ["Epoch", "Loss", "Accuracy, %", "Validation loss", "Validation, %", "Seconds"].map((name, i) => ({ name, number: i > 0 })),
      run.history.map((e) => [whole(e.epoch), e.loss.toFixed(4), percent(e.accuracy, 2), e.validation_loss?.toFixed(4) ?? "–", percent(e.validation_accuracy, 2), seconds(e.seconds)])))) : null,
    h("section", {}, h("h2", {}, "Environment"), pairs([
      ["Machine", run.environment.platform], ["Processor", `${run.environment.processor}, ${whole(run.environment.cores)} cores`], ["Device", run.timings.device],
      ["Finished (UTC)", run.created], ["Versions", versions], ["Command", run.environment.command],
    ]), run.notes.length ? h("ul", {}, run.notes.map((note) => h("li", {}, note))) : null));
  return null;
}
