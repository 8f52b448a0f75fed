// Times in the viewer's zone: exact on hover, relative in the text and kept current.
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

function duration(s) {
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
}

function ago(at, now) {
  const past = Math.round((now - at) / 1000);
  if (past < -4) return `in ${duration(-past)}`;
  if (past < 5) return "now";
  if (past < 5184000) return `${duration(past)} ago`;
  return at.toLocaleDateString();
}

// The server's clock minus ours: a wrong clock here must not make data look old.
let offset = 0;
let told = null;

function compareClocks() {
  const now = document.getElementById("freshness")?.dataset.now;
  if (now && now !== told) {
    told = now;
    offset = now * 1000 - Date.now();
  }
}

function update() {
  compareClocks();
  const now = Date.now() + offset;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const since = time.classList.contains("since");
    time.title = (since ? "since " : "") + exact.format(at);
    const text = since
      ? duration(Math.max(0, Math.round((now - at) / 1000)))
      : ago(at, now);
    if (time.textContent !== text) time.textContent = text;
  }
}

// The age of the newest data goes on between two answers of the server.
function tick() {
  const mark = document.getElementById("freshness");
  if (!mark?.dataset.at || mark.dataset.said) return;
  const age = Math.max(0, Math.floor((Date.now() + offset) / 1000) - mark.dataset.at);
  const word = age < mark.dataset.staleAfter ? "live" : "stale";
  mark.textContent = `${word}, ${duration(age)}`;
  mark.className = `freshness ${word}`;
}

update();
setInterval(update, 15000);
setInterval(tick, 1000);
document.addEventListener("htmx:afterSettle", update);
