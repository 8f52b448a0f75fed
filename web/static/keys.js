// j and k go through the rows, the arrows through the heads of a list, Escape back to the page.
// "/" and "?" are keys of the palette.
function typing(target) {
  return target.closest?.("input, select, textarea, [contenteditable], dialog") ?? null;
}

// The heads of a list are one stop for the Tab key: the arrows go on from there.
function rove() {
  for (const heads of document.querySelectorAll("tr.heads")) {
    const links = [...heads.querySelectorAll("a")];
    const first = links.find((link) => link.closest("[aria-sort=ascending], [aria-sort=descending]")) ?? links[0];
    for (const link of links) link.tabIndex = link === first ? 0 : -1;
  }
}

function walkHeads(event, head) {
  const links = [...head.closest("tr.heads").querySelectorAll("a")];
  const to = links.indexOf(head) + (event.key === "ArrowRight" ? 1 : -1);
  if (!links[to]) return;
  event.preventDefault();
  head.tabIndex = -1;
  links[to].tabIndex = 0;
  links[to].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const menu = event.target.closest?.("details.menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    return;
  }
  const field = typing(event.target);
  if (event.key === "Escape" && field && !field.closest("dialog")) {
    field.blur();
    return;
  }
  if (field) return;
  const head = event.target.closest?.("tr.heads a");
  if (head && (event.key === "ArrowLeft" || event.key === "ArrowRight")) walkHeads(event, head);
  else if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.indexOf(document.activeElement);
    const to = event.key === "j" ? at + 1 : Math.max(at - 1, 0);
    rows[Math.min(to, rows.length - 1)]?.focus();
  }
});

// An address holds what was filled in, and nothing else.
document.addEventListener("submit", ({ target: form, submitter }) => {
  if ((submitter?.getAttribute("formmethod") ?? form.method) !== "get") return;
  for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
  // The page may be come back to.
  setTimeout(() => {
    for (const field of form.elements) if (field.name && field.value === "") field.disabled = false;
  });
});

// A menu closes when something beside it is pointed at.
document.addEventListener("pointerdown", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// A part that scrolls sideways and holds nothing to focus is reached by the Tab key itself.
function reachScrolling() {
  for (const part of document.querySelectorAll(".scroll")) {
    const scrolls = part.scrollWidth > part.clientWidth + 1;
    if (scrolls) {
      part.tabIndex = 0;
      part.setAttribute("role", "group");
      if (!part.hasAttribute("aria-label")) {
        const section = part.closest("section[aria-labelledby]")?.getAttribute("aria-labelledby");
        const title = section && document.getElementById(section)?.textContent.trim();
        part.setAttribute("aria-label", title || part.querySelector("caption")?.textContent || "Table");
      }
    } else if (part.getAttribute("role") === "group") {
      part.removeAttribute("tabindex");
      part.removeAttribute("role");
      part.removeAttribute("aria-label");
    }
  }
}

function tidy() {
  rove();
  reachScrolling();
}

tidy();
document.addEventListener("htmx:afterSettle", tidy);
addEventListener("resize", reachScrolling);
