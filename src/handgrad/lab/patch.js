// Puts new markup in the place of old, and touches only what differs: what stays keeps its focus, its
// scrolling and its identity.

/** Makes the children of `place` those of `html`; gives the elements with a name whose figures changed. */
export function patch(place, html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  const changed = new Set();
  children(place, made.content, changed);
  return changed;
}

function children(from, to, changed) {
  let old = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const match = matching(old, wanted);
    if (!match) {
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
  const alike = old?.nodeName === wanted.nodeName && !old.id;
  return alike && kind(old) === kind(wanted) ? old : null;
}

const kind = (each) => each.dataset?.name ? "figure" : each.dataset?.of ?? "";

function node(from, to, changed) {
  if (from.isEqualNode(to)) return;
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data === to.data) return;
    from.data = to.data;
    note(from, changed);
    return;
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
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
