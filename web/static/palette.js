// The palette: hosts, tags, programs, drivers, incidents, pages, actions and views that were kept, by
// "/" or Ctrl-K. "?" shows the keys.
const WAIT_MS = 120;
const KEYS = [
  ["/ or Ctrl-K", "find anything, go anywhere"],
  ["j, k", "next and previous row"],
  ["← →", "along the heads of a list; Enter sorts"],
  ["Enter", "open what has the focus"],
  ["Escape", "back to the page"],
  ["?", "these keys"],
];
// How long ago a host is set beside itself.
const AGES = [["1h", "an hour ago"], ["24h", "24 h ago"], ["7d", "7 days ago"], ["30d", "30 days ago"]];
const KINDS = { view: "Views", page: "Pages", action: "Actions", incident: "Incidents", host: "Hosts", tag: "Tags", program: "Programs", driver: "Drivers" };

const field = document.getElementById("search");
let palette = null;
let entries = [];
let at = 0;
let timer = 0;
let asked = 0;

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Views that were kept, as the server knows them.
let views = [];
async function loadViews() {
  try {
    const answer = await fetch("/views.json", { headers: { Accept: "application/json" } });
    if (answer.ok) views = await answer.json();
  } catch {
    // The server is away: pages and actions are still found.
  }
}

// Keeps or forgets a view. The answer is a redirect, which is for forms.
async function changeViews(path, fields) {
  const notice = document.getElementById("notice");
  try {
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams(fields), headers: { Accept: "application/json" }, redirect: "manual" });
    const failed = answer.type === "opaqueredirect" ? "" : ((await answer.json()).detail ?? "It was not kept.");
    notice.replaceChildren(...(failed ? [element("div", { class: "notice", role: "alert" }, failed)] : []));
  } catch {
    notice.replaceChildren(element("div", { class: "notice", role: "alert" }, "The server does not answer."));
  }
  await loadViews();
}

// A list knows the address of its view; elsewhere what a form left empty says nothing.
function here() {
  const list = document.querySelector(".menu input[name=address]");
  if (list) return list.value;
  const filled = [...new URLSearchParams(location.search)].filter(([, value]) => value);
  const search = new URLSearchParams(filled).toString();
  return location.pathname + (search && `?${search}`);
}

// What is there without asking the server.
function own(text) {
  const wanted = text.toLowerCase();
  const holds = (entry) => `${entry.name} ${entry.detail ?? ""}`.toLowerCase().includes(wanted);
  const pages = [...document.querySelectorAll("#sections a, #person a")].map((link) => ({
    kind: "page",
    name: link.classList.contains("person") ? "Your account" : link.textContent.trim().replace(/\s+/g, " "),
    url: link.getAttribute("href"),
  }));
  pages.push({ kind: "page", name: "Map of pool pressure", url: "/map" }, { kind: "page", name: "Compare hosts", url: "/compare" });
  const theme = document.querySelector("button.theme");
  const leave = document.querySelector("form[action='/logout']");
  const actions = [
    { kind: "action", name: "Deploy agents", url: "/deploy" },
    { kind: "action", name: "Import evidence from a host", url: "/evidence" },
    { kind: "action", name: "Silence alerts", url: "/alerts#silences" },
    { kind: "action", name: "Show the keys", run: showKeys },
    ...(theme ? [{ kind: "action", name: "Change the theme", run: () => theme.click() }] : []),
    ...(leave ? [{ kind: "action", name: "Sign out", run: () => leave.requestSubmit() }] : []),
  ];
  const host = location.pathname.match(/^\/hosts\/(\d+)/)?.[1];
  if (host) {
    actions.push({ kind: "action", name: "Compare this host with a healthy one", url: `/compare?host=${host}&with=healthy` });
    for (const [at, words] of AGES) actions.push({ kind: "action", name: `Compare this host with itself ${words}`, url: `/compare?host=${host}&host=${host}&at=${at}` });
  }
  const group = new URLSearchParams(location.search).get("group");
  if (group) actions.push({ kind: "action", name: `Compare the group ${group}`, url: `/compare?group=${encodeURIComponent(group)}` });
  const kept = views.map((view) => ({ kind: "view", name: view.name, url: view.url, detail: view.url, kept: true }));
  const found = [...kept, ...pages, ...actions].filter(holds);
  if (text) {
    found.push({ kind: "action", name: `Search everything for “${text}”`, url: `/search?q=${encodeURIComponent(text)}` });
    found.push({
      kind: "action",
      name: `Keep this view as “${text}”`,
      detail: here(),
      run: () => changeViews("/views", { name: text, address: here() }),
    });
  }
  return found;
}

function show(found, text) {
  entries = found;
  palette.querySelector("input").dataset.shown = text;
  at = Math.min(at, Math.max(entries.length - 1, 0));
  const list = palette.querySelector("[role=listbox]");
  const parts = [];
  let kind = "";
  entries.forEach((entry, place) => {
    if (entry.kind !== kind) {
      kind = entry.kind;
      parts.push(element("li", { role: "presentation", class: "kind" }, KINDS[kind]));
    }
    const name = element("bdi", {}, entry.name || "(no name)");
    const detail = element("span", { class: "dim" }, entry.detail ?? "");
    const option = element("li", { role: "option", id: `palette-${place}`, "aria-selected": String(place === at), title: entry.name }, name, " ", detail);
    option.addEventListener("pointermove", () => select(place));
    option.addEventListener("click", () => choose(place));
    parts.push(option);
  });
  list.replaceChildren(...parts);
  select(at);
}

function select(place) {
  at = place;
  const input = palette.querySelector("input");
  for (const option of palette.querySelectorAll("[role=option]")) {
    option.setAttribute("aria-selected", String(option.id === `palette-${place}`));
  }
  const chosen = document.getElementById(`palette-${place}`);
  if (chosen) {
    input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

function choose(place) {
  const entry = entries[place];
  const text = palette.querySelector("input").value.trim();
  palette.close();
  if (!entry) {
    if (text) location.href = `/search?q=${encodeURIComponent(text)}`;
  } else if (entry.run) entry.run();
  else location.href = entry.url;
}

async function look(text) {
  const turn = (asked += 1);
  if (!text) {
    show(own(""), text);
    return;
  }
  let found = [];
  try {
    const answer = await fetch(`/search.json?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
    if (answer.ok) found = await answer.json();
  } catch {
    // The server is away: pages and views are still found.
  }
  if (turn !== asked) return;
  // What bears exactly this name comes first, before pages and actions that hold it.
  const exact = found.filter((entry) => entry.name.toLowerCase() === text.toLowerCase());
  const others = found.filter((entry) => !exact.includes(entry));
  show([...exact, ...own(text).filter((entry) => entry.kind !== "action"), ...others, ...own(text).filter((entry) => entry.kind === "action")], text);
}

function make() {
  const input = element("input", {
    type: "search",
    role: "combobox",
    "aria-label": "Search hosts, tags, programs, drivers, incidents, pages and actions",
    "aria-expanded": "true",
    "aria-controls": "palette-list",
    "aria-autocomplete": "list",
    placeholder: "Host, tag, program, driver, incident, page or action",
    autocomplete: "off",
    spellcheck: "false",
  });
  const list = element("ul", { role: "listbox", id: "palette-list", "aria-label": "What matches" });
  const hint = element("p", { class: "dim" }, "Enter opens, Escape closes, Delete forgets a view, ? shows the keys");
  palette = element("dialog", { class: "palette", "aria-label": "Search" }, input, list, hint);
  input.addEventListener("input", () => {
    at = 0;
    clearTimeout(timer);
    const text = input.value.trim();
    timer = setTimeout(() => look(text), text ? WAIT_MS : 0);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (entries.length > 0) select((at + step + entries.length) % entries.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      clearTimeout(timer);
      const text = input.value.trim();
      // Who types fast does not wait for the list.
      if (input.dataset.shown === text || !text) choose(at);
      else location.href = `/search?q=${encodeURIComponent(text)}`;
    } else if (event.key === "Delete" && entries[at]?.kept) {
      event.preventDefault();
      changeViews("/views/forget", { name: entries[at].name }).then(() => look(input.value.trim()));
    }
  });
  palette.addEventListener("click", (event) => {
    if (event.target === palette) palette.close();
  });
  document.body.append(palette);
}

function open(text = "") {
  if (!palette) make();
  const input = palette.querySelector("input");
  input.value = text;
  at = 0;
  if (!palette.open) palette.showModal();
  input.focus();
  look(text);
  loadViews().then(() => palette.open && look(input.value.trim()));
}

let keys = null;
function showKeys() {
  if (!keys) {
    const rows = KEYS.flatMap(([key, what]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)]);
    const close = element("button", { type: "button" }, "Close");
    close.addEventListener("click", () => keys.close());
    keys = element("dialog", { class: "palette keys", "aria-label": "Keys" }, element("h2", {}, "Keys"), element("dl", {}, ...rows), close);
    keys.addEventListener("click", (event) => {
      if (event.target === keys) keys.close();
    });
    document.body.append(keys);
  }
  keys.showModal();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open();
    return;
  }
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest?.("input, select, textarea, [contenteditable], dialog")) return;
  if (event.key === "/") {
    event.preventDefault();
    open();
  } else if (event.key === "?") showKeys();
});
// Who points at the field gets the palette; who comes by the Tab key types, and Enter searches.
field?.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  open(field.value.trim());
});
