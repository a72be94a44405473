// Lineage beside the map: what is selected in one is selected in the other, and the address has it all.
import { at, bdi, count, csvOf, el, getJson, link, refill, short, web } from "./dom.js";
import { Graph } from "./graph.js";
import { Lineage, MOST_EDGES, MOST_NODES } from "./lineage.js";
import { FootprintMap } from "./map.js";
import { Rest } from "./rest.js";
import { PRECISIONS } from "./shades.js";
import { look, sample } from "./stages.js";

const box = document.querySelector(".explorer");
const place = (id) => document.getElementById(id);
const lineage = new Lineage({ iri: box.dataset.node, label: box.dataset.label, kind: box.dataset.kind });
lineage.read(new URLSearchParams(location.search));

const graph = new Graph(place("graph"), {
  onSelect: select,
  onMore: (group) => change(() => lineage.showMore(group)),
  onWalk: (iri) => select(iri, true),
  onMeet: (group) => side(group),
  onOpen: (iri) => (location.href = at(iri)),
  onToggle: (iri, way) => iri && change(() => (way ? [way] : ["up", "down"]).forEach((one) => lineage.toggle(iri, one))),
});
const map = new FootprintMap(place("map"), { onSelect: (dataset) => select(dataset ?? lineage.focus.iri) });
map.label = (feature) => lineage.drawn?.nodes.get(feature.get("dataset"))?.label ?? feature.get("dataset");
const rest = new Rest(place("rest"), lineage, change);

// -- what changes ---------------------------------------------------------------------------------------------------

let turn = 0;

/** Change what is shown, and have it in the address: as a step that going back undoes, or (`isStep` false) in its place. */
async function change(how, isStep = true) {
  how?.();
  const mine = ++turn;
  box.setAttribute("aria-busy", "true");
  try {
    const drawn = await lineage.draw();
    if (mine !== turn) return;
    const coming = located(drawn); // asked for while the graph is drawn
    coming.catch(() => {});
    graph.show(drawn, lineage.focus.iri, lineage.chain);
    graph.choose(lineage.selected);
    legend(drawn);
    twin(drawn);
    rest.show(drawn);
    side();
    counted(drawn);
    remember(isStep);
    await coming;
    if (mine === turn) footprints(drawn);
  } catch (error) {
    place("shown").textContent = `This could not be loaded: ${error.message}`;
  } finally {
    if (mine === turn) box.removeAttribute("aria-busy");
  }
}

/** Select a node; walking over several by keys is one step. */
function select(iri, walks = false) {
  lineage.selected = iri;
  graph.choose(iri);
  map.choose(iri === lineage.focus.iri ? null : iri);
  side();
  mark();
  remember(!(walks && history.state?.walks), walks);
}

function remember(isStep, walks = false) {
  const query = lineage.query();
  const to = query ? `?${query}` : location.pathname;
  if (query === location.search.slice(1)) return;
  if (isStep) history.pushState({ walks }, "", to);
  else history.replaceState({ walks }, "", to);
}

addEventListener("popstate", () => {
  if (lineage.query() === location.search.slice(1)) return; // only the place on the page is another
  lineage.read(new URLSearchParams(location.search));
  bar();
  change(null, false);
});

// -- above the panes ------------------------------------------------------------------------------------------------

function bar() {
  const depth = el("select", { id: "depth", onchange: (event) => change(() => reset(Number(event.target.value), lineage.direction)) },
    [0, 1, 2, 3, 4, ...(lineage.depth > 4 ? [lineage.depth] : [])].map((n) => el("option", { value: n, selected: n === lineage.depth }, String(n))));
  const ways = { both: "both ways", up: "came from", down: "came of it" };
  const direction = el("select", { id: "direction", onchange: (event) => change(() => reset(lineage.depth, event.target.value)) },
    Object.entries(ways).map(([value, text]) => el("option", { value, selected: value === lineage.direction }, text)));
  const copied = el("span", { role: "status", class: "note" });
  const copy = el("button", { type: "button", id: "copy", onclick: async () => {
    // Where the page is not served safely there is no clipboard to write to.
    const done = await (navigator.clipboard?.writeText(location.href) ?? Promise.reject()).then(() => true, () => false);
    copied.textContent = done ? "Copied" : "Not copied: take the address above";
  } }, "Copy link");
  refill(place("bar"), el("label", {}, "Depth ", depth), el("label", {}, "Follow ", direction));
  refill(place("acts"),
    copied,
    el("button", { type: "button", onclick: () => (graph.fit(), map.fit(map.source)) }, "Fit"),
    el("button", { type: "button", id: "reset", onclick: () => change(() => { reset(1, "both"); lineage.hidden.clear(); lineage.to = null; lineage.selected = lineage.focus.iri; bar(); }) }, "Reset"),
    copy,
  );
}

function reset(depth, direction) {
  Object.assign(lineage, { depth, direction });
  lineage.open.clear();
  lineage.closed.clear();
  lineage.more.clear();
}

function counted({ nodes, edges, unseen, unmet, capped }) {
  // Those of whom only the number is known may be among the ones that are drawn.
  const parts = [`${nodes.size} of ${unmet ? "at most " : ""}${count(nodes.size + unseen, "node")} shown, ${count(edges.length, "edge")}.`];
  if (capped) parts.push(` No more than ${MOST_NODES} nodes and ${MOST_EDGES} edges are drawn at a time.`);
  if (unseen) parts.push(" ", el("a", { href: "#rest" }, "The rest"));
  place("shown").replaceChildren(...parts);
}

// -- the legend is the filter ---------------------------------------------------------------------------------------

function legend({ sorts, edges: drawn }) {
  const edges = [...new Set([...sorts.keys(), ...lineage.hidden])];
  // A chain is drawn whole, also of edges that are hidden otherwise.
  const left = (edge) => Math.max(0, (sorts.get(edge) ?? 0) - drawn.filter((one) => one.edge === edge).length);
  const off = [...lineage.hidden].filter(left);
  const hidden = off.reduce((sum, edge) => sum + left(edge), 0);
  refill(place("legend"),
    el("span", { class: "entries" }, edges.map((edge) =>
      el("label", { class: "entry" },
        el("input", { type: "checkbox", checked: !lineage.hidden.has(edge), "data-edge": edge, onchange: (event) => change(() => (event.target.checked ? lineage.hidden.delete(edge) : lineage.hidden.add(edge))) }),
        sample(edge), ` ${look(edge).text} `, el("span", { class: "num" }, sorts.get(edge) ?? 0)))),
    el("span", { class: "says", role: "status" }, hidden ? `${count(hidden, "edge")} hidden: ${off.map((edge) => look(edge).text).join(", ")}` : ""),
  );
}

// -- the side panel -------------------------------------------------------------------------------------------------

function sources(step) {
  const found = (step.evidence ?? []).map((one) => (web(one.url) ? el("a", { href: one.url, rel: "noreferrer" }, bdi(short(one.label, 60))) : bdi(short(one.label, 60))));
  const all = found.length ? found : [el("a", { href: at(step.document) }, bdi(short(step.document.split("/").pop(), 60)))];
  return all.flatMap((one, index) => (index ? [", ", one] : [one]));
}

function statement(step) {
  return el("li", {},
    el("p", {}, link(step.subject, step.subject_label), " ", el("span", { class: `stage s-${step.edge}` }, look(step.edge).text), " ", link(step.object, step.object_label)),
    el("p", { class: "note" }, step.note ? [bdi(short(step.note, 240)), " · "] : null, sources(step), step.confidence === "verified" ? null : " · unverified"));
}

/** Tell of what is selected, or of a node that stands for many. */
function side(group = null) {
  const { drawn, selected, focus, chain } = lineage;
  if (group) {
    const said = group.way === "up" ? `${short(group.label, 60)} ${look(group.edge).text}` : `${look(group.edge).text} ${short(group.label, 60)}`;
    return refill(place("side"),
      el("p", { class: "kindline" }, el("span", { class: "kind" }, "group")), el("h2", {}, `${count(group.left, group.kind)} not drawn`), el("p", { class: "note" }, bdi(said)),
      el("div", { class: "acts" }, el("button", { type: "button", id: "some", onclick: () => change(() => lineage.showMore(group)) }, "Draw more of them"), el("a", { class: "button", href: "#rest" }, "List them")));
  }
  const node = drawn?.nodes.get(selected);
  const parts = [];
  if (node) {
    parts.push(el("p", { class: "kindline" }, el("span", { class: `kind k-${node.kind}` }, node.kind)), el("h2", {}, link(node.iri, node.label)));
    const acts = ["up", "down"].filter((way) => node.count[way] > 0).map((way) =>
      el("button", { type: "button", "data-way": way, "aria-expanded": String(node.open[way]), onclick: () => change(() => lineage.toggle(node.iri, way)) },
        `${node.open[way] ? "Hide" : "Show"} ${way === "up" ? "what it came from" : "what came of it"} (${node.count[way]})`));
    if (node.iri !== focus.iri) {
      const on = lineage.to === node.iri;
      acts.push(el("button", { type: "button", id: "why", "aria-pressed": String(on), onclick: () => change(() => (lineage.to = on ? null : node.iri)) }, on ? "Hide the chain" : `Chain to ${short(focus.label, 30)}`));
      acts.push(el("a", { class: "button", href: at(node.iri) }, "Open its page"));
    }
    parts.push(el("div", { class: "acts" }, acts));
    const here = placedOf(node.iri);
    if (here) parts.push(el("p", { class: "note" }, here));
  }
  if (lineage.to) {
    parts.push(el("h3", {}, "The chain that proves it"));
    parts.push(chain ? el("ol", { class: "chain", id: "proof" }, chain.steps.map(statement)) : el("p", {}, "No chain of asserted edges joins the two."));
  } else if (node) {
    const own = drawn.edges.filter((edge) => edge.subject === node.iri || edge.object === node.iri);
    const near = node.iri === focus.iri ? [] : own;
    if (near.length) parts.push(el("h3", {}, "Who says so"), el("ol", { class: "chain" }, near.slice(0, 12).map(statement)));
    if (node.iri === focus.iri) {
      parts.push(el("p", { class: "note" }, "Select a node in the graph, the map or the table for its sources. The figures on a node count what is not drawn: older on its left, newer on its right. Thin lines are unverified; a dashed outline is described by no source."));
    }
  }
  refill(place("side"), ...parts);
}

// -- the table twin -------------------------------------------------------------------------------------------------

const COLUMNS = ["edge", "newer", "newer_iri", "older", "older_iri", "confidence", "document"];
let csvUrl = null;

function twin({ edges }) {
  const rows = edges.map((edge) => ({ edge: edge.edge, newer: edge.subject_label, newer_iri: edge.subject, older: edge.object_label, older_iri: edge.object, confidence: edge.confidence, document: edge.document, step: edge }));
  const pick = (iri, label) => el("button", { type: "button", class: "pick", "data-iri": iri, onclick: () => select(iri) }, bdi(short(label, 90)));
  const table = el("table", { class: "stack" },
    el("thead", {}, el("tr", {}, ["newer", "edge", "older", "said in", "confidence"].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, rows.map((row) => el("tr", { "data-newer": row.newer_iri, "data-older": row.older_iri },
      el("td", { class: "wrap" }, pick(row.newer_iri, row.newer)),
      el("td", {}, el("span", { class: `stage s-${row.edge}` }, sample(row.edge), " ", look(row.edge).text)),
      el("td", { class: "wrap" }, pick(row.older_iri, row.older)),
      el("td", { class: "wrap" }, sources(row.step)),
      el("td", {}, row.confidence)))));
  place("twin").replaceChildren(el("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": "Edges shown" }, table));
  if (csvUrl) URL.revokeObjectURL(csvUrl);
  csvUrl = URL.createObjectURL(csvOf(COLUMNS, rows));
  Object.assign(place("csv"), { href: csvUrl, hidden: false });
  mark();
}

function mark() {
  for (const row of place("twin").querySelectorAll("tr[data-newer]"))
    row.classList.toggle("chosen", lineage.selected !== lineage.focus.iri && [row.dataset.newer, row.dataset.older].includes(lineage.selected));
}

// -- the map --------------------------------------------------------------------------------------------------------

const placed = new Map();
let folded = false;

const isData = (node) => node.kind === "dataset" || node.kind === "archive";

/** Know where the datasets that are drawn are. */
async function located({ nodes }) {
  const missing = [...nodes.values()].filter((node) => isData(node) && !placed.has(node.iri)).map((node) => node.iri);
  const chunks = [];
  for (let from = 0; from < missing.length; from += 30) chunks.push(missing.slice(from, from + 30));
  await Promise.all(chunks.map(async (some) => {
    const found = await getJson("api/footprints", { dataset: some });
    some.forEach((iri) => placed.set(iri, { features: [], ...found.datasets[iri] }));
    for (const feature of found.features) placed.get(feature.properties.dataset).features.push(feature);
  }));
}

function footprints({ nodes, edges }) {
  const data = [...nodes.values()].filter(isData).map((node) => node.iri);
  // One for each stage a dataset was used in: by the node of the page, or for want of that by whoever is drawn.
  const edgesTo = new Map();
  for (const own of [true, false])
    for (const edge of edges)
      if (own ? edge.subject === lineage.focus.iri : !edgesTo.get(edge.object)?.own) {
        const met = edgesTo.get(edge.object) ?? { own, names: new Set() };
        edgesTo.set(edge.object, met);
        met.names.add(edge.edge);
      }
  const features = data.flatMap((iri) => placed.get(iri).features.flatMap((feature) =>
    [...(edgesTo.get(iri)?.names ?? ["derivedFrom"])].map((edge) => ({ ...feature, properties: { ...feature.properties, edge } }))));
  map.show(features);
  map.choose(lineage.selected === lineage.focus.iri && lineage.focus.kind !== "dataset" ? null : lineage.selected);
  // A map with nothing on it is folded, and the panel has its room.
  const bare = !features.length;
  const pane = place("map").parentElement;
  if (pane.classList.toggle("bare", bare) !== folded) {
    folded = bare;
    if (!bare) setTimeout(() => (map.map.updateSize(), map.fit(map.source)));
  }
  const without = data.filter((iri) => !placed.get(iri).features.length);
  const looks = [...new Set(features.map((feature) => feature.properties.look))];
  const left = data.reduce((sum, iri) => sum + (placed.get(iri).left ?? 0), 0);
  place("placed").replaceChildren(
    ...looks.map((name) => el("span", { class: `look l-${name}` }, el("span", { class: "swatch", "aria-hidden": "true" }), PRECISIONS[name] ?? name)),
    el("span", {}, !data.length ? "No dataset is shown." : `${data.length - without.length} of ${data.length} datasets on the map; ${without.length} unbounded or of unknown place.${left ? ` ${left} more areas are not drawn.` : ""}`));
  side();
}

function placedOf(iri) {
  const found = placed.get(iri);
  if (!found) return null;
  if (found.features.length) return `On the map: ${found.features.length} ${found.features.length > 1 ? "areas" : "area"}, ${[...new Set(found.features.map((f) => PRECISIONS[f.properties.look] ?? f.properties.look))].join("; ")}.`;
  return `Not on the map: ${found.reason ?? "no footprint is known"}.`;
}

for (const one of document.querySelectorAll("a[data-to]"))
  one.addEventListener("click", (event) => {
    event.preventDefault();
    change(() => Object.assign(lineage, { to: one.dataset.to, selected: one.dataset.to })).then(() => box.scrollIntoView());
  });

bar();
change(null, false);
