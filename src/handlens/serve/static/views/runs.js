// Every run of a study, newest first.

import { get } from "../api.js";
import { to } from "../address.js";
import { fill, h, percent, plural, seconds, table, whole } from "../dom.js";

const LIMIT = 100;

export async function show(room, { study, parameters }) {
  const offset = Number(parameters.get("offset") ?? 0);
  const found = await get("runs", { study, offset, limit: LIMIT });
  const rows = found.runs.map((run) => [
    h("a", { href: to("run", { study, run: run.run }) }, h("code", {}, run.run.slice(0, 8))), run.model, run.engine, whole(run.seed), whole(run.epochs),
    percent(run.validation_accuracy, 2), percent(run.test_accuracy, 2), seconds(run.fit_wall_s), run.created.slice(0, 16).replace("T", " "),
  ]);
  const number = (name) => ({ name, number: true });
  fill(room, h("header", {}, h("h1", {}, "Runs"), h("p", { class: "quiet" }, plural(found.total, "run"), found.damaged ? `; ${found.damaged} cannot be read: handlens runs verify` : "")),
    table("Runs", [{ name: "Run" }, { name: "Recipe" }, { name: "Engine" }, number("Seed"), number("Epochs"), number("Validation, %"), number("Test, %"), number("Training, s"), { name: "Finished (UTC)" }], rows),
    h("p", { class: "pages" },
      offset ? h("a", { href: to("runs", { study, offset: Math.max(0, offset - LIMIT) }) }, "Newer") : null, " ",
      offset + LIMIT < found.total ? h("a", { href: to("runs", { study, offset: offset + LIMIT }) }, "Older") : null));
  return null;
}
