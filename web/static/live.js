// Manners of the live parts: nothing is replaced while somebody uses it or nobody looks, and a
// server that does not answer is said so.
const mark = () => document.getElementById("freshness");

document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.target;
  const used =
    part.contains(document.activeElement) ||
    part.querySelector("input:checked") !== null ||
    getSelection()?.type === "Range";
  if (document.hidden || used) event.preventDefault();
});

function failed(text, title) {
  const freshness = mark();
  if (!freshness) return;
  freshness.className = "freshness stale";
  freshness.textContent = text;
  freshness.title = title;
}

document.addEventListener("htmx:sendError", () => {
  failed("no answer", "The server does not answer: what is shown is old");
});

document.addEventListener("htmx:responseError", (event) => {
  failed("error", "The server could not tell anything new: what is shown is old");
  const text = event.detail.xhr.responseText;
  // Our own fragment only: a proxy in between may answer with a page of its own.
  if (text.startsWith('<div class="notice"')) document.getElementById("notice").innerHTML = text;
});

document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.xhr.status < 400) document.getElementById("notice")?.replaceChildren();
});
