// Buckets of /statuses as uPlot's columns, with a null where a gap begins.

/** A gap: more than so many of the usual steps between two buckets that have statuses. */
const GAP_STEPS = 3;

/**
 * {columns: [times in s, charges, second values], gaps: [[from, until] in ms]} of buckets in the order of time. The usual
 * step is the median of those in the data.
 */
export function columnsOf(buckets, second) {
  const step = usualStep(buckets);
  const columns = [[], [], []];
  const gaps = [];
  let before = null;
  for (const bucket of buckets) {
    const start = bucket.start_ms;
    if (before !== null && start - before > GAP_STEPS * step) {
      put(columns, before + 1, {}, second);
      gaps.push([before, start]);
    }
    put(columns, start, bucket.fields, second);
    before = start;
  }
  return { columns, gaps };
}

function usualStep(buckets) {
  const steps = [];
  for (let at = 1; at < buckets.length; at += 1) steps.push(buckets[at].start_ms - buckets[at - 1].start_ms);
  steps.sort((a, b) => a - b);
  return steps.length ? steps[Math.floor((steps.length - 1) / 2)] : Infinity;
}

function put(columns, time_ms, fields, second) {
  columns[0].push(time_ms / 1000);
  columns[1].push(fields.current_charge?.mean ?? null);
  columns[2].push(fields[second]?.mean ?? null);
}
