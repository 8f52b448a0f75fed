// Sets the theme before the first paint (this file blocks), then drives its button.
(() => {
  const root = document.documentElement;
  const words = { auto: "Auto", light: "Light", dark: "Dark" };
  const glyphs = { auto: "◐", light: "○", dark: "●" };
  let theme = "auto";
  try {
    const kept = localStorage.getItem("theme");
    if (kept in words) theme = kept;
  } catch {
    // Storage may be forbidden: the choice then lasts for this page.
  }
  const apply = () => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  apply();
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.theme");
    if (!button) return;
    const label = () => {
      button.textContent = `${glyphs[theme]} ${words[theme]}`;
      button.setAttribute("aria-label", `Theme: ${words[theme]}`);
      button.title = "Theme: as the system, light, dark";
    };
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      const all = Object.keys(words);
      theme = all[(all.indexOf(theme) + 1) % all.length];
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // As above.
      }
      apply();
      label();
      root.dispatchEvent(new Event("themechange"));
    });
  });
})();
