// An area that is drawn or given, and what lies in it; also the ground of a leakage report. The address has it all.
import { el, getJson } from "./dom.js";
import { FootprintMap } from "./map.js";
import { called, PRECISIONS } from "./shades.js";
import { EDGES } from "./stages.js";

const box = document.getElementById("map");
const legend = document.getElementById("layers");
const status = document.getElementById("placed");
const hidden = new Set();
const layersOf = Object.fromEntries(JSON.parse(box.dataset.words ?? "[]")); // what edges are called here, and all that there are
const words = { ...layersOf, ...JSON.parse(box.dataset.grounds ?? "{}") };

function ask(geometry) {
  const form = document.getElementById("aoi-form");
  document.getElementById("aoi").value = JSON.stringify(geometry);
  form.requestSubmit();
}

/** The address has what is shown; going back restores it. */
function remember() {
  const url = new URL(location.href);
  url.searchParams.delete("hide");
  for (const edge of hidden) url.searchParams.append("hide", edge);
  if (map.chosen === null) url.searchParams.delete("select");
  else url.searchParams.set("select", map.chosen);
  if (url.search !== location.search) history.pushState(null, "", url);
}

function restore() {
  const given = new URLSearchParams(location.search);
  hidden.clear();
  for (const edge of given.getAll("hide")) hidden.add(edge);
  for (const box of legend.querySelectorAll("input")) box.checked = !hidden.has(box.dataset.edge);
  map.hide(hidden);
  say();
  choose(given.get("select"));
}

function choose(dataset) {
  map.choose(dataset);
  for (const row of document.querySelectorAll("tr[data-dataset]")) row.classList.toggle("chosen", dataset !== null && [row.dataset.dataset, row.dataset.other].includes(dataset));
}

function select(dataset) {
  choose(dataset);
  remember();
}
const map = new FootprintMap(box, { onSelect: select, onDraw: ask });

let say = () => {};

/** The legend is the filter: a layer for each edge, and one for what both sides cover. */
function layers(features, edges) {
  const counts = Object.fromEntries(edges.map((edge) => [edge, 0]));
  const order = Object.keys(EDGES);
  for (const { properties } of features.toSorted((a, b) => order.indexOf(a.properties.edge) - order.indexOf(b.properties.edge))) counts[properties.edge] = (counts[properties.edge] ?? 0) + 1;
  const off = () => [...hidden].filter((edge) => counts[edge]);
  const says = el("span", { class: "says", role: "status" });
  say = () => (says.textContent = off().length ? `Not drawn: ${off().map((edge) => words[edge] ?? called(edge)).join(", ")}` : "");
  legend.replaceChildren(
    ...Object.entries(counts).map(([edge, count]) =>
      el("label", { class: "entry" },
        el("input", { type: "checkbox", checked: !hidden.has(edge), "data-edge": edge, onchange: (event) => {
          event.target.checked ? hidden.delete(edge) : hidden.add(edge);
          map.hide(hidden);
          say();
          remember();
        } }),
        el("span", { class: `key s-${edge}`, "aria-hidden": "true" }), words[edge] ?? called(edge), edge === "gap" ? null : el("span", { class: "num" }, count))),
    says);
  say();
}

for (const button of document.querySelectorAll("button[data-draw]")) button.addEventListener("click", () => map.draw(button.dataset.draw));
for (const row of document.querySelectorAll("tr[data-dataset]")) row.querySelector(".place")?.addEventListener("click", () => (select(row.dataset.dataset), box.scrollIntoView({ block: "nearest" })));

if (box.dataset.features) {
  const { features, aoi } = await getJson(box.dataset.features);
  map.show(features, !aoi);
  if (!features.length && "foldable" in box.dataset) box.hidden = legend.hidden = true;
  if (aoi) map.showArea(aoi);
  if (features.length || !document.querySelector("[data-draw]")) layers(features, Object.keys(layersOf));
  restore();
  addEventListener("popstate", restore);
  const looks = [...new Set(features.map((feature) => feature.properties.look))].filter(Boolean);
  status.replaceChildren(...looks.map((name) => el("span", { class: `look l-${name}` }, el("span", { class: "swatch", "aria-hidden": "true" }), PRECISIONS[name] ?? name)));
} else if (box.dataset.areas) {
  const { features } = await getJson("api/footprints", { area: box.dataset.areas });
  map.show(features);
}
box.dataset.ready = "true";
