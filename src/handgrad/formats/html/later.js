// What is far down a long page is packed: it is put in when a reader comes near, and the rest in idle moments,
// for the browser to find words in it and to print it.

// Several are packed together: an empty template is for what comes next in the text of the last one that has any.
const waits = new Map();
let pack = null;
for (const template of all("template.later")) {
  const text = template.content.textContent;
  if (text) pack = { text, places: 0 };
  waits.set(template.parentElement, { template, pack, part: pack.places++ });
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return (await new Response(stream).text()).split("\0");
}

async function put(place) {
  const waiting = waits.get(place);
  if (!waiting) return;
  const { template, pack, part } = waiting;
  waits.delete(place);
  nearing.unobserve(place);
  const made = document.createElement("template");
  pack.parts ??= unpacked(pack.text);
  made.innerHTML = (await pack.parts)[part];
  template.replaceWith(made.content);
  place.style.minHeight = place.style.height = "";
  stops(place);
  opens(place);
  for (const box of all(BOXES, place)) {
    boxes.push(box);
    wide.observe(box);
  }
  places = null;
  if (predicting && steps.indexOf(place) >= current) {
    results(place).forEach(veil);
    showWaiting(place);
  }
}

const nearing = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) if (isIntersecting) put(target);
}, { rootMargin: "150% 0px" });
for (const place of waits.keys()) nearing.observe(place);

const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
// Several at once: the browser looks over the whole page each time.
const TOGETHER = 12;
async function putNext() {
  if (!waits.size) return;
  await Promise.all([...waits.keys()].slice(0, TOGETHER).map(put));
  idle(putNext);
}
addEventListener("load", () => setTimeout(() => idle(putNext), 2000));
