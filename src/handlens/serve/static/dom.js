// Elements, numbers and messages: what every view draws with.

/** An element; `on...` are listeners, `class`, `data-...`, `aria-...` attributes, null and false are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put `children` in the place of what the element held. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const DASH = "–";

/** Ties go to the even digit, as Python rounds them: the same figure here and in the report. */
export function percent(share, digits = 1) {
  if (share === null || share === undefined) return DASH;
  return (100 * share).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven" });
}

export function whole(count) {
  return count === null || count === undefined ? DASH : Math.round(count).toLocaleString("en");
}

export function seconds(value) {
  if (value === null || value === undefined) return DASH;
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : whole(value);
}

export function plural(count, one, many = `${one}s`) {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** A line for what went wrong, read out by screen readers. */
export function problem(error) {
  return h("p", { class: "problem", role: "alert" }, error.message ?? String(error));
}

/** A table; `columns`: {name, number}; `rows`: cells (texts or elements), the first names the row. */
export function table(title, columns, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}; scrolls sideways` },
    h("table", { class: columns.length < 5 ? "slim" : null },
      h("caption", { class: "hidden" }, title),
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null }, column.name)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, i) => i === 0
        ? h("th", { scope: "row" }, cell)
        : h("td", { class: columns[i]?.number ? "number" : null }, cell)))))));
}

export function pairs(items) {
  return h("dl", { class: "pairs" }, items.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
