// "/" goes to the search field, j and k through the rows, Escape back to the page.
function typing(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Escape" && typing(event.target)) {
    event.target.blur();
    return;
  }
  if (typing(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search")?.select();
    document.getElementById("search")?.focus();
  } else if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.indexOf(document.activeElement);
    const to = event.key === "j" ? at + 1 : Math.max(at - 1, 0);
    rows[Math.min(to, rows.length - 1)]?.focus();
  }
});
