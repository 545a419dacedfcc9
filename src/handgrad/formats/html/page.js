"use strict";
// What a reader may do on a page: go from step to step, guess results before they are shown,
// see a quantity wherever it stands, open an entry. Without it everything is shown.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const spoken = one("#spoken");
const say = (text) => { spoken.textContent = text; };
const button = (name) => one(`[data-do="${name}"]`);

// ---- steps ----------------------------------------------------------------------------

// A page with a single part has no bar to step with.
const steps = one("#progress") ? all("main .step") : [];
let current = -1;
let predicting = false;

// What stands between the steps: it waits with the step before it while the reader predicts.
const units = all("main > :not(section), main .phase > *, main > .columns .phase > *")
  .filter((unit) => !unit.matches("h1, h2, .phase"));

const number = (step) => one(".number", step)?.textContent ?? "";
const heading = (step) => one("h1, h2, h3, h4, h5, h6", step).textContent;

// A step that was never on the screen has its height only once it is there: one that is far is aimed at again.
function reach(step, far) {
  if (!far) {
    step.scrollIntoView({ block: "start" });
    return;
  }
  let frames = 6;
  const aim = () => {
    step.scrollIntoView({ block: "start", behavior: "instant" });
    if (--frames) requestAnimationFrame(aim);
  };
  aim();
}

function go(to, { scroll = true } = {}) {
  if (!steps.length) return;
  const next = Math.max(0, Math.min(steps.length - 1, to));
  const far = Math.abs(next - current) > 1;
  if (current >= 0) {
    steps[current].classList.remove("current");
    steps[current].removeAttribute("aria-current");
  }
  current = next;
  const step = steps[current];
  // What a reader has gone past is no longer guessed: later lines put its numbers in.
  if (predicting) steps.slice(0, current).forEach(showAll);
  step.classList.add("current");
  step.setAttribute("aria-current", "step");
  showProgress();
  showAhead();
  if (scroll) reach(step, far);
  document.dispatchEvent(new Event("step"));
  say(`Step ${heading(step)}`);
}

function showProgress() {
  const bar = one("#progress");
  if (!bar) return;
  bar.max = steps.length;
  bar.value = current + 1;
  one("#place").textContent =
    current < 0 ? `${steps.length} ${one("main .answer") ? "answers" : "steps"}` : [number(steps[current]), `${current + 1} of ${steps.length}`].filter(Boolean).join(" · ");
  button("back").setAttribute("aria-disabled", current <= 0);
  const last = current === steps.length - 1 && !nextVeil() && !steps[current].matches(".folded");
  button("on").setAttribute("aria-disabled", last);
  for (const link of all(".contents a")) {
    const here = current >= 0 && link.hash === `#${steps[current].id}`;
    if (here) {
      link.closest("details")?.setAttribute("open", "");
      link.setAttribute("aria-current", "step");
      link.scrollIntoView({ block: "nearest" });
    } else {
      link.removeAttribute("aria-current");
    }
  }
}

function forward() {
  const veil = predicting && current >= 0 && nextVeil();
  if (veil) reveal(veil);
  else if (current >= 0 && steps[current].matches(".folded")) showAnswer(steps[current]);
  else go(current + 1);
}

// ---- answers wait until they are asked for ----------------------------------------------

function showAnswer(answer) {
  answer.classList.remove("folded");
  one(".unfold", answer).remove();
  showProgress();
  say("The answer is shown.");
}

for (const answer of all("main .answer")) {
  const cover = document.createElement("button");
  cover.type = "button";
  cover.className = "unfold";
  cover.textContent = "Show the answer";
  cover.addEventListener("click", () => {
    const first = cover.nextElementSibling;
    showAnswer(answer);
    first?.setAttribute("tabindex", "-1");
    first?.focus({ preventScroll: true });
  });
  one("h3", answer).after(cover);
  answer.classList.add("folded");
}

// ---- guessing before looking ----------------------------------------------------------

const results = (step) => all(".link.result", step).filter((link) => !link.closest(".entries"));
const nextVeil = () => current >= 0 && one(".veiled", steps[current]);

function predict(on) {
  predicting = on;
  button("predict").setAttribute("aria-pressed", on);
  // Pictures would give results away: they wait, and there is none to keep in view.
  button("pin")?.setAttribute("aria-disabled", on);
  for (const link of all(".veiled")) unveil(link);
  // What the solution comes to is guessed too.
  for (const abstract of all("h1 + .note")) abstract.hidden = on;
  if (on) {
    const first = Math.max(current, 0);
    for (const step of steps.slice(first)) results(step).forEach(veil);
    steps.forEach(showWaiting);
    go(first);
    say("Results are hidden. The right arrow shows the next one.");
  } else {
    steps.forEach(showWaiting);
    showAhead();
    showProgress();
    say("All results are shown.");
  }
}

function showAll(step) {
  for (const link of all(".veiled", step)) unveil(link);
  showWaiting(step);
}

function veil(link) {
  const cover = document.createElement("button");
  const name = one("[data-q]", one(".left", link.closest(".relation")))?.dataset.q ?? "this line";
  cover.type = "button";
  cover.className = "veil";
  cover.textContent = "?";
  cover.setAttribute("aria-label", `Show the result for ${name}`);
  cover.addEventListener("click", () => reveal(link));
  link.classList.add("veiled");
  link.append(cover);
}

function unveil(link) {
  link.classList.remove("veiled");
  one(".veil", link)?.remove();
}

function reveal(link) {
  const step = link.closest(".step");
  const focused = link.contains(document.activeElement);
  unveil(link);
  showWaiting(step);
  showProgress();
  const next = one(".veiled > .veil", step);
  if (focused) (next ?? button("on")).focus();
  say(`${one("math", link).textContent}`);
}

// While a result is hidden, what would give it away waits: the numbers of later lines of the
// step, its notes, and the pictures of its phase.
function showWaiting(step) {
  let hidden = false;
  for (const link of results(step)) {
    const relation = link.closest(".relation");
    relation.classList.toggle("later", hidden);
    hidden ||= link.classList.contains("veiled");
  }
  for (const note of all(".note, figure", step)) note.classList.toggle("waiting", hidden);
  const phase = step.closest(".phase");
  const open = phase && one(".veiled", phase) !== null;
  if (phase) all(":scope > figure", phase).forEach((f) => f.classList.toggle("waiting", open));
}

function showAhead() {
  const step = steps[current];
  for (const unit of units) {
    const after = step && step.compareDocumentPosition(unit) & Node.DOCUMENT_POSITION_FOLLOWING;
    const ahead = predicting && after && !step.contains(unit);
    unit.classList.toggle("ahead", Boolean(ahead));
  }
  for (const phase of all(".phase")) {
    const later = step?.compareDocumentPosition(phase) & Node.DOCUMENT_POSITION_FOLLOWING;
    phase.classList.toggle("ahead", Boolean(predicting && later));
  }
}

// ---- one quantity, everywhere ---------------------------------------------------------

let places = null;
let lit = [];

function byQuantity() {
  if (places) return places;
  places = new Map();
  for (const element of all("[data-q]")) {
    const name = element.dataset.q;
    if (!places.has(name)) places.set(name, []);
    places.get(name).push(element);
    const whole = name.replace(/\[.*/, "");
    if (whole === name) continue;
    // An entry that stands without the rest lights up with the whole.
    if (!element.parentElement.closest("[data-q]")) {
      const key = `${whole}[]`;
      if (!places.has(key)) places.set(key, []);
      places.get(key).push(element);
    }
  }
  return places;
}

function light(name) {
  lit.forEach((element) => element.classList.remove("lit"));
  lit = name ? [...(byQuantity().get(name) ?? []), ...(byQuantity().get(`${name}[]`) ?? [])] : [];
  lit.forEach((element) => element.classList.add("lit"));
}

const quantityAt = (target) => target instanceof Element && target.closest("[data-q]")?.dataset.q;

document.addEventListener("pointerover", (event) => light(quantityAt(event.target)));
document.addEventListener("focusin", (event) => light(quantityAt(event.target)));
document.addEventListener("focusout", () => light(null));

// Each relation is one stop of the Tab key; the arrow keys go along its quantities.
const quantities = (relation) =>
  all(":scope > .left [data-q], :scope > .chain [data-q]", relation)
    .filter((element) => !one("[data-q]", element) && getComputedStyle(element).visibility !== "hidden");

function stops(within) {
  for (const relation of all(".relation", within)) {
    one(":scope > .left [data-q], :scope > .chain [data-q]", relation)?.setAttribute("tabindex", "0");
  }
}
stops(one("main"));

function alongRelation(event) {
  const from = event.target.closest?.(".relation [data-q]");
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!from || !by) return false;
  const items = quantities(from.closest(".relation"));
  const to = items[items.indexOf(from) + by];
  if (to) {
    to.setAttribute("tabindex", "0");
    to.focus();
    if (from !== items[0]) from.setAttribute("tabindex", "-1");
    to.addEventListener("blur", () => to !== items[0] && to.setAttribute("tabindex", "-1"), { once: true });
    say(`${to.dataset.q}: ${to.textContent}`);
  }
  return true;
}

// ---- an entry's own line --------------------------------------------------------------

const lines = new Map();  // an entry of a result -> the line that works it out
const folded = new Map();  // closed details -> their lines, which the browser need not carry along

function opens(within) {
  for (const details of all(".entries", within)) {
    const result = one(":scope > .chain > .link:last-child", details.parentElement);
    for (const line of all(":scope > .derivation > .relation", details)) {
      for (const entry of all(`mtd[data-q="${CSS.escape(line.dataset.entry)}"]`, result)) {
        entry.classList.add("opens");
        entry.setAttribute("role", "button");
        entry.setAttribute("aria-expanded", "false");
        entry.setAttribute("aria-label", `${entry.dataset.q} = ${entry.textContent}, show how`);
        lines.set(entry, line);
      }
    }
    fold(details);
    details.addEventListener("toggle", () => details.open || fold(details));
    one("summary", details).addEventListener("click", (event) => {
      const single = details.open && details.classList.contains("single");
      if (single) event.preventDefault();
      unfold(details);
      details.classList.remove("single");
      all(".open", details).forEach((line) => line.classList.remove("open"));
      showOpen(details);
    });
  }
}
opens(one("main"));

function fold(details) {
  const body = one(":scope > .derivation", details);
  if (!body) return;
  folded.set(details, body);
  body.remove();
  places = null;
}

function unfold(details) {
  if (!folded.has(details)) return;
  details.append(folded.get(details));
  folded.delete(details);
  places = null;
}

function openEntry(entry) {
  const line = lines.get(entry);
  const details = one(":scope > .entries", entry.closest(".relation"));
  unfold(details);
  if (!details.open) details.classList.add("single");
  line.classList.toggle("open");
  if (details.classList.contains("single")) details.open = one(".open", details) !== null;
  showOpen(details);
  say(line.classList.contains("open") ? `Opened ${entry.dataset.q}: ${line.textContent}` : `Closed ${entry.dataset.q}`);
}

function showOpen(details) {
  for (const entry of all(":scope > .chain .opens", details.parentElement)) {
    entry.setAttribute("aria-expanded", lines.get(entry).classList.contains("open"));
  }
}

document.addEventListener("click", (event) => {
  const entry = event.target.closest?.(".opens");
  if (entry) openEntry(entry);
});

// ---- keys and buttons -----------------------------------------------------------------

const DOES = {
  back: () => go(current - 1),
  on: forward,
  predict: () => predict(!predicting),
  theme: () => say(`${otherTheme()} theme`),
};
for (const [name, act] of Object.entries(DOES)) button(name)?.addEventListener("click", act);

const KEYS = {
  ArrowRight: forward, j: forward, ArrowLeft: DOES.back, k: DOES.back,
  Home: () => go(0), End: () => go(steps.length - 1),
};

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (alongRelation(event)) { event.preventDefault(); return; }
  const entry = event.target.closest?.(".opens");
  if (entry && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    openEntry(entry);
    return;
  }
  const scrolls = event.target.matches?.(".scrolls");
  if (scrolls && event.key.startsWith("Arrow")) return;
  if (steps.length && KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

function follow() {
  const at = steps.findIndex((step) => location.hash === `#${step.id}`);
  if (at >= 0) go(at);
}
addEventListener("hashchange", follow);

// ---- what is wider than its place scrolls and can be reached ---------------------------

function fit(box) {
  const scrolls = box.scrollWidth > box.clientWidth + 1;
  box.classList.toggle("scrolls", scrolls);
  if (scrolls) {
    box.setAttribute("tabindex", "0");
    box.addEventListener("scroll", atEnd, { passive: true });
  } else if (!box.matches("pre")) {
    box.removeAttribute("tabindex");
  }
}

function atEnd(event) {
  const box = event.target;
  box.classList.toggle("ended", box.scrollLeft + box.clientWidth >= box.scrollWidth - 2);
}

const BOXES = ".derivation, .table, pre, .picture";
const boxes = all(BOXES);
const wide = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) if (isIntersecting) fit(target);
});
const watch = () => boxes.forEach((box) => { wide.unobserve(box); wide.observe(box); });
document.fonts.ready.then(watch);
all(".picture, .table").forEach(fit);
addEventListener("resize", watch);

one(".bar").hidden = false;
showProgress();
follow();
