// What is drawn behind and before the lines of the chart: bands of sessions and trips, hatched gaps, marks of events.
// Bands differ by their edge and their place as well as by colour: charging at the top, driving at the bottom.

const EDGE = 4; // pixels of the screen
const HATCH = 8;

const KINDS = {
  charging: { fill: "--good-soft", edge: "--good", top: true },
  driving: { fill: "--info-soft", edge: "--info", top: false },
};

export function bandsBehind(plot, shown, colour) {
  const { ctx, bbox } = plot;
  const scale = window.devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const band of shown.bands) {
    const kind = KINDS[band.kind];
    const left = plot.valToPos(band.from / 1000, "x", true);
    const width = Math.max(plot.valToPos(band.until / 1000, "x", true) - left, 2 * scale);
    ctx.globalAlpha = band.chosen ? 1 : 0.55;
    ctx.fillStyle = colour(kind.fill);
    ctx.fillRect(left, bbox.top, width, bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillStyle = colour(kind.edge);
    ctx.fillRect(left, kind.top ? bbox.top : bbox.top + bbox.height - EDGE * scale, width, EDGE * scale);
  }
  for (const [from, until] of shown.gaps) hatched(plot, from, until, colour("--line"), scale);
  ctx.restore();
}

function hatched(plot, from, until, ink, scale) {
  const { ctx, bbox } = plot;
  const left = plot.valToPos(from / 1000, "x", true);
  const right = plot.valToPos(until / 1000, "x", true);
  const [first, last] = [Math.max(left, bbox.left), Math.min(right, bbox.left + bbox.width)];
  if (last <= first) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(first, bbox.top, last - first, bbox.height);
  ctx.clip();
  ctx.strokeStyle = ink;
  ctx.lineWidth = scale;
  ctx.beginPath();
  for (let at = first - bbox.height; at < last; at += HATCH * scale) {
    ctx.moveTo(at, bbox.top + bbox.height);
    ctx.lineTo(at + bbox.height, bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}

/** Each event as a diamond at its sample: `marks`: [{time, value, chosen}]; the value is a charge in %, or null. */
export function marksBefore(plot, shown, colour) {
  const { ctx, bbox } = plot;
  const scale = window.devicePixelRatio || 1;
  ctx.save();
  for (const mark of shown.marks) {
    const x = plot.valToPos(mark.time / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const y = mark.value === null ? bbox.top + 16 * scale : plot.valToPos(mark.value, "charge", true);
    const size = (mark.chosen ? 8 : 6) * scale;
    ctx.strokeStyle = colour("--warn");
    ctx.lineWidth = scale;
    ctx.setLineDash([2 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillStyle = colour("--warn");
    ctx.strokeStyle = colour("--surface");
    ctx.lineWidth = 2 * scale;
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }
  ctx.restore();
}
