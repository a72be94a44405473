// An area that is drawn or given, and what lies in it.
import { el, getJson, root } from "./dom.js";
import { FootprintMap, PRECISIONS } from "./map.js";

const box = document.getElementById("map");
const status = document.getElementById("placed");

function ask(geometry) {
  const form = document.getElementById("aoi-form");
  document.getElementById("aoi").value = JSON.stringify(geometry);
  form.requestSubmit();
}

const select = (dataset) => {
  map.choose(dataset);
  for (const row of document.querySelectorAll("tr[data-dataset]")) row.classList.toggle("chosen", row.dataset.dataset === dataset);
};
const map = new FootprintMap(box, { onDraw: ask, onSelect: select });

for (const button of document.querySelectorAll("button[data-draw]")) button.addEventListener("click", () => map.draw(button.dataset.draw));
for (const row of document.querySelectorAll("tr[data-dataset]")) row.querySelector("button")?.addEventListener("click", () => select(row.dataset.dataset));

if (box.dataset.features) {
  const { features, aoi } = await getJson(box.dataset.features);
  map.show(features, !aoi);
  if (aoi) map.showArea(aoi);
  if (status) {
    const looks = [...new Set(features.map((feature) => feature.properties.look))].filter(Boolean);
    status.replaceChildren(...looks.map((name) => el("span", { class: `look l-${name}` }, el("span", { class: "swatch", "aria-hidden": "true" }), PRECISIONS[name] ?? name)), `${features.length} footprints`);
  }
} else if (box.dataset.areas) {
  const { features } = await getJson("api/footprints", { area: box.dataset.areas });
  map.show(features);
}
box.dataset.ready = "true";
