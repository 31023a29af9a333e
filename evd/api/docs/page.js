// Shows /openapi.json. Every text of it goes into the page as text, never as HTML.

const METHODS = ["get", "head", "post", "put", "patch", "delete"];

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
};

/** Text in which what stands between backticks is code. */
const prose = (text) =>
  text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));

/** What a reference names, else the schema itself. */
const resolved = (api, schema) =>
  schema?.$ref ? (api.components.schemas[schema.$ref.split("/").pop()] ?? schema) : schema;

const quoted = (value) => JSON.stringify(value);

/** A JSON Schema in a few words: `integer, 1 to 1000`. */
const typeText = (api, schema) => {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map((one) => typeText(api, one)).join(" or ");
  if (schema.enum) return schema.enum.map(quoted).join(", ");
  if (schema.type === "array") return `list of ${typeText(api, schema.items) || "anything"}`;
  const bounds = [];
  if (schema.minimum !== undefined) bounds.push(`from ${schema.minimum}`);
  if (schema.exclusiveMinimum !== undefined) bounds.push(`above ${schema.exclusiveMinimum}`);
  if (schema.maximum !== undefined) bounds.push(`to ${schema.maximum}`);
  if (schema.minLength !== undefined) bounds.push(`at least ${schema.minLength} characters`);
  if (schema.maxLength !== undefined) bounds.push(`at most ${schema.maxLength} characters`);
  if (schema.maxItems !== undefined) bounds.push(`at most ${schema.maxItems} items`);
  const types = [schema.type ?? "anything"].flat().join(" or ");
  return [types, ...bounds].join(", ");
};

const row = (name, type, text) =>
  element("tr", {},
    element("td", {}, element("code", {}, name)),
    element("td", {}, element("span", { class: "type" }, type), text ? element("br") : null, ...prose(text ?? "")));

const table = (rows) => element("table", {}, element("tbody", {}, ...rows));

/** The members of an object, or of the objects in a list; null if the type says nothing of them. */
const memberTable = (api, schema) => {
  let object = resolved(api, schema);
  if (object?.anyOf) object = resolved(api, object.anyOf.find((one) => one.$ref) ?? object);
  if (object?.type === "array") object = resolved(api, object.items);
  if (!object?.properties) return null;
  const required = new Set(object.required ?? []);
  return table(Object.entries(object.properties).map(([name, member]) => {
    const fallback = member.default === undefined || required.has(name) ? "" : `, else ${quoted(member.default)}`;
    return row(required.has(name) ? name : `${name}?`, typeText(api, member) + fallback, member.description);
  }));
};

const example = (content) => {
  if (content?.example === undefined) return null;
  const text = typeof content.example === "string" ? content.example : JSON.stringify(content.example, null, 2);
  return element("pre", {}, text);
};

const section = (title, ...children) => {
  const shown = children.filter((child) => child !== null);
  return shown.length ? [element("h3", {}, title), ...shown] : [];
};

const parameters = (api, operation) => {
  const rows = (operation.parameters ?? []).map((one) => {
    const fallback = one.schema.default === undefined ? "" : `, else ${quoted(one.schema.default)}`;
    const name = one.required ? one.name : `${one.name}?`;
    return row(name, `${one.in}: ${typeText(api, one.schema)}${fallback}`, one.description);
  });
  return rows.length ? section("Parameters", table(rows)) : [];
};

const requestBody = (api, operation) => {
  if (!operation.requestBody) return [];
  const media = Object.entries(operation.requestBody.content);
  const [, content] = media[0];
  return section(
    `Body: ${media.map(([name]) => name).join(" or ")}, ${typeText(api, content.schema)}`,
    memberTable(api, content.schema), example(content));
};

const answers = (api, operation) => {
  const shown = [];
  const errors = [];
  for (const [status, answer] of Object.entries(operation.responses)) {
    const [media, content] = Object.entries(answer.content ?? {})[0] ?? ["", null];
    if (Number(status) >= 400) {
      errors.push(row(status, media, answer.description));
      continue;
    }
    const headers = Object.entries(answer.headers ?? {}).map(([name, one]) => row(name, "header", one.description));
    const type = content ? `: ${media}, ${typeText(api, content.schema)}` : "";
    shown.push(element("h3", {}, `${status} ${answer.description}${type}`));
    shown.push(content ? memberTable(api, content.schema) : null, example(content));
    shown.push(headers.length ? table(headers) : null);
  }
  return [...shown.filter((one) => one !== null), ...(errors.length ? section("Errors", table(errors)) : [])];
};

const access = (operation) => {
  if (!operation.security.length) return "Everyone may ask this.";
  const ways = operation.security.map((way) =>
    Object.entries(way).map(([scheme, roles]) => [scheme, ...roles].join(" ")).join(" with "));
  return `Who asks: ${ways.join(", or ")}. Scope of an access token: ${operation["x-scope"]}.`;
};

const shownOperation = (api, path, method, operation) => {
  const details = element("details", { class: "operation", id: operation.operationId },
    element("summary", {},
      element("span", { class: `method ${method}` }, method.toUpperCase()),
      element("span", { class: "path" }, path),
      element("span", { class: "said" }, ...prose(operation.summary))));
  // What a closed operation has is made when it is opened: there are many.
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector(".body")) return;
    details.append(element("div", { class: "body" },
      ...(operation.description ? [...operation.description.split("\n\n").map((part) => element("p", {}, ...prose(part)))] : []),
      element("p", { class: "quiet" }, access(operation)),
      ...parameters(api, operation), ...requestBody(api, operation), ...answers(api, operation)));
  });
  const words = [path, method, operation.summary, operation.description, operation.operationId, operation.tags[0],
    ...(operation.parameters ?? []).map((one) => one.name)];
  return { details, text: words.join(" ").toLowerCase() };
};

const operationsOf = (api) => Object.entries(api.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })));

const show = (api) => {
  document.getElementById("version").textContent = `${api.info.version}, OpenAPI ${api.openapi}`;
  const known = operationsOf(api);
  const groups = api.tags.map((tag) => {
    const shown = known.filter(({ operation }) => operation.tags[0] === tag.name)
      .map(({ path, method, operation }) => shownOperation(api, path, method, operation));
    const link = element("a", { href: `#subject-${tag.name}` }, tag.name);
    const place = element("section", { id: `subject-${tag.name}` },
      element("h2", {}, tag.name), element("p", {}, ...prose(tag.description)), ...shown.map(({ details }) => details));
    return { link, place, shown };
  });
  document.getElementById("subjects").replaceChildren(...groups.map(({ link }) => link));
  const nothing = element("p", { hidden: "" }, "Nothing has all of these words.");
  document.getElementById("operations").replaceChildren(...groups.map(({ place }) => place), nothing);
  return { groups, nothing };
};

const search = ({ groups, nothing }, wanted) => {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const { link, place, shown } of groups) {
    let here = 0;
    for (const { details, text } of shown) {
      details.hidden = !words.every((word) => text.includes(word));
      here += details.hidden ? 0 : 1;
    }
    place.hidden = link.hidden = here === 0;
    found += here;
  }
  nothing.hidden = found > 0;
};

const openNamed = () => {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView();
  }
};

const begin = async () => {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`/openapi.json answered ${answer.status}`);
  const page = show(await answer.json());
  const field = document.getElementById("search");
  field.addEventListener("input", () => search(page, field.value));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
    }
  });
  addEventListener("hashchange", openNamed);
  openNamed();
};

begin().catch((error) => {
  document.getElementById("operations").replaceChildren(element("p", {}, `The API could not be shown: ${error.message}`));
});
