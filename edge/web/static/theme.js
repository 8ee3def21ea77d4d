// Before the first paint: the look that this browser was set to. Storage may be forbidden.
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark" || theme === "contrast") {
      document.documentElement.dataset.theme = theme;
    }
  } catch {
    // The system's own look it is.
  }
})();
