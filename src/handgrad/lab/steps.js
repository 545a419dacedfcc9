// One step at a time: going along the steps, presenting them one a screen.

import { all, one, say } from "./lab.js";

let current = -1;
const steps = () => all("#main .step");
const number = (step) => one(".number", step)?.textContent ?? "";

function go(to) {
  const every = steps();
  if (!every.length) return;
  current = Math.max(0, Math.min(every.length - 1, to));
  mark();
  const step = every[current];
  step.scrollIntoView({ block: "start" });
  say(`Step ${one("h3", step).textContent}`);
}

function mark() {
  const every = steps();
  current = Math.min(current, every.length - 1);
  every.forEach((step, position) => {
    step.classList.toggle("current", position === current);
    if (position === current) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
    step.closest(".phase")?.classList.toggle("shown", step.closest(".phase").contains(every[current] ?? null));
  });
  one("#place").textContent = every.length ? (current < 0 ? `${every.length} steps` : number(every[current])) : "";
}

function present(on) {
  document.body.classList.toggle("presenting", on);
  one("[data-do=present]").setAttribute("aria-pressed", on);
  go(Math.max(current, 0));
}

export function starts() {
  const does = {
    back: () => go(current - 1), on: () => go(current + 1),
    present: () => present(!document.body.matches(".presenting")),
  };
  for (const [name, act] of Object.entries(does)) one(`[data-do=${name}]`).addEventListener("click", act);
  document.addEventListener("keydown", (event) => {
    if (event.target.matches?.("input, textarea, select, [data-name]") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { ArrowRight: does.on, PageDown: does.on, ArrowLeft: does.back, PageUp: does.back }[event.key];
    if (!act) return;
    if (event.key.startsWith("Page") && !document.body.matches(".presenting")) return;
    event.preventDefault();
    act();
  });
  addEventListener("page", mark);
  mark();
}
