// Pictures that are chosen, pasted or dropped.

import { h } from "./dom.js";

const LARGE = 8e6; // bytes; the server takes 10 million
const SIDE = 2000; // pixels that a larger file's picture is brought to

/**
 * `taken(blob, bitmap)` is called with every picture; `bitmap` is null where the browser cannot show it.
 * `refused(error)`, where what was brought is no picture. Gives {element, take(blob), remove()}.
 */
export function bringing(taken, refused) {
  const input = h("input", { type: "file", id: "upload", accept: "image/*", class: "hidden", onchange: () => {
    if (input.files[0]) take(input.files[0]);
    input.value = "";
  } });
  const element = h("p", { class: "bring" }, input, h("label", { class: "button", for: "upload" }, "Choose a picture …"),
    h("span", { class: "quiet" }, "or paste one, or drop it here"));

  async function take(file) {
    if (!file.type.startsWith("image/")) {
      refused(new Error(`${file.name ?? "this"} is no picture; PNG, JPEG, GIF, BMP, WebP and TIFF are read`));
      return;
    }
    const bitmap = await createImageBitmap(file).catch(() => null);
    taken(bitmap && file.size > LARGE ? await smaller(bitmap) : file, bitmap); // what the browser does not know the server may
  }

  const listeners = {
    paste: (event) => {
      const file = [...event.clipboardData.files][0];
      if (file) take(file);
    },
    dragover: (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    },
    dragleave: (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dropping");
    },
    drop: (event) => {
      document.body.classList.remove("dropping");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      take(event.dataTransfer.files[0]);
    },
  };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
  return {
    element, take,
    remove() {
      for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
    },
  };
}

function smaller(bitmap) {
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = h("canvas", { width: Math.round(scale * bitmap.width), height: Math.round(scale * bitmap.height) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.95); });
}
