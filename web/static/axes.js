// What all charts share: sizes, colours, ticks.

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 999.5 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit > 0 && bytes < 9.95 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

export function tick(bytes) {
  if (bytes === 0) return "0";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const unit = Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${+(bytes / 1024 ** unit).toFixed(2)} ${units[unit]}`;
}

// Style sheets know the colours; a canvas has to ask for them.
export function colour(box, name) {
  const probe = document.createElement("i");
  probe.className = `probe ${name}`;
  box.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export function faint(rgb, alpha) {
  return rgb.replace(/^rgb\(/, "rgba(").replace(/\)$/, `, ${alpha})`);
}

// Ticks on the time axis: interval, usual label, then what is added where a year, month, day, hour
// or minute begins.
export const TIMES = [
  [31536000, "{YYYY}", null, null, null, null, null, null, 1],
  [2419200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{D} {MMM} {YYYY}", null, "\n{D} {MMM}", null, null, null, 1],
];

export const increments = [];
for (let power = 0; power < 5; power += 1) {
  for (const step of [1, 2, 4, 5, 8, 10, 16, 20, 25, 32, 50, 64, 100, 128, 200, 250, 256, 500, 512]) {
    increments.push(step * 1024 ** power);
  }
}
