// A pad to draw on with mouse, touch, pen or keyboard. Self-contained: createPad(element, options) fills an element.
//
// Options:
//   height, width    of the drawing in pixels (the element decides how large it is shown)
//   background, ink  grey, 0..255
//   brush            width of the line in pixels of the drawing
//   label            what the pad is for, to be read out
//   onChange         called after every change with the drawing, or with null where there is none
//
// What it makes has the classes pad, pad-surface, pad-canvas, pad-cross, pad-tools; their looks are the page's.

const STEP = 8; // pixels that an arrow key moves the pen; with Shift a quarter of it

const shade = (grey) => `rgb(${grey} ${grey} ${grey})`;

function made(kind, properties = {}, ...children) {
  const element = Object.assign(document.createElement(kind), properties);
  element.append(...children);
  return element;
}

/** The pad: {canvas, image(), show(source), undo(), clear(), remove()}. */
export function createPad(element, options) {
  const { height, width, background, ink, onChange = () => {}, label = "Draw here" } = options;
  const canvas = made("canvas", { height, width, className: "pad-canvas", tabIndex: 0 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const strokes = []; // each: points {x, y, width}
  let drawing = null; // the stroke that is being drawn
  let shown = null; // a picture that stands on the pad instead of strokes
  const pen = { x: width / 2, y: height / 2, down: false };

  const brush = made("input", {
    type: "range", min: Math.max(1, Math.round(options.brush / 3)), max: Math.round(options.brush * 2.5),
    value: Math.round(options.brush),
  });
  const back = made("button", { type: "button", textContent: "Undo" });
  const empty = made("button", { type: "button", textContent: "Clear" });
  const tools = made("div", { className: "pad-tools" }, made("label", {}, "Brush ", brush), back, empty);
  const cross = made("div", { className: "pad-cross", hidden: true });
  const help = made("p", {
    className: "pad-help", hidden: true,
    textContent: "Arrow keys move the pen, with Shift in small steps. Space puts it down and lifts it. "
      + "Control and Z undoes, Escape clears.",
  });
  const about = `pad-help-${Math.random().toString(36).slice(2)}`;
  help.id = about;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", label);
  canvas.setAttribute("aria-describedby", about);
  const surface = made("div", { className: "pad-surface" }, canvas, cross);
  element.classList.add("pad");
  element.append(surface, help, tools);

  function line(from, to) {
    context.lineCap = "round";
    context.lineJoin = "round";
    context.strokeStyle = shade(ink);
    context.lineWidth = to.width;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }

  function wipe() {
    context.fillStyle = shade(background);
    context.fillRect(0, 0, width, height);
  }

  function redraw() {
    wipe();
    for (const points of strokes) points.forEach((point, i) => line(points[Math.max(i - 1, 0)], point));
  }

  function image() {
    if (!strokes.length) return null;
    const { data } = context.getImageData(0, 0, width, height);
    const values = new Float64Array(height * width);
    for (let i = 0; i < values.length; i++) values[i] = data[4 * i];
    return { height, width, channels: 1, values };
  }

  function changed() {
    back.disabled = !strokes.length;
    empty.disabled = !strokes.length && !shown;
    onChange(image());
  }

  function begin(point) {
    if (shown) {
      shown = null;
      wipe();
    }
    drawing = [point];
    strokes.push(drawing);
    line(point, point);
    changed();
  }

  function go(point) {
    line(drawing[drawing.length - 1], point);
    drawing.push(point);
  }

  function undo() {
    strokes.pop();
    drawing = null;
    pen.down = false;
    redraw();
    changed();
  }

  function clear() {
    strokes.length = 0;
    shown = null;
    drawing = null;
    pen.down = false;
    redraw();
    changed();
  }

  /** A picture (anything that a canvas draws) instead of strokes; the next stroke takes it away. */
  function show(source) {
    clear();
    shown = source;
    const scale = Math.min(width / source.width, height / source.height);
    const [w, h] = [source.width * scale, source.height * scale];
    context.drawImage(source, (width - w) / 2, (height - h) / 2, w, h);
    empty.disabled = false;
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const pressed = event.pointerType === "pen" && event.pressure ? 0.5 + event.pressure : 1;
    return {
      x: (event.clientX - box.left) / box.width * width,
      y: (event.clientY - box.top) / box.height * height,
      width: brush.value * pressed,
    };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    canvas.setPointerCapture(event.pointerId);
    pen.down = false;
    begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing || !canvas.hasPointerCapture(event.pointerId)) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) go(place(each));
    changed();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => { if (!pen.down) drawing = null; });
  }

  function showCross() {
    cross.hidden = !canvas.matches(":focus-visible");
    cross.style.left = `${100 * pen.x / width}%`;
    cross.style.top = `${100 * pen.y / height}%`;
    cross.classList.toggle("pad-down", pen.down);
  }

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const here = () => ({ x: pen.x, y: pen.y, width: Number(brush.value) });
    if (event.key in arrows) {
      const [x, y] = arrows[event.key].map((way) => way * (event.shiftKey ? STEP / 4 : STEP));
      pen.x = Math.min(Math.max(pen.x + x, 0), width);
      pen.y = Math.min(Math.max(pen.y + y, 0), height);
      if (pen.down && drawing) {
        go(here());
        changed();
      }
    } else if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) begin(here());
      else drawing = null;
    } else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) {
      undo();
    } else if (event.key === "Escape") {
      clear();
    } else {
      return;
    }
    event.preventDefault();
    showCross();
  });
  canvas.addEventListener("focus", showCross);
  canvas.addEventListener("blur", () => {
    [pen.down, drawing, cross.hidden] = [false, null, true];
  });
  back.addEventListener("click", undo);
  empty.addEventListener("click", clear);

  wipe();
  [back.disabled, empty.disabled] = [true, true];
  return { canvas, image, show, undo, clear, remove: () => element.replaceChildren() };
}
