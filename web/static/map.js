// Pool pressure of every host in one picture. Data: map.json.
const box = document.getElementById("map");
const canvas = box.querySelector("canvas");
const said = box.querySelector("output");
const state = box.querySelector(".chart-state");
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy";
const WORDS = ["calm", "raised pressure", "high pressure", "pressure not known"];
const CLASSES = ["calm", "warning", "critical", "unknown"];
const HEAD = 18;
const MOST_HEADS = 60;
const REFRESH_MS = 60000;

let cells = null;
// Where each cell is: left, top; and how large they all are.
let places = [];
let side = 12;
let at = null;

function probe(name) {
  const cell = document.createElement("i");
  cell.className = `cell ${name}`;
  box.append(cell);
  const { backgroundColor, color } = getComputedStyle(cell);
  cell.remove();
  return name === "unknown" ? color : backgroundColor;
}

function sizeFor(count, width) {
  const room = width * Math.max(320, Math.min(innerHeight * 0.7, 900));
  return Math.max(3, Math.min(32, Math.floor(Math.sqrt(room / Math.max(count, 1)))));
}

function lay() {
  const width = box.clientWidth;
  const heads = cells.groups.length > 1 && cells.groups.length <= MOST_HEADS;
  side = sizeFor(cells.ids.length, width);
  const across = Math.max(1, Math.floor(width / side));
  places = [];
  const titles = [];
  let top = 0;
  let column = 0;
  for (const [name, hosts] of cells.groups) {
    if (heads) {
      if (column > 0) top += side;
      column = 0;
      titles.push([name || "no group", top + HEAD - 5]);
      top += HEAD;
    }
    for (let host = 0; host < hosts; host += 1) {
      if (column === across) {
        column = 0;
        top += side;
      }
      places.push(column * side, top);
      column += 1;
    }
  }
  return { width, height: top + side, titles };
}

function draw() {
  const { width, height, titles } = lay();
  const scale = devicePixelRatio;
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.height = `${height}px`;
  const ctx = canvas.getContext("2d");
  ctx.scale(scale, scale);
  const colours = CLASSES.map(probe);
  const gap = side > 5 ? 1 : 0;
  for (let host = 0; host < cells.all; host += 1) {
    const pressure = cells.pressures.charCodeAt(host) - 48;
    const share = LETTERS.indexOf(cells.shares[host]) / 60;
    const [left, top] = [places[host * 2], places[host * 2 + 1]];
    if (CLASSES[pressure] === "unknown") {
      ctx.strokeStyle = colours[pressure];
      ctx.strokeRect(left + 0.5, top + 0.5, side - gap - 1, side - gap - 1);
      continue;
    }
    // The calmest is still seen against the page.
    ctx.globalAlpha = CLASSES[pressure] === "calm" ? 0.7 + 0.3 * Math.max(share, 0) : 1;
    ctx.fillStyle = colours[pressure];
    ctx.fillRect(left, top, side - gap, side - gap);
    ctx.globalAlpha = 1;
  }
  ctx.fillStyle = getComputedStyle(box).color;
  ctx.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  for (const [name, top] of titles) ctx.fillText(name, 0, top);
  if (at !== null) {
    ctx.strokeStyle = ctx.fillStyle;
    ctx.lineWidth = 2;
    ctx.strokeRect(places[at * 2] - 1, places[at * 2 + 1] - 1, side + 1, side + 1);
  }
}

function groupOf(host) {
  let last = 0;
  for (const [name, hosts] of cells.groups) {
    last += hosts;
    if (host < last) return name;
  }
  return "";
}

function show(host) {
  at = host;
  draw();
  if (host === null) return;
  const name = cells.names[host] ?? `Host ${cells.numbers[host]}`;
  const share = LETTERS.indexOf(cells.shares[host]);
  const parts = [name, groupOf(host), WORDS[cells.pressures.charCodeAt(host) - 48]];
  if (share >= 0) parts.push(`about ${Math.round((share / 60) * 100)} %`);
  said.textContent = parts.filter(Boolean).join("  ·  ");
}

function under(event) {
  const { left, top } = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - left, event.clientY - top];
  for (let host = 0; host < cells.all; host += 1) {
    const [cx, cy] = [places[host * 2], places[host * 2 + 1]];
    if (x >= cx && x < cx + side && y >= cy && y < cy + side) return host;
  }
  return null;
}

function open(host) {
  if (host !== null) location.href = `/hosts/${cells.numbers[host]}`;
}

async function load() {
  try {
    const answer = await fetch(box.dataset.cells, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    cells = await answer.json();
    let number = 0;
    cells.numbers = cells.ids.map((step) => (number += step));
    cells.all = cells.ids.length;
    if (at !== null && at >= cells.all) at = null;
    state.textContent = cells.all === 0 ? "No host is here." : "";
    draw();
    box.dataset.drawn = cells.all;
  } catch (error) {
    if (!cells) state.textContent = `The data could not be loaded (${error.message}).`;
  }
}

canvas.addEventListener("pointermove", (event) => {
  if (!cells) return;
  const host = under(event);
  canvas.style.cursor = host === null ? "default" : "pointer";
  if (host !== null && host !== at) show(host);
});
canvas.addEventListener("click", (event) => cells && open(under(event)));
canvas.addEventListener("keydown", (event) => {
  if (!cells || cells.all === 0) return;
  const across = Math.max(1, Math.floor(box.clientWidth / side));
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -Infinity, End: Infinity };
  if (event.key in steps) {
    event.preventDefault();
    const to = at === null ? 0 : at + steps[event.key];
    show(Math.max(0, Math.min(cells.all - 1, to)));
  } else if (event.key === "Enter") open(at);
});
document.documentElement.addEventListener("themechange", () => cells && draw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => cells && draw());
new ResizeObserver(() => cells && draw()).observe(box);
setInterval(() => {
  if (!document.hidden) load();
}, REFRESH_MS);
load();
