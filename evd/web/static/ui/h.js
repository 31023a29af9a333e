// Elements from values: the only way in which a page makes any. No text is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `attrs`: `on…` are listeners, `class`, `dataset`, `style` (properties by name, set one by one, which the
 * content security policy allows), true and false for attributes without a value; null and undefined leave one out.
 * Children are nodes, texts, numbers or lists of them; null and false are left out.
 */
export function h(tag, attrs = {}, ...children) {
  return filled(document.createElement(tag), attrs, children);
}

/** As `h`, for SVG. */
export function svg(tag, attrs = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attrs, children);
}

function filled(element, attrs, children) {
  for (const [name, value] of Object.entries(attrs || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child instanceof Node) element.append(child);
    else if (child !== null && child !== undefined && child !== false) element.append(String(child));
  }
}

/** Set an element's text only if it is another one, so that nothing flickers and no selection is lost. */
export function replaceText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const styles = new Map();

/** Load a style of static/ once, as `pages/vehicle.css`; resolves when it holds. */
export function style(name) {
  if (!styles.has(name)) {
    styles.set(
      name,
      new Promise((resolve) => {
        if (document.querySelector("style[data-of]")?.dataset.of.split(" ").includes(name)) return resolve();
        const href = `${document.documentElement.dataset.assets}/${name}`;
        document.head.append(h("link", { rel: "stylesheet", href, onload: resolve, onerror: resolve }));
      }),
    );
  }
  return styles.get(name);
}
