// Questions that are asked again before they are answered: which answer counts, and how often evd is asked.

/**
 * A function that gives the answer of `ask(…)` to `show(answer, …)`, unless it was called again meanwhile: a slower
 * answer to an earlier choice never replaces that to a later one.
 */
export function latest(ask, show) {
  let turn = 0;
  return async (...given) => {
    const mine = (turn += 1);
    const found = await ask(...given);
    if (mine === turn) await show(found, ...given);
  };
}

/** A function that does `work()` once at a time: all calls meanwhile are answered by one more time behind it. */
export function gathered(work) {
  let running = null;
  let again = false;
  const run = async () => {
    while (again) {
      again = false;
      await work();
    }
  };
  return () => {
    again = true;
    running ??= run().finally(() => (running = null));
    return running;
  };
}
