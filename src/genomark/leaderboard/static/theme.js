// Runs before the page is drawn, so that a chosen theme is there from the first.
"use strict";
try {
  const theme = localStorage.getItem("genomark-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is closed to this page: the theme is that of the system.
}
