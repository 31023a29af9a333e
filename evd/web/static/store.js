// What this browser remembers: small choices, by name. A browser that keeps nothing has the defaults.

export function remembered(name, otherwise) {
  try {
    const text = localStorage.getItem(`evd.${name}`);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(`evd.${name}`, JSON.stringify(value));
  } catch {
    // Private windows may keep nothing.
  }
}
