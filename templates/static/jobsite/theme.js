// The theme that a person chose: the same key and attribute as Django's admin, so both follow one switch.
// Loaded before the page is painted, so that a dark page never flashes white.
const THEMES = ["light", "auto", "dark"];

function chosen() {
  try {
    const theme = localStorage.getItem("theme");
    return THEMES.includes(theme) ? theme : "auto";
  } catch {
    return "auto"; // a browser that keeps nothing follows the system
  }
}

function keep(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // It holds for this page.
  }
}

document.documentElement.dataset.theme = chosen();
addEventListener("DOMContentLoaded", () => {
  const theme = chosen();
  for (const choice of document.querySelectorAll("[data-themes]")) choice.hidden = false;
  for (const input of document.querySelectorAll("[data-themes] input")) {
    input.checked = input.value === theme;
    input.addEventListener("change", () => keep(input.value));
  }
});
