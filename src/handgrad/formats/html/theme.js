"use strict";
// Before anything is drawn: the theme that the reader chose last, and a sign that scripts run.

document.documentElement.classList.add("scripted");
try {
  const theme = localStorage.getItem("handgrad-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* A browser may keep nothing for a file; then the system's theme it is. */ }

/** Dark where it is light, light where it is dark; says which. */
function otherTheme() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  root.dataset.theme = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
  try { localStorage.setItem("handgrad-theme", root.dataset.theme); } catch { /* Not kept, then. */ }
  return root.dataset.theme;
}
