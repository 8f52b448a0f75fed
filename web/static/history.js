// The course of whatever is chosen of a host: up to six figures on one time axis. Data: series.json.
// What is chosen, the range and the zoom are parts of the address.
const uPlot = window.uPlot;
const box = document.getElementById("drawn");
const { colour, faint, increments, size, tick, TIMES } = await import(box.dataset.axes);
const home = box.querySelector(".chart");
const output = box.querySelector("output");
const state = box.querySelector(".chart-state");
const names = box.querySelector(".drawn-names");
const all = document.getElementById("drawn-all");
const MOST = 6;
const HEIGHT = 220;
const REFRESH_MS = 60000;
const GLYPHS = { event: "⚑", reboot: "⟳", driver: "◆" };
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

let chart = null;
let data = null;
let zoom = null;

const parameter = (name) => new URL(location.href).searchParams.get(name) ?? "";
const chosen = () => parameter("draw").split(",").filter(Boolean);
const hours = () => parameter("hours") || "24";

// Links to other views of this host keep what is drawn.
function keepInLinks() {
  const here = /^\/hosts\/\d+/.exec(location.pathname)?.[0];
  for (const link of document.querySelectorAll("main a[href]:not([data-draw])")) {
    const to = new URL(link.href, location.href);
    const isOfHost = to.origin === location.origin && (to.pathname === here || to.pathname.startsWith(`${here}/`));
    if (!isOfHost || /\.(csv|json)$/.test(to.pathname)) continue;
    if (chosen().length > 0) to.searchParams.set("draw", chosen().join(","));
    else to.searchParams.delete("draw");
    if (link.closest("#drawn") === null && parameter("hours") && !to.searchParams.has("hours")) {
      to.searchParams.set("hours", parameter("hours"));
    }
    link.href = to.pathname + to.search + to.hash;
  }
}

function show() {
  const drawn = new Set(chosen());
  for (const link of document.querySelectorAll("[data-draw]")) {
    const figures = link.dataset.draw.split(",");
    if (figures.every((figure) => drawn.has(figure))) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  for (const link of box.querySelectorAll("[data-hours]")) {
    if (link.dataset.hours === hours()) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  box.hidden = drawn.size === 0;
  keepInLinks();
}

function setParameter(name, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  history.replaceState(null, "", address);
}

function choose(figures) {
  setParameter("draw", figures.slice(-MOST).join(","));
  show();
  if (figures.length > 0) load();
}

function toggle(figures) {
  const drawn = chosen();
  const others = drawn.filter((figure) => !figures.includes(figure));
  choose(figures.every((figure) => drawn.includes(figure)) ? others : [...others, ...figures]);
}

const amount = (line, value) => (line.unit === "bytes" ? size(value) : value.toLocaleString());

function read(index) {
  const at = index ?? data.t.length - 1;
  const items = [...names.children];
  data.lines.forEach((line, place) => {
    const value = line.mean[at];
    const known = value === null || value === undefined ? "–" : amount(line, value);
    const told = items[place]?.querySelector("output");
    if (told) told.textContent = known;
  });
  if (index === null || index === undefined || !data.t[index]) {
    output.textContent = "";
    return;
  }
  const near = data.marks.filter((mark) => Math.abs(mark.t - data.t[index]) <= data.step_s * 2);
  output.textContent = [exact.format(new Date(data.t[index] * 1000)), ...near.map((mark) => mark.label)].join("  ·  ");
}

function nameLines() {
  names.replaceChildren(
    ...data.lines.map((line, place) => {
      const item = document.createElement("li");
      const key = document.createElement("span");
      key.className = `key series-${place + 1}`;
      key.setAttribute("aria-hidden", "true");
      const name = document.createElement("bdi");
      name.textContent = line.name;
      name.title = line.name;
      const value = document.createElement("output");
      const remove = document.createElement("button");
      remove.type = "button";
      remove.className = "quiet";
      remove.textContent = "×";
      remove.setAttribute("aria-label", `Without ${line.name}`);
      remove.addEventListener("click", () => choose(chosen().filter((figure) => figure !== line.figure)));
      item.append(key, name, value, remove);
      return item;
    }),
  );
}

function drawMarks(plot, ink) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.lineWidth = scale;
  ctx.font = `${12 * scale}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textBaseline = "bottom";
  for (const mark of data.marks) {
    const x = Math.round(plot.valToPos(mark.t, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillText(GLYPHS[mark.kind], x + 3 * scale, bbox.top + bbox.height);
  }
  ctx.restore();
}

// A value between two breaks has no line: it shows as a dot.
function lonely(values) {
  const known = (at) => values[at] !== null && values[at] !== undefined;
  return [...values.keys()].filter((at) => known(at) && !known(at - 1) && !known(at + 1));
}

function draw() {
  chart?.destroy();
  const ink = colour(box, "ink");
  const axis = { stroke: ink, grid: { stroke: colour(box, "grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui", gap: 6 };
  const units = new Set(data.lines.map((line) => line.unit));
  const lines = data.lines.map((line, place) => {
    const stroke = colour(box, `series-${place + 1}`);
    return {
      stroke,
      width: place === 0 ? 2 : 1.5,
      scale: line.unit,
      dash: place > 2 ? [6, 3] : undefined,
      points: { show: true, size: 4, width: 0, fill: stroke, filter: (plot, at) => lonely(plot.data[at]) },
    };
  });
  const fromZero = { range: (_, min, max) => [0, Math.max(max, 1) * 1.1] };
  const [from, to] = zoom ?? [data.from, data.to];
  const axes = [{ ...axis, size: 40, values: TIMES }];
  if (units.has("bytes")) {
    axes.push({ ...axis, scale: "bytes", size: 60, space: 36, incrs: increments, values: (_, splits) => splits.map(tick) });
  }
  if (units.has("count")) {
    const isSecond = units.has("bytes");
    axes.push({
      ...axis,
      scale: "count",
      size: 64,
      space: 36,
      side: isSecond ? 1 : 3,
      grid: isSecond ? { show: false } : axis.grid,
      values: (_, splits) => splits.map((value) => value.toLocaleString()),
    });
  }
  const options = {
    width: home.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    pxAlign: 0,
    scales: { x: { time: true, min: from, max: to }, bytes: fromZero, count: fromZero },
    axes,
    series: [{}, ...lines],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    hooks: {
      setCursor: [(plot) => read(plot.cursor.idx)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          zoom = [plot.select.left, plot.select.left + plot.select.width].map((left) => plot.posToVal(left, "x"));
          queueMicrotask(draw);
        },
      ],
      draw: [(plot) => drawMarks(plot, faint(ink, 0.7))],
    },
  };
  chart = new uPlot(options, [data.t, ...data.lines.map((line) => line.mean)], home);
  chart.over.addEventListener("dblclick", () => setZoom(null));
  all.hidden = zoom === null;
  read(null);
}

function setZoom(to) {
  zoom = to;
  if (data) draw();
}

async function load() {
  const asked = parameter("draw");
  const address = `${box.dataset.series}?draw=${encodeURIComponent(asked)}&hours=${encodeURIComponent(hours())}`;
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const found = await answer.json();
    // Somebody may have chosen something else meanwhile.
    if (asked !== parameter("draw")) return;
    data = found;
    state.textContent = data.t.length === 0 ? "Nothing was received of it in this time." : "";
    nameLines();
    draw();
  } catch (error) {
    state.textContent = `The data could not be loaded (${error.message}).`;
  }
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const link = event.target.closest("[data-draw]");
  if (!link) return;
  event.preventDefault();
  toggle(link.dataset.draw.split(","));
});
for (const link of box.querySelectorAll("[data-hours]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    setParameter("hours", link.dataset.hours === "24" ? "" : link.dataset.hours);
    zoom = null;
    show();
    load();
  });
}
all.addEventListener("click", () => setZoom(null));
document.getElementById("drawn-close").addEventListener("click", () => choose([]));
document.documentElement.addEventListener("themechange", () => data && draw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => data && draw());
new ResizeObserver(() => chart?.setSize({ width: home.clientWidth, height: HEIGHT })).observe(box);
document.addEventListener("htmx:afterSettle", show);
setInterval(() => {
  if (!document.hidden && !zoom && chosen().length > 0) load();
}, REFRESH_MS);
show();
if (chosen().length > 0) load();
