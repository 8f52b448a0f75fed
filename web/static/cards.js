// Tables that become cards on a phone (app.css): each cell knows the head that it stands under. What is
// compared across, and lines of files, stay tables.
function label(table) {
  const heads = [...table.tHead.rows[0].cells].map((head) => (head.querySelector(".unseen") ? "" : head.textContent.trim()));
  for (const row of table.querySelectorAll("tbody > tr")) {
    let place = 0;
    for (const cell of row.cells) {
      if (cell.tagName === "TD" && heads[place]) cell.dataset.label ??= heads[place];
      place += cell.colSpan;
    }
  }
  table.classList.add("cards");
}

function makeCards() {
  for (const table of document.querySelectorAll(".scroll > table:not(.cards, .compare, .lines)")) if (table.tHead) label(table);
}

makeCards();
document.addEventListener("htmx:afterSettle", makeCards);
