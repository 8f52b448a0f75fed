// One figure of the hosts of an incident over time, and its median. Data: growth.json.
const uPlot = window.uPlot;
const box = document.getElementById("lines");
const { colour, faint, increments, size, tick, TIMES } = await import(box.dataset.axes);
const home = box.querySelector(".chart");
const output = box.querySelector("output");
const state = box.querySelector(".chart-state");
const HEIGHT = 240;

let data = null;
let chart = null;
// The host that the pointer is nearest to; none without a pointer.
let near = null;

function when(seconds) {
  return new Date(seconds * 1000).toLocaleString();
}

function read(index) {
  const at = index ?? data.t.length - 1;
  const parts = [];
  if (data.median[at] !== null && data.median[at] !== undefined) parts.push(`median ${size(data.median[at])}`);
  const host = near === null ? null : data.hosts[near];
  if (host && index !== null && host.values[at] !== null) parts.push(`${host.name} ${size(host.values[at])}`);
  if (index !== null && index !== undefined) parts.push(when(data.t[at]));
  else {
    const known = data.hosts.filter((host) => host.values.some((value) => value !== null)).length;
    if (known < data.of) parts.push(`${known} of ${data.of} hosts are drawn`);
  }
  output.textContent = parts.join("  ·  ");
}

// The host whose line is nearest to the pointer, if one is near.
function nearest(plot) {
  const { idx, top } = plot.cursor;
  if (idx === null || idx === undefined || top < 0) return null;
  let [best, distance] = [null, 24];
  data.hosts.forEach((host, at) => {
    const value = host.values[idx];
    if (value === null) return;
    const away = Math.abs(plot.valToPos(value, "y") - top);
    if (away < distance) [best, distance] = [at, away];
  });
  return best;
}

function drawOpened(plot, ink) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  const x = Math.round(plot.valToPos(data.opened, "x", true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  const right = x > bbox.left + bbox.width / 2;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.lineWidth = scale;
  ctx.setLineDash([3 * scale, 3 * scale]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `${12 * scale}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textBaseline = "top";
  ctx.textAlign = right ? "right" : "left";
  ctx.fillText("⚑ opened", right ? x - 4 * scale : x + 4 * scale, bbox.top + 2 * scale);
  ctx.restore();
}

function draw() {
  chart?.destroy();
  const ink = colour(box, "ink");
  const line = colour(box, "suspect");
  const axis = { stroke: ink, grid: { stroke: colour(box, "grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui", gap: 6 };
  const pale = faint(ink, data.hosts.length > 12 ? 0.35 : 0.6);
  const strong = colour(box, "strong");
  const hosts = data.hosts.map((_, at) => ({
    stroke: () => (at === near ? strong : pale),
    width: 1,
    points: { show: false },
  }));
  const median = { stroke: line, width: 3, points: { show: false } };
  const options = {
    width: home.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    scales: { x: { time: true, min: data.from, max: data.to }, y: { range: (_, min, max) => [0, Math.max(max, 1) * 1.1] } },
    axes: [
      { ...axis, size: 40, values: TIMES },
      { ...axis, size: 60, space: 36, incrs: increments, values: (_, splits) => splits.map(tick) },
    ],
    series: [{}, ...hosts, median],
    pxAlign: 0,
    cursor: { drag: { x: true, y: false }, points: { show: false } },
    hooks: {
      setCursor: [
        (plot) => {
          const before = near;
          near = nearest(plot);
          if (before !== near) plot.redraw(false);
          read(plot.cursor.idx);
        },
      ],
      draw: [(plot) => drawOpened(plot, ink)],
    },
  };
  chart = new uPlot(options, [data.t, ...data.hosts.map((host) => host.values), data.median], home);
  chart.over.addEventListener("click", () => {
    if (near !== null) location.href = data.hosts[near].url;
  });
  read(null);
}

async function load() {
  try {
    const answer = await fetch(box.dataset.lines, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    data = await answer.json();
    state.textContent = data.t.length === 0 ? "Nothing is known of this time." : "";
    if (data.t.length > 0) draw();
  } catch (error) {
    state.textContent = `The data could not be loaded (${error.message}).`;
  }
}

document.documentElement.addEventListener("themechange", () => data && draw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => data && draw());
new ResizeObserver(() => chart?.setSize({ width: home.clientWidth, height: HEIGHT })).observe(box);
load();
