// What is far down a long page is packed: it is put in when a reader comes near, and the rest in idle moments,
// for the browser to find words in it and to print it.

const waits = new Map(all("template.later").map((text) => [text.parentElement, text]));

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

async function put(place) {
  const text = waits.get(place);
  if (!text) return;
  waits.delete(place);
  nearing.unobserve(place);
  const made = document.createElement("template");
  made.innerHTML = await unpacked(text.content.textContent);
  text.replaceWith(made.content);
  place.style.minHeight = "";
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
