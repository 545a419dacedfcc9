// A closer look at one figure: why it is what it is and, of a given number, the loss along it.

import { ask, edit, leave, one, say, text, view } from "./lab.js";
import { predicting } from "./predict.js";

let looked = null;  // the name that is looked at, and the range of the sweep where one was chosen

export function look(name, { focus = false } = {}) {
  if (predicting()) return;  // It would tell what is asked for.
  looked = { name, range: looked?.name === name ? looked.range : null };
  one("#panel").hidden = false;
  show();
  if (focus) one("#panel [data-do=close]").focus();
}

export function closeLook() {
  looked = null;
  one("#panel").hidden = true;
}

/** The page has changed: what is looked at is shown anew. */
export const lookAgain = () => { if (looked) show(); };

let asking = false;
let again = false;

// One look at a time: while a number is dragged, the next one begins where the last has ended.
async function show() {
  if (asking) { again = true; return; }
  asking = true;
  const mine = looked;
  const asked = { text: text(), view: view(), ...looked };
  const [why, sweep] = await Promise.all([ask("why", asked), ask("sweep", asked)]);
  asking = false;
  const due = again;
  again = false;
  if (looked && mine.name === looked.name) put(why, sweep);
  if (due && looked) show();
}

function put(why, sweep) {
  one("#panel-title").innerHTML = why.title ?? sweep.title ?? "";
  one("#why").innerHTML = why.html ?? "";
  if (why.error) one("#why").textContent = why.error.text;
  one("#sweep").innerHTML = sweep.html ?? "";
  if (sweep.scale) chart(sweep.scale);
}

// The point on the tangent is dragged along: where it is, the number is.
function chart(scale) {
  const svg = one("#sweep svg");
  const digits = Math.max(0, Math.ceil(-Math.log10((scale.high - scale.low) / 200)));
  const at = ({ clientX }) => {
    const box = svg.getBoundingClientRect();
    const x = (clientX - box.left) / box.width * scale.width;
    const share = Math.min(1, Math.max(0, (x - scale.left) / (scale.right - scale.left)));
    return (scale.low + share * (scale.high - scale.low)).toFixed(digits).replace(/^-(0\.?0*)$/, "$1");
  };
  svg.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    looked.range = [scale.low, scale.high];
    dragging = (moved) => edit(looked.name, at(moved));
    dragging(event);
  });
}

let dragging = null;
addEventListener("pointermove", (event) => { if (looked) dragging?.(event); });
addEventListener("pointerup", () => {
  if (!dragging) return;
  dragging = null;
  leave();
  say(one("#told").textContent);
});

