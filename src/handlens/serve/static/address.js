// The address keeps the state: `#view?study=...&...`, so that it can be shared and gone back to.

/** The view's name and its parameters. */
export function read() {
  const [view, query = ""] = location.hash.slice(1).split("?");
  return { view: view || "try", parameters: new URLSearchParams(query) };
}

/** The address of a view; lists are repeated parameters, empty values are left out. */
export function to(view, parameters = {}) {
  const made = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") made.append(name, one);
    }
  }
  const query = made.toString();
  return `#${view}${query && `?${query}`}`;
}

/** Change some parameters of the present view without drawing it anew: the view has done that itself. */
export function keep(changes) {
  const { view, parameters } = read();
  for (const [name, value] of Object.entries(changes)) {
    parameters.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") parameters.append(name, one);
    }
  }
  const query = parameters.toString();
  history.replaceState(null, "", `#${view}${query && `?${query}`}`);
}
