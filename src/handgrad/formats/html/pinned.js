// A picture that is kept in view shows the part that is read, in letters that can be read.

const LEGIBLE = [0.8, 0.78];  // of a picture's own size: its smallest letters are 9 pixels then, its indices 7
const SHARE = [0.36, 0.54];  // of the window's height: what it takes, and what it may where a layer is tall
const MARGIN = 8;
const HEADS = 70;  // of a picture's own pixels: as much of its top has the headings of layers

const pictures = all("main > .phase:has(> .step) > figure:first-of-type");

// The step that the reader has gone to, or the first of which something stands well below the picture.
function readStep(figure) {
  if (current >= 0) return steps[current];
  const below = figure.getBoundingClientRect().bottom + innerHeight * 0.1;
  return steps.find((step) => step.getBoundingClientRect().bottom > below);
}

// The box around the parts of a picture that stand for these quantities; null where it has none.
function around(elements, svg) {
  const names = new Set(elements.map((e) => e.dataset.q));
  const parts = all("[data-q]", svg).filter((e) => names.has(e.dataset.q) || names.has(e.dataset.q.replace(/\[.*/, "")));
  if (!parts.length) return null;
  const boxes = parts.map((part) => part.getBBox());
  const [left, top] = [Math.min(...boxes.map((b) => b.x)), Math.min(...boxes.map((b) => b.y))];
  const [right, bottom] = [Math.max(...boxes.map((b) => b.x + b.width)), Math.max(...boxes.map((b) => b.y + b.height))];
  return { at: [left - MARGIN, top - MARGIN], size: [right - left + 2 * MARGIN, bottom - top + 2 * MARGIN] };
}

// What a step is about: what it computes with what that is made of, if that much can be read at once, or alone;
// with the headings of its layers, if they are near and there is room.
function readIn(step, svg, most) {
  const box = about(step, svg, most);
  const top = Number(svg.dataset.whole.split(" ")[1]);
  const above = box ? box.at[1] - top : 0;
  if (above <= 0 || above > HEADS || box.size[1] + above > most[1]) return box;
  return { at: [box.at[0], top], size: [box.size[0], box.size[1] + above] };
}

function about(step, svg, most) {
  const lines = ".derivation:not(.entries *) > .relation";
  const made = all(`${lines} > .left [data-q]`, step);
  const used = all(`${lines} > .chain > .link:first-child [data-q]`, step);
  const box = around([...made, ...used], svg);
  return box?.size.every((long, k) => long <= most[k]) ? box : around(made, svg) ?? box;
}

function uncropped(svg) {
  svg.setAttribute("viewBox", svg.dataset.whole);
  svg.style.width = svg.style.height = svg.style.clipPath = "";
  delete svg.closest("figure").dataset.of;
}

// What is cut by the upper or the lower edge is hidden, down to the next gap, but never what is read; where it ends is given back.
function clip(svg, top, bottom, box, scale) {
  const boxes = (kind) => all(kind, svg).map((e) => e.getBBox());
  for (const kind of ["circle, .hg-face, text", "circle, .hg-face"]) {
    let ends = [top, bottom], before;
    do {
      before = ends;
      for (const { y, height } of boxes(kind)) {
        if (y < ends[0] && y + height > ends[0]) ends = [y + height + 1, ends[1]];
        if (y < ends[1] && y + height > ends[1]) ends = [ends[0], y - 1];
      }
    } while (ends.some((end, k) => end !== before[k]));
    if (ends[0] > box.at[1] + MARGIN || ends[1] < box.at[1] + box.size[1] - MARGIN) continue;
    svg.style.clipPath = `inset(${(ends[0] - top) * scale}px 0 ${(bottom - ends[1]) * scale}px)`;
    return ends[1];
  }
  svg.style.clipPath = "";
  return bottom;
}

function crop(figure) {
  const svg = all("svg.hg-drawing", figure).find((each) => each.getClientRects().length);
  if (!svg) return;
  svg.dataset.whole ??= svg.getAttribute("viewBox");
  const [left, top, width, height] = svg.dataset.whole.split(" ").map(Number);
  const style = getComputedStyle(figure);
  const pinned = style.position === "sticky";
  // Beside the steps it may be as high as the window.
  const beside = style.float === "right";
  const tall = innerHeight - 96 - (beside ? one("figcaption", figure)?.offsetHeight ?? 0 : 0);
  const share = beside ? [tall, tall] : SHARE.map((part) => part * innerHeight);
  const room = [figure.clientWidth, share[0]];
  const fits = width * LEGIBLE[0] <= room[0] && height * LEGIBLE[0] <= room[1];
  const step = pinned && !fits && readStep(figure);
  if (!step || !figure.parentElement.contains(step)) return uncropped(svg);
  // As high for every step of the pass, for the text below to stay where it is.
  const most = [room[0] / LEGIBLE[1], share[1] / LEGIBLE[1]];
  svg.tallest ??= Math.max(0, ...all(":scope > .step", figure.parentElement).map((s) => readIn(s, svg, most)?.size[1] ?? 0));
  const high = Math.min(share[1], Math.max(room[1], svg.tallest * LEGIBLE[1]));
  const box = readIn(step, svg, most);
  if (!box) return uncropped(svg);
  const long = [box.size[0], Math.max(box.size[1], svg.tallest)];
  const scale = Math.max(LEGIBLE[1], Math.min(LEGIBLE[0], room[0] / long[0], high / long[1]));
  const size = [Math.min(width, room[0] / scale), Math.min(height, high / scale)];
  const from = (k, least, whole) =>
    Math.max(least, Math.min(least + whole - size[k], box.at[k] + box.size[k] / 2 - size[k] / 2));
  const at = [from(0, left, width), from(1, top, height)];
  svg.setAttribute("viewBox", [...at, ...size].join(" "));
  const end = clip(svg, at[1], at[1] + size[1], box, scale);
  // The label that says which case it shows stands below the whole.
  const label = all("text", svg).find((e) => e.textContent.startsWith("case ") && e.getBBox().y + e.getBBox().height > end);
  if (label) figure.dataset.of = label.textContent; else delete figure.dataset.of;
  svg.style.width = `${size[0] * scale}px`;
  svg.style.height = `${size[1] * scale}px`;
  if (!beside) document.body.style.setProperty("--pinned", svg.style.height);
}

let waiting = false;
function cropAll() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; pictures.forEach(crop); });
}
addEventListener("scroll", cropAll, { passive: true });
document.addEventListener("step", cropAll);
addEventListener("resize", () => {
  for (const svg of all("svg.hg-drawing")) delete svg.tallest;
  cropAll();
});

button("pin").addEventListener("click", () => {
  if (predicting) { say("The picture waits until results are shown."); return; }
  button("pin").setAttribute("aria-pressed", document.body.classList.toggle("pinned"));
  cropAll();
  if (current >= 0) reach(steps[current], true);
});
