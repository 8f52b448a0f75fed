// Manners of the live parts: nothing is replaced while somebody uses it or nobody looks, and a
// server that does not answer is said so.
const mark = () => document.getElementById("freshness");

function say(text, title) {
  const freshness = mark();
  if (!freshness) return;
  freshness.className = "freshness stale";
  freshness.dataset.said = text;
  freshness.textContent = text;
  freshness.title = title;
}

// Why a part stays as it is for now; nothing when it may be replaced.
function reasonToWait(part) {
  if (part.querySelector("input:checked") !== null) return "something is selected here";
  if (part.contains(document.activeElement)) return "the focus is on something here";
  if (getSelection()?.type === "Range") return "text is marked here";
  return null;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const reason = reasonToWait(event.target);
  if (document.hidden || reason) event.preventDefault();
  if (reason) say("paused", `Nothing is replaced while ${reason}`);
});

document.addEventListener("htmx:sendError", () => {
  say("no answer", "The server does not answer: what is shown is old");
});

document.addEventListener("htmx:responseError", (event) => {
  say("error", "The server could not tell anything new: what is shown is old");
  const text = event.detail.xhr.responseText;
  // Our own fragment only: a proxy in between may answer with a page of its own.
  if (text.startsWith('<div class="notice"')) document.getElementById("notice").innerHTML = text;
});

document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.xhr.status < 400) document.getElementById("notice")?.replaceChildren();
});
