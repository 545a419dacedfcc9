// What a page of handgrad's does badly on the screen that it is shown on: a list of {kind, where, says, size}.
() => {
  const found = [];
  const round = (x) => Math.round(x * 10) / 10;
  const where = (e) => {
    const owner = e.closest("[id]");
    const place = owner ? `#${owner.id} ` : "";
    return place + e.tagName.toLowerCase() + (typeof e.className === "string" && e.className ? "." + e.className.trim().split(/\s+/).join(".") : "");
  };
  const add = (kind, element, says, size = 0) => found.push({ kind, where: where(element), says: says.trim().slice(0, 60), size: round(size) });
  const wide = document.documentElement.clientWidth;

  // -- which texts are seen ------------------------------------------------------------
  const hidden = (e) => {
    if (!e.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: false })) return true;
    for (let a = e; a && a !== document.body; a = a.parentElement) {
      const s = getComputedStyle(a);
      const box = a.getBoundingClientRect();
      if ((s.clipPath !== "none" || s.clip !== "auto") && box.width <= 2 && box.height <= 2) return true;
    }
    return false;
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest("script, style, title, desc, annotation, noscript")) continue;
    if (!hidden(parent)) texts.push({ node, parent });
  }

  // -- letters -------------------------------------------------------------------------
  const scale = (e) => {
    const svg = e.closest("svg");
    if (!svg || !e.getScreenCTM) return 1;
    const m = e.getScreenCTM();
    return Math.sqrt(Math.abs(m.a * m.d - m.b * m.c));
  };
  const drawn = (e) => e.closest("text");
  const isIndex = (e) => {
    if (e.closest("sub, sup")) return true;
    for (let a = e; a && a.tagName !== "math"; a = a.parentElement) {
      const above = a.parentElement;
      if (above && /^(msub|msup|msubsup|munder|mover|munderover)$/.test(above.tagName) && above.firstElementChild !== a) return true;
    }
    const text = drawn(e);
    return Boolean(text) && e !== text && parseFloat(getComputedStyle(e).fontSize) < 0.9 * parseFloat(getComputedStyle(text).fontSize);
  };
  for (const { node, parent } of texts) {
    const size = parseFloat(getComputedStyle(parent).fontSize) * scale(drawn(parent) || parent);
    if (size < (isIndex(parent) ? 7 : 9) - 0.05) add("letter", parent, node.textContent, size);
  }

  // -- labels of one picture -----------------------------------------------------------
  for (const svg of document.querySelectorAll("svg")) {
    if (hidden(svg)) continue;
    const frame = svg.getBoundingClientRect();
    const labels = [...svg.querySelectorAll("text")].filter((t) => t.textContent.trim() && !hidden(t)).map((t) => {
      const box = t.getBoundingClientRect();
      const slack = 0.22 * box.height;
      return { t, left: box.left, right: box.right, top: box.top + slack, bottom: box.bottom - slack };
    });
    labels.forEach((a, i) => {
      for (const b of labels.slice(i + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 1 && down > 1) add("overlap", a.t, `${a.t.textContent} | ${b.t.textContent}`, Math.min(across, down));
      }
      if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 1 || a.bottom > frame.bottom + 1) {
        const out = Math.max(frame.left - a.left, a.right - frame.right, frame.top - a.top, a.bottom - frame.bottom);
        add("clipped", a.t, a.t.textContent, out);
      }
    });
  }

  // -- what is cut off, and what is wider than the screen --------------------------------
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest("svg") && element.tagName !== "svg") continue;
    const style = getComputedStyle(element);
    if (style.display === "inline" || style.display === "contents" || hidden(element)) continue;
    const over = element.scrollWidth - element.clientWidth;
    if (over <= 1 || !element.clientWidth || !element.textContent.trim()) continue;
    if (/hidden|clip/.test(style.overflowX)) add("clipped", element, element.textContent, over);
    else if (/auto|scroll/.test(style.overflowX)) add(element.querySelector("svg") ? "cropped" : "scrolls", element, element.textContent, over);
  }
  const page = document.scrollingElement;
  if (page.scrollWidth > wide + 1) add("wide", document.body, "the page", page.scrollWidth - wide);

  // -- contrast ------------------------------------------------------------------------
  const channels = (colour) => {
    const numbers = (colour.match(/[\d.]+%?/g) || []).map((n) => (n.endsWith("%") ? parseFloat(n) / 100 : parseFloat(n)));
    const unit = /^color\(/.test(colour) ? 255 : 1;
    if (/oklab|oklch|lab\(|lch\(/.test(colour)) return null;
    const [r, g, b, a = 1] = numbers;
    return [r * unit, g * unit, b * unit, a];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[3] * top[i] + (1 - top[3]) * below[i]).concat(1);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (e) => {
    const layers = [];
    for (let a = e.closest("svg")?.parentElement || e; a; a = a.parentElement) {
      const colour = channels(getComputedStyle(a).backgroundColor);
      if (colour && colour[3] > 0) layers.push(colour);
      if (colour && colour[3] === 1) break;
    }
    let below = channels(getComputedStyle(document.documentElement).backgroundColor);
    below = below && below[3] === 1 ? below : [255, 255, 255, 1];
    return layers.reverse().reduce((under, top) => over(top, under), below);
  };
  const shapes = new Map();
  const drawnBehind = (text) => {
    const svg = text.closest("svg");
    if (!shapes.has(svg)) shapes.set(svg, [...svg.querySelectorAll("rect, circle, path, polygon, ellipse")].filter((s) => !s.closest("defs")));
    const box = text.getBBox();
    const point = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2);
    let colour = behind(text);
    for (const shape of shapes.get(svg)) {
      if (!(shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
      const style = getComputedStyle(shape);
      const fill = style.fill === "none" || style.fill.startsWith("url") ? null : channels(style.fill);
      if (!fill || !shape.isPointInFill(point)) continue;
      colour = over([...fill.slice(0, 3), fill[3] * parseFloat(style.fillOpacity) * parseFloat(style.opacity)], colour);
    }
    return colour;
  };
  const known = new Map();
  for (const { node, parent } of texts) {
    const text = drawn(parent);
    const style = getComputedStyle(parent);
    const colour = channels(text ? style.fill : style.color);
    if (!colour) continue;
    let opacity = 1;
    for (let a = parent; a; a = a.parentElement) opacity *= parseFloat(getComputedStyle(a).opacity);
    const ground = text ? drawnBehind(text) : behind(parent);
    const ink = over([...colour.slice(0, 3), colour[3] * opacity], ground);
    const [a, b] = [luminance(ink), luminance(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700) ? 3 : 4.5;
    const key = `${ink}|${ground}`;
    if (ratio < least - 0.01 && !known.has(key)) {
      known.set(key, true);
      if (!parent.closest(":disabled, [aria-disabled=true]")) add("contrast", parent, node.textContent, ratio);
    }
  }

  // -- headings and landmarks -----------------------------------------------------------
  let level = 0;
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((h) => !hidden(h));
  for (const heading of headings) {
    const now = Number(heading.getAttribute("aria-level") || heading.tagName[1]);
    if (now > level + 1) add("order", heading, heading.textContent, now);
    level = now;
  }
  const ones = headings.filter((h) => h.tagName === "H1").length;
  if (ones !== 1) add("order", document.body, `${ones} headings of level 1`, ones);
  const mains = document.querySelectorAll("main").length;
  if (mains !== 1) add("order", document.body, `${mains} main landmarks`, mains);
  for (const nav of document.querySelectorAll("nav")) if (!nav.getAttribute("aria-label")) add("order", nav, "navigation without a name");
  return found;
}
