// The frame of the page: which view is shown, for which study, light or dark.

import { get } from "./api.js";
import { read, to } from "./address.js";
import { fill, h, problem } from "./dom.js";

const VIEWS = {
  try: { title: "Try it", load: () => import("./views/try.js") },
  study: { title: "Study", load: () => import("./views/study.js") },
  data: { title: "Data", load: () => import("./views/data.js") },
  runs: { title: "Runs", load: () => import("./views/runs.js") },
  run: { title: "", load: () => import("./views/run.js") },
};
const place = document.getElementById("view");
let shown = null; // {view, parameters, leave}: what is on the page now
let known = [];

async function start() {
  document.documentElement.classList.toggle("framed", window.top !== window); // in a notebook
  theme(kept());
  document.getElementById("theme").addEventListener("click", () => {
    const order = ["auto", "light", "dark"];
    theme(order[(order.indexOf(document.documentElement.dataset.theme) + 1) % order.length]);
  });
  document.getElementById("study").addEventListener("change", (event) => {
    const view = read().view === "run" ? "study" : read().view;
    location.hash = to(view, { study: event.target.value });
  });
  window.addEventListener("hashchange", show);
  await show();
}

async function show() {
  const { view, parameters } = read();
  const address = location.hash;
  try {
    known = (await get("studies")).studies; // anew: studies begin while the page is open
  } catch (error) {
    fill(place, problem(error));
    return;
  }
  if (address !== location.hash) return; // gone elsewhere meanwhile
  const study = parameters.get("study") ?? known[0]?.name ?? "";
  const name = VIEWS[view] ? view : "try";
  frame(name, study);
  shown?.leave?.();
  const now = (shown = { leave: null });
  if (!study && name !== "run") {
    fill(place, h("h1", {}, "Nothing to show yet"), h("p", {}, "No study and no run is served. Train one and start again:"),
      h("pre", { tabindex: "0" }, "handlens run --dataset mnist-5k --models forest,mlp\nhandlens serve"));
    return;
  }
  window.scrollTo(0, 0);
  const room = h("div", { class: `view view-${name}` });
  fill(place, room);
  try {
    const { show: draw } = await VIEWS[name].load();
    const leave = await draw(room, { study, parameters });
    if (now === shown) now.leave = leave;
    else leave?.();
  } catch (error) {
    if (now === shown) fill(place, problem(error));
  }
}

function frame(view, study) {
  const title = known.find((one) => one.name === study)?.title ?? study;
  document.title = [VIEWS[view].title, title, "handlens"].filter(Boolean).join(" · ");
  fill(document.getElementById("tabs"), Object.entries(VIEWS).filter(([, one]) => one.title).map(([name, one]) =>
    h("a", { href: to(name, { study }), "aria-current": name === view ? "page" : null }, one.title)));
  const names = [...new Set([...known.map((one) => one.name), study])].filter(Boolean);
  fill(document.getElementById("study"), names.map((name) =>
    h("option", { value: name, selected: name === study }, known.find((one) => one.name === name)?.title || name)));
}

function kept() {
  try {
    return localStorage.getItem("theme") ?? "auto";
  } catch {
    return "auto";
  }
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem("theme", name);
  } catch { /* a browser that keeps nothing */ }
  const button = document.getElementById("theme");
  const said = { auto: "Light or dark as the system", light: "Light", dark: "Dark" }[name];
  button.textContent = { auto: "◐", light: "☀", dark: "☾" }[name];
  button.title = said;
  button.setAttribute("aria-label", `Colours: ${said}. Change`);
}

start();
