// The pools of a host over time: two charts, one time axis, one zoom. Data: pools.json.
const uPlot = window.uPlot;
const box = document.getElementById("pools");
const { colour, faint, increments, size, tick, TIMES } = await import(box.dataset.axes);
const state = box.querySelector(".chart-state");
const unzoom = document.getElementById("unzoom");
const POOLS = ["nonpaged", "paged"];
// Both share the time axis under the last one.
const LAST = "paged";
const heights = { nonpaged: 176, paged: 160 };
const REFRESH_MS = 60000;
// A limit this many times above the highest value would flatten the line: it is told, not drawn.
const FAR = 5;
const GLYPHS = { event: "⚑", reboot: "⟳", driver: "◆" };

let charts = [];
let data = null;
let zoom = zoomOfAddress();

// The highest value of a pool in what is shown.
function highest(pool) {
  const [from, to] = zoom ?? [data.from, data.to];
  let most = 1;
  data[pool].max.forEach((value, at) => {
    if (value !== null && value > most && data.t[at] >= from && data.t[at] <= to) most = value;
  });
  return most;
}

function drawMarks(plot, palette) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${12 * scale}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.lineWidth = scale;
  ctx.textBaseline = "top";
  let told = -Infinity;
  for (const mark of data.marks) {
    const x = Math.round(plot.valToPos(mark.t, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = mark.kind === "event" ? palette.limit : palette.ink;
    const glyph = GLYPHS[mark.kind];
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const width = ctx.measureText(`${glyph} ${mark.label}`).width;
    const right = x + width + 8 * scale > bbox.left + bbox.width;
    // Where labels would cover each other, the later ones are told under the pointer.
    const begin = right ? x - 4 * scale - width : x + 4 * scale;
    const text = begin > told ? `${glyph} ${mark.label}` : glyph;
    if (begin > told) told = begin + width + 8 * scale;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(text, right ? x - 4 * scale : x + 4 * scale, bbox.top + bbox.height - 16 * scale);
  }
  ctx.restore();
}

function drawLimit(plot, limit, palette) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  const y = Math.round(plot.valToPos(limit.bytes, "y", true));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = palette.limit;
  ctx.lineWidth = 1.5 * scale;
  if (limit.source !== "measured") ctx.setLineDash([6 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${11 * scale}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  ctx.fillText(`limit ${size(limit.bytes)}, ${limit.source}`, bbox.left + 6 * scale, y - 3 * scale);
  ctx.restore();
}

// Where a pool goes if growth goes on: between the flattest and the steepest slope.
function drawProjection(plot, colours) {
  const { at, until, bytes, least, likely, most } = data.projection;
  const { ctx, bbox } = plot;
  const x = (seconds) => plot.valToPos(seconds, "x", true);
  const y = (value) => plot.valToPos(value, "y", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = faint(colours, 0.16);
  ctx.beginPath();
  ctx.moveTo(x(at), y(bytes));
  ctx.lineTo(x(until), y(most));
  ctx.lineTo(x(until), y(least));
  ctx.closePath();
  ctx.fill();
  ctx.strokeStyle = colours;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x(at), y(bytes));
  ctx.lineTo(x(until), y(likely));
  ctx.stroke();
  ctx.restore();
}

// The end of the time axis: what is projected lies ahead of the data.
function end() {
  return Math.max(data.to, data.projection?.until ?? 0);
}

// The zoom is part of the address: a link leads to what is seen.
function setZoom(from, to) {
  zoom = from === null ? null : [Math.round(from), Math.round(to)];
  const address = new URL(location.href);
  if (zoom) address.searchParams.set("zoom", zoom.join("-"));
  else address.searchParams.delete("zoom");
  history.replaceState(null, "", address);
  // uPlot is in the middle of its selection.
  queueMicrotask(draw);
}

function zoomOfAddress() {
  const [, from, to] = /^(\d{1,12})-(\d{1,12})$/.exec(new URL(location.href).searchParams.get("zoom") ?? "") ?? [];
  return Number(from) < Number(to) ? [Number(from), Number(to)] : null;
}

function read(pool, index) {
  const output = box.querySelector(`output[data-pool="${pool}"]`);
  const at = index ?? data.t.length - 1;
  const value = data[pool].mean[at];
  const limit = data.limits[pool];
  const shown = limit && limit.bytes <= highest(pool) * FAR;
  const parts = [];
  if (at >= 0 && value !== null && value !== undefined) {
    parts.push(size(value));
    if (limit) parts.push(`${Math.round((100 * value) / limit.bytes)} % of limit`);
  }
  if (index !== null && index !== undefined && data.t[index]) {
    parts.push(new Date(data.t[index] * 1000).toLocaleString());
    const near = data.marks.filter((mark) => Math.abs(mark.t - data.t[index]) <= data.step_s * 2);
    parts.push(...near.map((mark) => mark.label));
  } else if (limit && !shown) {
    parts.push(`limit ${size(limit.bytes)} (${limit.source}) is above the chart`);
  }
  output.textContent = parts.join("  ·  ");
}

// A value between two breaks has no line: it shows as a dot.
function lonely(values) {
  const known = (at) => values[at] !== null && values[at] !== undefined;
  return [...values.keys()].filter((at) => known(at) && !known(at - 1) && !known(at + 1));
}

function options(pool, width, palette) {
  const limit = data.limits[pool];
  const top = highest(pool);
  const drawn = limit && limit.bytes <= top * FAR ? limit : null;
  const projected = data.projection?.pool === pool ? data.projection : null;
  const ahead = projected && !zoom ? projected.likely : 0;
  const ceiling = Math.max(top, drawn ? drawn.bytes : 0, ahead) * 1.1;
  const [from, to] = zoom ?? [data.from, end()];
  const line = palette[pool];
  const axis = { stroke: palette.ink, grid: { stroke: palette.grid, width: 1 }, ticks: { show: false } };
  const edge = { width: 0, points: { show: false } };
  return {
    width,
    height: heights[pool],
    legend: { show: false },
    scales: { x: { time: true, min: from, max: to }, y: { range: [0, ceiling] } },
    // Lines between pixels: rounded ones look like stairs.
    pxAlign: 0,
    axes: [
      pool === LAST
        ? { ...axis, size: 40, gap: 6, font: "11px system-ui", values: TIMES }
        : { ...axis, size: 8, values: (_, splits) => splits.map(() => "") },
      {
        ...axis,
        size: 60,
        gap: 6,
        font: "11px system-ui",
        space: 36,
        incrs: increments,
        values: (_, splits) => splits.map(tick),
      },
    ],
    series: [
      {},
      {
        stroke: line,
        width: 1.5,
        points: { show: true, size: 4, width: 0, fill: line, filter: (plot, at) => lonely(plot.data[at]) },
      },
      { ...edge, stroke: faint(line, 0.01) },
      { ...edge, stroke: faint(line, 0.01) },
    ],
    bands: [{ series: [2, 3], fill: faint(line, 0.18) }],
    cursor: {
      sync: { key: "pools", setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
    },
    hooks: {
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const from = plot.posToVal(plot.select.left, "x");
          const to = plot.posToVal(plot.select.left + plot.select.width, "x");
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          setZoom(from, to);
        },
      ],
      setCursor: [(plot) => read(pool, plot.cursor.idx)],
      draw: [
        (plot) => {
          if (projected) drawProjection(plot, line);
          if (drawn) drawLimit(plot, drawn, palette);
          drawMarks(plot, palette);
        },
      ],
    },
  };
}

function draw() {
  for (const chart of charts) chart.destroy();
  const palette = {};
  for (const name of ["ink", "grid", "limit", ...POOLS]) palette[name] = colour(box, name);
  charts = POOLS.map((pool) => {
    const home = box.querySelector(`.chart[data-pool="${pool}"]`);
    const columns = [data.t, data[pool].mean, data[pool].max, data[pool].min];
    const chart = new uPlot(options(pool, home.clientWidth, palette), columns, home);
    chart.over.addEventListener("dblclick", () => setZoom(null));
    read(pool, null);
    return chart;
  });
  unzoom.hidden = zoom === null;
}

async function load() {
  try {
    const answer = await fetch(box.dataset.pools, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    data = await answer.json();
    state.textContent = data.t.length === 0 ? "Nothing was received in this time." : "";
    draw();
  } catch (error) {
    if (!data) state.textContent = `The data could not be loaded (${error.message}).`;
  }
}

unzoom.addEventListener("click", () => setZoom(null));
document.documentElement.addEventListener("themechange", () => data && draw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => data && draw());
new ResizeObserver(() => {
  charts.forEach((chart, at) => {
    chart.setSize({ width: chart.root.parentElement.clientWidth, height: heights[POOLS[at]] });
  });
}).observe(box);
setInterval(() => {
  if (!document.hidden && !zoom) load();
}, REFRESH_MS);
load();
