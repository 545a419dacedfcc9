// The lab in a browser. The document is the problem's text: an edit writes a number where it stands, the server
// answers with the page, and what differs is put in. No word and no figure of the page is made here.

import { look, closeLook, lookAgain } from "./look.js";
import { patch } from "./patch.js";
import { packed, unpacked } from "./link.js";
import * as predict from "./predict.js";
import * as steps from "./steps.js";

export const one = (selector, within = document) => within.querySelector(selector);
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];
export const say = (text) => { one("#spoken").textContent = text; };
const button = (name) => one(`[data-do="${name}"]`);

// ---- the document, and what it was ------------------------------------------------------

const main = one("#main");
let current = JSON.parse(one("#problem").textContent) ?? { text: "", places: {} };
let visited = null;  // what is being edited: all that is done to it meanwhile is undone at once
const past = [];
const future = [];

export const text = () => current.text;
export const view = () => {
  const form = new FormData(one("#view"));
  return {
    decimals: Number(form.get("decimals")), carry: form.get("carry") ?? "exact", numbers: form.get("numbers"),
    entries: form.has("entries"), narrow: matchMedia("(max-width: 40rem)").matches,
  };
};

/** Another text takes the place of the document; edits of the same thing, in one visit, are one to be undone. */
export function become(next, visit = null) {
  if (next.text === current.text) return;
  if (visit === null || visit !== visited) {
    past.push(current);
    future.length = 0;
  }
  visited = visit;
  put(next);
}

function put(next) {
  current = next;
  predict.anew();
  const editor = one("#text");
  if (editor !== document.activeElement) editor.value = next.text;
  button("undo").setAttribute("aria-disabled", !past.length);
  button("redo").setAttribute("aria-disabled", !future.length);
  refresh();
}

function back(from, to) {
  if (!from.length) return;
  to.push(current);
  visited = null;
  put(from.pop());
}

/** The visit of what was edited is over. */
export const leave = () => { visited = null; };

// A number of TOML stands bare; any other way to write one, such as 1/3, in quotation marks.
const BARE = /^[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** How a number is written in the text; undefined for what is not written there. */
export function written(name) {
  const place = current.places?.[name];
  if (!place) return undefined;
  const stands = current.text.slice(...place);
  return /^["']/.test(stands) ? stands.slice(1, -1) : stands;
}

/** Writes a number where it stands. */
export function edit(name, number) {
  const place = current.places?.[name];
  if (!place || written(name) === number) return;
  const [start, stop] = place;
  const wanted = BARE.test(number) ? number : JSON.stringify(number);
  const by = wanted.length - (stop - start);
  const places = Object.fromEntries(Object.entries(current.places).map(([other, [from, to]]) =>
    [other, from < start ? [from, to] : from > start ? [from + by, to + by] : [from, to + by]]));
  become({ text: current.text.slice(0, start) + wanted + current.text.slice(stop), places }, name);
}

// ---- asking, and showing what is answered -----------------------------------------------

export async function ask(name, asked) {
  try {
    const response = await fetch(`/answers/${name}`, { method: "POST", body: JSON.stringify(asked) });
    return await response.json();
  } catch {
    return { error: { text: "The lab does not answer: is it still running?" } };
  }
}

const AT_ONCE = 2;
let asked = 0;
let shown = 0;
let flying = 0;
let due = false;
let shownText = current.text;

export async function refresh() {
  document.body.dataset.busy = true;
  if (flying >= AT_ONCE) { due = true; return; }
  const number = ++asked;
  const now = current.text;
  flying += 1;
  const before = visited !== null && past.length ? past.at(-1).text : shownText;
  const quiz = predict.predicting();
  const answer = await ask(quiz ? "predict" : "page", { text: now, before, view: view(), ...quiz });
  flying -= 1;
  if (due) { due = false; refresh(); }
  // Of answers that come late, after that of a later edit, nothing is shown.
  if (number >= shown) {
    shown = number;
    if (answer.error) wrong(answer.error);
    else show(answer, now);
  }
  document.body.dataset.busy = flying > 0;
}

function show(answer, now) {
  shownText = now;
  document.title = answer.title;
  wrong(null);
  const changed = patch(main, answer.parts ?? [["", answer.main]]);
  patch(one("#numbers"), [["", answer.numbers]]);
  if (answer.changes !== undefined) patch(one("#changes"), [["", answer.changes]]);
  if (current.text === now) current = { text: now, places: answer.places };
  if (answer.told !== undefined) one("#told").innerHTML = answer.told;
  stops();
  followEditor();
  dispatchEvent(new CustomEvent("page"));
  // What is beside the page is asked for once the page has been painted, and what changed in it lights up.
  requestAnimationFrame(() => setTimeout(() => { flash(changed); lookAgain(); }));
  keepLink();
}

export function wrong(error) {
  const place = one("#wrong");
  place.hidden = !error;
  if (!error) return;
  place.textContent = error.text;
  if (error.span) {
    const find = document.createElement("button");
    find.type = "button";
    find.textContent = "Show it";
    find.addEventListener("click", () => {
      one("#editor").open = true;
      one("#text").focus();
      one("#text").setSelectionRange(...error.span);
    });
    place.append(" ", find);
  }
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const MANY = 150;
const SHADES = 12;  // between the colour and none: every frame would paint the page anew

function flash(changed) {
  if (calm.matches || document.body.matches(".scrubbing")) return;
  const seen = [...changed].filter((each) => each.checkVisibility?.({ contentVisibilityAuto: true }) ?? true);
  if (seen.length > MANY) return;
  const colour = getComputedStyle(document.body).getPropertyValue("--lit");
  for (const element of seen) {
    const what = element instanceof SVGElement ? "fill" : "backgroundColor";
    element.animate([{ [what]: colour }, {}], { duration: 900, easing: `steps(${SHADES})` });
  }
}

// ---- numbers are edited where they stand ------------------------------------------------

const decimals = (number) => number.split(/[eE]/)[0].split(".")[1]?.length ?? 0;

/** A number as it is written after a step up or down. */
export function stepped(number, by, fine) {
  const [over, under = "1"] = number.replace("−", "-").split("/");
  const value = Number(over) / Number(under);
  if (!Number.isFinite(value)) return number;
  const step = fine ? 0.01 : 0.1;
  const digits = Math.max(number.includes("/") ? 4 : decimals(number), fine ? 2 : 1);
  return (value + by * step).toFixed(Math.min(digits, 15)).replace(/^-(0\.?0*)$/, "$1");
}

function typed(field, name) {
  field.addEventListener("input", () => edit(name, field.value.trim()));
  field.addEventListener("keydown", (event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    field.value = stepped(field.value, by, event.shiftKey);
    edit(name, field.value);
  });
  field.addEventListener("blur", leave);
}

const fields = new WeakSet();
one("#numbers").addEventListener("focusin", ({ target }) => {
  const name = target.dataset.input;
  if (!name) return;
  if (!fields.has(target)) typed(target, name);
  fields.add(target);
  target.select();
  look(name);
});
one("#numbers").addEventListener("submit", (event) => event.preventDefault());

let editor = null;  // the field over a number on the page, and that number

function openEditor(figure) {
  closeEditor();
  const name = figure.dataset.input;
  const number = written(name);
  if (number === undefined) return;
  const field = document.createElement("input");
  field.className = "editing";
  field.inputMode = "decimal";
  field.autocomplete = "off";
  field.setAttribute("aria-label", name);
  field.value = number;
  typed(field, name);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") edit(name, number);
    if (event.key === "Escape" || event.key === "Enter") {
      event.preventDefault();
      closeEditor();
      figure.focus?.({ preventScroll: true });
    }
    event.stopPropagation();
  });
  field.addEventListener("blur", () => closeEditor());
  document.body.append(field);
  editor = { field, figure };
  followEditor();
  field.focus({ preventScroll: true });
  field.select();
}

function followEditor() {
  if (!editor) return;
  const box = editor.figure.getBoundingClientRect();
  const width = Math.max(box.width + 24, 76);
  Object.assign(editor.field.style, {
    left: `${Math.max(4, box.right + scrollX - width + 10)}px`,
    top: `${box.top + scrollY + box.height / 2 - 16}px`,
    width: `${width}px`,
  });
}

function closeEditor() {
  const field = editor?.field;
  editor = null;
  field?.remove();
}
addEventListener("resize", followEditor);

let drag = null;
const PULL = 8;  // pixels to a step

main.addEventListener("pointerdown", (event) => {
  const figure = event.target.closest?.("[data-input]");
  if (!figure || event.button || predict.predicting()) return;
  event.preventDefault();  // no selecting of text
  drag = { figure, x: event.clientX, number: written(figure.dataset.input), moved: false };
});
addEventListener("pointermove", (event) => {
  if (!drag || drag.number === undefined) return;
  const by = Math.round((event.clientX - drag.x) / PULL);
  if (!drag.moved && !by) return;
  drag.moved = true;
  document.body.classList.add("scrubbing");
  edit(drag.figure.dataset.input, by ? stepped(drag.number, by, event.shiftKey) : drag.number);
});
addEventListener("pointerup", () => {
  if (!drag) return;
  const { figure, moved } = drag;
  drag = null;
  document.body.classList.remove("scrubbing");
  leave();
  if (!moved) openEditor(figure);
  look(figure.dataset.name);
});
addEventListener("pointercancel", () => { drag = null; document.body.classList.remove("scrubbing"); });

main.addEventListener("click", (event) => {
  const figure = event.target.closest?.("[data-name]:not([data-input])");
  if (figure) look(figure.dataset.name);
});

// ---- one quantity, everywhere; each relation is one stop of the Tab key -------------------

let lit = [];
function light(name) {
  lit.forEach((element) => element.classList.remove("lit"));
  const key = name && CSS.escape(name);
  lit = name ? all(`[data-q="${key}"], [data-name="${key}"], #numbers [data-input="${key}"]`) : [];
  lit.forEach((element) => element.classList.add("lit"));
}
const nameAt = (target) => {
  const element = target.closest?.("[data-name], [data-q], [data-input]");
  return element && (element.dataset.name ?? element.dataset.input ?? element.dataset.q);
};
document.addEventListener("pointerover", ({ target }) => light(nameAt(target)));
document.addEventListener("focusin", ({ target }) => light(nameAt(target)));

const figures = (relation) => all(":scope > .chain [data-name]", relation);

function stops() {
  for (const relation of all('.relation:not(:has(> .chain [tabindex="0"]))', main)) {
    const [first] = figures(relation);
    if (first) first.tabIndex = 0;
  }
}

main.addEventListener("keydown", (event) => {
  const figure = event.target.closest?.(".relation [data-name]");
  if (!figure || event.ctrlKey || event.metaKey || event.altKey) return;
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (by) {
    event.preventDefault();
    event.stopPropagation();
    const own = figures(figure.closest(".relation"));
    const next = own[own.indexOf(figure) + by];
    if (!next) return;
    figure.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    say(`${next.dataset.name}: ${next.textContent}`);
  } else if (event.key === "Enter") {
    event.preventDefault();
    look(figure.dataset.name, { focus: true });
  } else if (figure.dataset.input && !predict.predicting() && /^[\d.−-]$|^F2$/.test(event.key)) {
    openEditor(figure);
    if (event.key !== "F2") editor.field.select();
  }
});

// ---- descent ----------------------------------------------------------------------------

const TWENTY = 20;
const PAUSE = 160;
let playing = false;

async function descend(steps) {
  const answer = await ask("descend", { text: current.text, view: view(), steps });
  if (answer.error) wrong(answer.error);
  return answer.texts ?? [];
}

async function play() {
  playing = !playing;
  button("play").setAttribute("aria-pressed", playing);
  if (!playing) return;
  for (const next of await descend(TWENTY)) {
    if (!playing) break;
    const page = new Promise((done) => addEventListener("page", done, { once: true }));
    become({ text: next, places: null });
    await Promise.all([page, new Promise((done) => setTimeout(done, PAUSE))]);
  }
  playing = false;
  button("play").setAttribute("aria-pressed", false);
}

// ---- the text, the view, links and files ------------------------------------------------

one("#text").addEventListener("input", ({ target }) => become({ text: target.value, places: null }, "text"));
one("#text").addEventListener("blur", leave);
async function restructure(change) {
  const answer = await ask("restructure", { text: current.text, change });
  if (answer.error) wrong(answer.error);
  else become({ text: answer.text, places: null });
}
one("#changes").addEventListener("click", ({ target }) => { if (target.dataset.change) restructure(target.dataset.change); });
one("#changes").addEventListener("change", ({ target }) => { if (target.value) restructure(target.value); });
one("#view").addEventListener("change", () => refresh());
one("#view").addEventListener("submit", (event) => event.preventDefault());
matchMedia("(max-width: 40rem)").addEventListener("change", () => refresh());

let keeping = 0;
function keepLink() {
  clearTimeout(keeping);
  keeping = setTimeout(async () => {
    history.replaceState(null, "", await packed({ text: current.text, view: view() }));
  }, 300);
}

async function link() {
  return new URL(`/lab${await packed({ text: current.text, view: view() })}`, location.href).href;
}

one(".menu:has(#link)").addEventListener("toggle", async ({ target }) => {
  if (!target.open) return;
  const address = await link();
  one("#link").value = address;
  const { svg = "", said = "" } = await ask("code", { link: address });
  one("#qr").innerHTML = svg;
  if (!svg) one("#qr").textContent = said;
});

for (const item of all("[data-save]")) item.addEventListener("click", async () => {
  const asked = { text: current.text, view: view(), kind: item.dataset.save };
  const response = await fetch("/answers/download", { method: "POST", body: JSON.stringify(asked) });
  if (!response.ok) { wrong((await response.json()).error); return; }
  const file = document.createElement("a");
  file.href = URL.createObjectURL(await response.blob());
  file.download = /filename="(.*)"/.exec(response.headers.get("content-disposition"))?.[1] ?? "solution";
  file.click();
  URL.revokeObjectURL(file.href);
});

async function open() {
  const state = await unpacked(location.hash);
  if (!state) return;
  const form = one("#view");
  const { decimals = 4, carry, numbers = "floats", entries } = state.view ?? {};
  form.elements.decimals.value = decimals;
  form.elements.carry.checked = carry === "rounded";
  form.elements.numbers.value = numbers;
  form.elements.entries.checked = entries === true;
  current = { text: state.text, places: null };
  shownText = state.text;
  put(current);
}
addEventListener("hashchange", open);

const DOES = {
  undo: () => back(past, future),
  redo: () => back(future, past),
  step: async () => { for (const next of await descend(1)) become({ text: next, places: null }); },
  play,
  close: closeLook,
  theme: () => say(`${otherTheme()} theme`),
  copy: async () => {
    one("#link").select();
    await navigator.clipboard?.writeText(one("#link").value);
    say("The link is copied.");
  },
};
for (const [name, act] of Object.entries(DOES)) button(name)?.addEventListener("click", act);

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y") && event.target.id !== "text") {
    event.preventDefault();
    (key === "y" || event.shiftKey ? DOES.redo : DOES.undo)();
  }
  if (event.key === "Escape") {
    closeLook();
    all(".menu[open]").forEach((menu) => { menu.open = false; });
  }
});
document.addEventListener("pointerdown", ({ target }) => {
  all(".menu[open]").forEach((menu) => { if (!menu.contains(target)) menu.open = false; });
});

document.body.dataset.busy = false;
button("undo").setAttribute("aria-disabled", true);
button("redo").setAttribute("aria-disabled", true);
if (view().narrow) one(".givens details").open = false;
stops();
steps.starts();
predict.starts();
if (location.hash.startsWith("#p=")) open();
