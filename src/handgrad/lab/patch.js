// Puts new markup in the place of old, and touches only what differs: what stays keeps its focus, its
// scrolling and its identity.

/**
 * Makes the content of `place` that of the parts, each its key and its markup; gives the elements with a name whose
 * figures changed. A part whose key an element of the place has (`data-part`) stands there already, and is not read.
 */
export function patch(place, parts) {
  const standing = new Map();
  for (const element of place.querySelectorAll("[data-part]")) {
    const { part } = element.dataset;
    standing.set(part, [...(standing.get(part) ?? []), element]);
  }
  const kept = [];
  const markup = parts.map(([key, html]) => {
    const element = key && standing.get(key)?.shift();
    if (!element) return html;
    kept.push(element);
    return "<template data-kept></template>";
  });
  const made = document.createElement("template");
  made.innerHTML = markup.join("");
  [...made.content.querySelectorAll("template[data-kept]")].forEach((each, k) => keeping.set(each, kept[k]));
  untouched = new Set(kept);
  const changed = new Set();
  children(place, made.content, changed);
  untouched = new Set();
  return changed;
}

const keeping = new WeakMap();  // by what stands in its place in the new markup, the element that is kept
let untouched = new Set();

function children(from, to, changed) {
  let old = from.firstChild;
  for (let wanted = to.firstChild, after; wanted; wanted = after) {
    after = wanted.nextSibling;
    const kept = keeping.get(wanted);
    if (kept) {
      if (kept === old) old = old.nextSibling;
      else from.insertBefore(kept, old);
      continue;
    }
    const match = matching(old, wanted);
    if (!match) {
      const within = [...wanted.querySelectorAll?.("template[data-kept]") ?? []];
      const moved = new Set(within.map((each) => keeping.get(each)));
      while (moved.has(old)) old = old.nextSibling;
      within.forEach((each) => each.replaceWith(keeping.get(each)));
      from.insertBefore(wanted, old);
      note(wanted, changed);
      continue;
    }
    // What stands between has no place in the new markup.
    while (old !== match) {
      const next = old.nextSibling;
      old.remove();
      old = next;
    }
    old = match.nextSibling;
    node(match, wanted, changed);
  }
  while (old) {
    const next = old.nextSibling;
    old.remove();
    old = next;
  }
}

/** The old node, from `old` on, that the wanted one is a new state of: the one of its id, or the one that stands there. */
function matching(old, wanted) {
  if (wanted.id) {
    for (let each = old; each; each = each.nextSibling) if (each.id === wanted.id) return each;
    return null;
  }
  if (untouched.has(old)) return null;
  const alike = old?.nodeName === wanted.nodeName && !old.id;
  return alike && kind(old) === kind(wanted) ? old : null;
}

const kind = (each) => each.hasAttribute?.("data-name") ? "figure" : each.getAttribute?.("data-of") ?? "";

function node(from, to, changed) {
  if (from.isEqualNode(to)) return;
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data === to.data) return;
    from.data = to.data;
    note(from, changed);
    return;
  }
  for (const name of to.getAttributeNames()) {
    const value = to.getAttribute(name);
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const name of from.getAttributeNames()) {
    if (!to.hasAttribute(name) && !KEPT.has(name)) from.removeAttribute(name);
  }
  // A field that is being typed in is the typist's.
  if (from.nodeName === "INPUT" && from !== document.activeElement) from.value = to.getAttribute("value") ?? "";
  children(from, to, changed);
}

// What the reader has done to an element is no part of the markup.
const KEPT = new Set(["open", "tabindex", "aria-current"]);

function note(each, changed) {
  const element = each.nodeType === Node.ELEMENT_NODE ? each : each.parentElement;
  const named = element?.closest?.("[data-name]");
  if (named) changed.add(named);
}
