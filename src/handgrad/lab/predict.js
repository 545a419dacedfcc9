// Worked out by the reader: the page goes as far as a step whose figures are asked for; they are checked as typed.

import { ask, one, refresh, say, text, view } from "./lab.js";
import { closeLook } from "./look.js";

const LEVELS = ["where", "what", "rule", "worked"];
let quiz = null;

/** What is asked beside the page; null while nothing is asked of the reader. */
export const predicting = () => quiz && { done: quiz.done, answers: quiz.answers, gates: [...quiz.gates] };

function set(on) {
  quiz = on ? { done: 0, answers: {}, gates: new Set(), level: 0 } : null;
  document.body.classList.toggle("predicting", on);
  one("[data-do=predict]").setAttribute("aria-pressed", on);
  closeLook();
  refresh();
}

async function check(level) {
  const { html, well, error } = await ask("check", { text: text(), view: view(), ...predicting(), level });
  const verdict = one("#verdict");
  if (!verdict) return;
  verdict.innerHTML = html ?? "";
  if (error) verdict.textContent = error.text;
  if (well) one("[data-ask=on]")?.focus();
}

function goOn() {
  quiz.done += 1;
  quiz.level = 0;
  say("The step is shown.");
  addEventListener("page", () => {
    const form = one("#asking");
    (form ?? one("#score"))?.scrollIntoView({ block: form ? "center" : "start" });
    one("#asking input")?.focus({ preventScroll: true });
  }, { once: true });
  refresh();
}

export function starts() {
  one("[data-do=predict]").addEventListener("click", () => set(!quiz));
  const main = one("#main");
  main.addEventListener("input", ({ target }) => {
    if (!quiz) return;
    if (target.dataset.answer) quiz.answers[target.dataset.answer] = target.value;
    if (target.dataset.gate) quiz.gates[target.checked ? "add" : "delete"](target.dataset.gate);
  });
  main.addEventListener("submit", (event) => {
    event.preventDefault();
    quiz.level = 1;  // Where it is wrong; what more there is to say, a hint says.
    check(LEVELS[0]);
  });
  main.addEventListener("click", ({ target }) => {
    if (target.dataset?.ask === "on") goOn();
    if (target.dataset?.ask === "hint") {
      check(LEVELS[Math.min(quiz.level, LEVELS.length - 1)]);
      quiz.level += 1;
    }
  });
}

/** Another problem is another exercise. */
export function anew() {
  if (quiz) quiz = { done: 0, answers: {}, gates: new Set(), level: 0 };
}

