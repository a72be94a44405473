// Elements from plain values: text is always text, and only addresses of the web become links.

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Put other children into an element; the keyboard stays on what is there again, or on the element. */
export function refill(box, ...children) {
  const had = box.contains(document.activeElement) && document.activeElement !== box ? document.activeElement : null;
  const { id, dataset } = had ?? {};
  box.replaceChildren(...children);
  if (!had) return;
  const isSame = (one) => (id ? one.id === id : Object.keys(dataset).length > 0 && Object.entries(dataset).every(([name, value]) => one.dataset[name] === value));
  const again = [...box.querySelectorAll("a, button, input, select")].find(isSame) ?? box;
  if (again === box && !box.hasAttribute("tabindex")) box.tabIndex = -1;
  again.focus({ preventScroll: true });
}

export const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

export const bdi = (text) => el("bdi", {}, text);

export function short(text, most = 80) {
  const said = String(text);
  return said.length > most ? `${said.slice(0, most - 1)}…` : said;
}

export function web(address) {
  return /^https?:\/\//i.test(address ?? "") ? address : null;
}

export const root = document.body.dataset.root;
export const base = document.body.dataset.base;

/** Where a node's page is. */
export function at(iri) {
  if (base && iri.startsWith(base) && !/[#?]/.test(iri)) return root + iri.slice(base.length);
  return `${root}nodes/${encodeURIComponent(iri)}`;
}

export const link = (iri, label) => el("a", { href: at(iri) }, bdi(short(label)));

export async function getJson(path, query = {}) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== null) given.append(name, one);
  const answer = await fetch(`${root}${path}${given.size ? `?${given}` : ""}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.reason ?? `${path}: ${answer.status}`);
  }
  return answer.json();
}

/** A file of rows, for spreadsheets; what would run as a formula there is quoted. */
export function csvOf(columns, rows) {
  const cell = (value) => {
    let text = String(value ?? "");
    if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
  return new Blob([lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n"], { type: "text/csv" });
}
