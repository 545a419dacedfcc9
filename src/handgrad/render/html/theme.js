// Before anything is drawn: the theme that the reader chose last, and a sign that scripts run.
document.documentElement.classList.add("scripted");
try {
  const theme = localStorage.getItem("handgrad-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* A browser may keep nothing for a file; then the system's theme it is. */ }
