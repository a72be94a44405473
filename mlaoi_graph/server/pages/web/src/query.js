// SPARQL: an editor whose endpoint is this server, with the questions a lineage catalog answers.
import "@zazuko/yasgui/build/yasgui.min.css";
import "./editor.css";
import Yasgui from "@zazuko/yasgui";
import { at, base, bdi, el, short } from "./dom.js";
import { FootprintMap } from "./map.js";

// The table as yasgui has it, but for its cells: a value is text and never markup, and a node's page is on this server.
class Table extends Yasgui.Yasr.plugins.table {
  getCellContent({ type, value, datatype, "xml:lang": language }, prefixes) {
    const known = Object.entries(prefixes ?? {}).find(([, iri]) => value.startsWith(iri));
    const said = base && value.startsWith(base) ? value.slice(base.length) : known ? `${known[0]}:${value.slice(known[1].length)}` : value;
    const after = language ? `@${language}` : datatype ? `^^${datatype.split(/[#/]/).pop()}` : null;
    const cell = type === "uri" ? el("a", { class: "iri", href: at(value), title: value }, said) : el("span", { class: "nonIri" }, bdi(value), after && !this.persistentConfig.compact ? el("sup", {}, after) : null);
    return el("div", {}, cell).outerHTML;
  }

  getColumns() {
    const plain = (render) => (cell, way, row, meta) => (cell?.type && (!way || way === "filter" || way === "sort") ? el("b", {}, cell.value).innerHTML : render(cell, way, row, meta));
    return super.getColumns().map((column) => ({ ...column, render: plain(column.render) }));
  }
}

/** What is wrong with a query and where, instead of the answer's JSON; the place is marked in the editor. */
class Refused extends Yasgui.Yasr.plugins.error {
  async draw() {
    const error = this.yasr.results?.getError();
    let said = {};
    try {
      said = JSON.parse(error.text);
    } catch {
      return super.draw();
    }
    const editor = yasgui.getTab().getYasqe();
    const act = said.line && el("button", { type: "button", onclick: () => (editor.focus(), editor.setCursor(said.line - 1, said.column - 1)) }, `Go to line ${said.line}, column ${said.column}`);
    this.yasr.resultsEl.append(el("div", { class: "refused", role: "alert" }, el("p", {}, bdi(said.reason)), act));
  }
}
Yasgui.Yasr.registerPlugin("table", Table);
Yasgui.Yasr.registerPlugin("error", Refused);

const { examples, prefixes, query } = JSON.parse(document.getElementById("page-data").textContent);
const box = document.getElementById("yasgui");
const endpoint = new URL(box.dataset.endpoint, location.href).href;
const complete = (text) => {
  const used = Object.entries(prefixes).filter(([name]) => new RegExp(`\\b${name}:`).test(text) && !new RegExp(`PREFIX\\s+${name}:`, "i").test(text));
  return `${used.map(([name, iri]) => `PREFIX ${name}: <${iri}>`).join("\n")}${used.length ? "\n" : ""}${text}`;
};
const first = query || `SELECT ?model ?label ?data WHERE {\n  ?model mlaoi:exposedTo ?data ; rdfs:label ?label .\n}\nLIMIT 50`;

const yasgui = new Yasgui(box, {
  requestConfig: { endpoint, method: "POST" },
  copyEndpointOnNewTab: false,
  endpointCatalogueOptions: { getData: () => [] },
  yasqe: { value: complete(first), persistenceId: null, createShareableLink: null },
  persistenceId: null,
  populateFromUrl: false, // done below
  autofocus: false,
});
const tab = yasgui.getTab() ?? yasgui.addTab(true);
tab.setEndpoint(endpoint);
tab.setQuery(complete(first));
if (query) tab.query().catch(() => {}); // a link to a query is one to its rows; what fails is shown

// A question takes the place of what was there, and gives it back.
const undo = document.getElementById("undo");
const undone = document.getElementById("undone");
const asks = document.getElementById("example");
let before = null;
asks.addEventListener("change", (event) => {
  const example = examples[Number(event.target.value)];
  if (!event.target.value || !example) return;
  before ??= yasgui.getTab().getQuery();
  yasgui.getTab().setQuery(complete(example.query));
  undo.hidden = false;
  undone.textContent = "";
});
const asked = () => new URLSearchParams(location.search).get("query"); // and run

/** The choice of questions says which one is in the editor. */
function named() {
  const at = examples.findIndex((example) => complete(example.query) === yasgui.getTab().getQuery());
  asks.value = at < 0 ? "" : String(at);
  // As the server has it: the first line that is not one of prefixes.
  const said = asked() && asked().split("\n").map((line) => line.trim()).find((line) => line && !/^(PREFIX|BASE)\b/i.test(line));
  document.title = `${said ? `${short(said.replace(/^[# ]+/, ""), 70)}: SPARQL` : "SPARQL"} · mlaoi-graph`;
}
named();
undo.addEventListener("click", () => {
  yasgui.getTab().setQuery(before);
  before = null;
  undo.hidden = true;
  undone.textContent = "As it was before the question.";
  named();
  asks.focus();
});

let map = null;
function geometries(results) {
  const bindings = results?.results?.bindings ?? [];
  const isShape = (cell) => cell.datatype?.endsWith("#wktLiteral");
  return bindings.flatMap((row, index) => {
    const others = Object.values(row).filter((cell) => !isShape(cell)).map(({ value }) => (base && value.startsWith(base) ? value.slice(base.length) : value));
    return Object.values(row).filter(isShape).map(({ value }) => ({ text: value, row: index + 1, label: `${index + 1}. ${others.join(" · ")}` }));
  });
}
/** Select a shape and the row it is of, if that is on this page of the table. */
function choose(row) {
  map.choose(row);
  for (const line of document.querySelectorAll(".yasr table tbody tr")) {
    const isIt = line.querySelector("td")?.textContent.trim() === row;
    line.classList.toggle("chosen", isIt);
    if (isIt) line.scrollIntoView({ block: "nearest" });
  }
}
// A row selects its shape, too.
document.addEventListener("click", ({ target }) => {
  const row = target.closest?.(".yasr table tbody tr");
  if (row && map && !target.closest("a")) choose(row.querySelector("td")?.textContent.trim() ?? null);
});
const here = () => {
  const { yasr } = yasgui.getTab() ?? {};
  const found = yasr?.results?.getAsJson?.();
  const shapes = found ? geometries(found) : [];
  const place = document.getElementById("result-map");
  place.hidden = !shapes.length;
  yasr?.rootEl.before(place, document.getElementById("not-drawn")); // beside what it is of, above the table
  if (!shapes.length) return;
  map ??= new FootprintMap(place, { onSelect: choose });
  const left = map.showWkt(shapes);
  place.title = left ? `${left} of ${shapes.length} are in another coordinate system, or cannot be read, and are not drawn` : "";
  document.getElementById("not-drawn").textContent = place.title;
};
yasgui.on("queryResponse", () => setTimeout(here));

// The address has the query that was run; going back brings the one before, and its rows.
yasgui.on("query", () => {
  const url = new URL(location.href);
  const text = yasgui.getTab().getQuery();
  if (text !== asked()) {
    url.searchParams.set("query", text);
    history.pushState(null, "", url);
  }
  named();
});
addEventListener("popstate", () => {
  const shown = yasgui.getTab();
  const text = asked();
  shown.setQuery(text ?? complete(first));
  before = null;
  undo.hidden = true;
  named();
  if (text) return shown.query().catch(() => {});
  // Nothing was asked there: no rows of another query are left below it.
  shown.yasqe?.abortQuery();
  shown.yasr.results = undefined;
  shown.yasr.resultsEl.replaceChildren();
  shown.yasr.headerEl?.replaceChildren?.();
  here();
});
