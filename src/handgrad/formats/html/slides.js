"use strict";
// A deck: one slide at a time, all of them at a glance. Without it the slides stand in a list.

const slides = [...document.querySelectorAll(".slide")];
const spoken = document.querySelector("#spoken");
const button = (name) => document.querySelector(`[data-do="${name}"]`);
let shown = 0;

function go(to, { said = true } = {}) {
  slides[shown].classList.remove("shown");
  shown = Math.max(0, Math.min(slides.length - 1, to));
  const slide = slides[shown];
  slide.classList.add("shown");
  slide.scrollTop = 0;
  button("back").setAttribute("aria-disabled", shown === 0);
  button("on").setAttribute("aria-disabled", shown === slides.length - 1);
  history.replaceState(null, "", `#${slide.id}`);
  const title = slide.querySelector("h1, h2, h3")?.textContent ?? "";
  if (said) spoken.textContent = `Slide ${shown + 1} of ${slides.length}: ${title}`;
  if (atAGlance()) {
    slide.focus({ preventScroll: true });
    slide.scrollIntoView({ block: "nearest" });
  }
}

const atAGlance = () => document.body.classList.contains("overview");

function overview(on) {
  document.body.classList.toggle("overview", on);
  document.body.classList.toggle("presenting", !on);
  button("overview").setAttribute("aria-pressed", on);
  for (const slide of slides) {
    if (on) slide.setAttribute("tabindex", "0");
    else slide.removeAttribute("tabindex");
  }
  go(shown, { said: false });
}

// A slide that is too full gets smaller letters, down to half.
function fit(slide) {
  const content = slide.querySelector(".content");
  const wide = () => [...content.querySelectorAll(".derivation, .table, pre")]
    .some((box) => box.scrollWidth > box.clientWidth + 1);
  let size = 1;
  const tooFull = () => content.scrollHeight > slide.clientHeight + 1 || wide();
  slide.style.setProperty("--fit", size);
  while (size > 0.5 && tooFull()) {
    size -= 0.05;
    slide.style.setProperty("--fit", size.toFixed(2));
  }
}

function whole() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.();
}

const on = () => go(shown + 1);
const back = () => go(shown - 1);
const KEYS = {
  ArrowRight: on, ArrowDown: on, PageDown: on, " ": on, j: on, n: on,
  ArrowLeft: back, ArrowUp: back, PageUp: back, k: back, p: back,
  Home: () => go(0), End: () => go(slides.length - 1),
  o: () => overview(!atAGlance()), Escape: () => overview(!atAGlance()), f: whole,
};

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target.closest?.("button, a, summary") && (event.key === " " || event.key === "Enter")) return;
  if (atAGlance() && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    const slide = event.target.closest(".slide");
    if (slide) go(slides.indexOf(slide));
    overview(false);
    return;
  }
  if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

document.addEventListener("click", (event) => {
  const slide = event.target.closest(".slide");
  if (atAGlance()) {
    if (slide) {
      go(slides.indexOf(slide));
      overview(false);
    }
    return;
  }
  if (event.target.closest("a, button, summary, details") || !getSelection().isCollapsed) return;
  if (event.clientX < innerWidth / 4) back();
  else on();
});

const DOES = {
  back, on, overview: () => overview(!atAGlance()),
  theme: () => { spoken.textContent = `${otherTheme()} theme`; },
};
for (const [name, act] of Object.entries(DOES)) {
  button(name).addEventListener("click", (event) => { event.stopPropagation(); act(); });
}
addEventListener("hashchange", () => {
  const at = slides.findIndex((slide) => location.hash === `#${slide.id}`);
  if (at >= 0) go(at);
});

document.querySelector(".controls").hidden = false;
shown = Math.max(0, slides.findIndex((slide) => location.hash === `#${slide.id}`));
overview(false);
document.fonts.ready.then(() => slides.forEach(fit));
