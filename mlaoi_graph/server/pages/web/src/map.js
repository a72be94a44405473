// Footprints on a map of longitude and latitude, where the catalog's straight edges are straight.
import "ol/ol.css";
import Map from "ol/Map.js";
import View from "ol/View.js";
import GeoJSON from "ol/format/GeoJSON.js";
import WKT from "ol/format/WKT.js";
import Draw, { createBox } from "ol/interaction/Draw.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import { defaults } from "ol/control/defaults.js";
import { Circle, Fill, Stroke, Style } from "ol/style.js";
import { root } from "./dom.js";
import { colour, ink, onTheme } from "./stages.js";

const geojson = new GeoJSON();
export const PRECISIONS = {
  samples: "samples, one by one",
  "declared-box": "box the publisher declares",
  region: "region, outlined by us",
  "country-list": "countries named, an upper bound",
  inherited: "somewhere in the whole it is part of",
};

function faint(hex, alpha) {
  return hex + Math.round(alpha * 255).toString(16).padStart(2, "0");
}

function hatch(hex) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const draw = canvas.getContext("2d");
  draw.strokeStyle = faint(hex, 0.55);
  draw.lineWidth = 1;
  draw.beginPath();
  for (const shift of [-8, 0, 8]) {
    draw.moveTo(shift, 8);
    draw.lineTo(shift + 8, 0);
  }
  draw.stroke();
  return draw.createPattern(canvas, "repeat");
}

function styled(edge, precision, chosen, faded) {
  const hex = edge === "overlap" ? (ink("overlap") || "#d1007a") : colour(edge);
  const width = (chosen ? 2 : 0) + 1.4;
  const line = { samples: undefined, region: [8, 4], "country-list": [2, 3], inherited: [10, 4, 2, 4] }[precision];
  const fill =
    precision === "country-list" ? hatch(hex) : precision === "inherited" ? faint(hex, 0.04) : faint(hex, precision === "samples" ? 0.5 : edge === "overlap" ? 0.6 : 0.12);
  const alpha = faded ? 0.25 : 1;
  const stroke = new Stroke({ color: faint(hex, alpha), width, lineDash: line });
  return new Style({
    stroke,
    fill: new Fill({ color: faded ? faint(hex, 0.03) : fill }),
    image: new Circle({ radius: chosen ? 6 : 4, fill: new Fill({ color: faint(hex, 0.7 * alpha) }), stroke }),
    zIndex: (chosen ? 100 : 0) + ({ "country-list": 0, inherited: 1, region: 2, "declared-box": 3, samples: 4 }[precision] ?? 3) + (edge === "overlap" ? 50 : 0),
  });
}

export class FootprintMap {
  constructor(box, { onSelect = () => {}, onDraw = null } = {}) {
    this.styles = new globalThis.Map();
    this.source = new VectorSource();
    this.areaSource = new VectorSource();
    this.land = new VectorLayer({ source: new VectorSource({ url: `${root}countries.json`, format: geojson }), style: () => this.landStyle() });
    this.layer = new VectorLayer({ source: this.source, style: (feature) => this.style(feature) });
    const asked = new VectorLayer({ source: this.areaSource, style: () => this.askedStyle() });
    this.chosen = null;
    this.map = new Map({
      target: box,
      layers: [this.land, this.layer, asked],
      controls: defaults({ attribution: false, rotate: false }),
      view: new View({ projection: "EPSG:4326", center: [10, 15], zoom: 1, multiWorld: true, minZoom: 0, maxZoom: 18 }),
    });
    box.tabIndex = 0;
    box.footprints = this; // what is drawn, for whoever looks from outside
    this.map.on("click", (event) => {
      if (this.drawing) return;
      // Footprints lie on top of each other: another click takes the next.
      const met = this.map.getFeaturesAtPixel(event.pixel, { layerFilter: (layer) => layer === this.layer, hitTolerance: 4 });
      const datasets = [...new Set(met.map((feature) => feature.get("dataset")))];
      onSelect(datasets.length ? datasets[(datasets.indexOf(this.chosen) + 1) % datasets.length] : null);
    });
    this.map.on("pointermove", (event) => {
      if (event.dragging) return;
      const over = this.map.hasFeatureAtPixel(event.pixel, { layerFilter: (layer) => layer === this.layer });
      box.classList.toggle("over", over);
    });
    onTheme(() => {
      this.styles.clear();
      this.land.changed();
      this.layer.changed();
      asked.changed();
    });
    this.onDraw = onDraw;
    this.everything();
  }

  landStyle() {
    return new Style({ fill: new Fill({ color: ink("land") }), stroke: new Stroke({ color: ink("border"), width: 0.8 }) });
  }

  askedStyle() {
    return new Style({ stroke: new Stroke({ color: ink("ink"), width: 2.5, lineDash: [7, 4] }), fill: new Fill({ color: faint("#888888", 0.08) }), image: new Circle({ radius: 6, stroke: new Stroke({ color: ink("ink"), width: 2.5 }) }) });
  }

  style(feature) {
    const { edge, look, dataset } = feature.getProperties();
    const chosen = this.chosen !== null && dataset === this.chosen;
    const faded = this.chosen !== null && !chosen && this.has;
    const at = `${edge}|${look}|${chosen}|${faded}`;
    if (!this.styles.has(at)) this.styles.set(at, styled(edge, look, chosen, faded));
    return this.styles.get(at);
  }

  /** Draw features: GeoJSON with dataset, edge and look in their properties. */
  show(features, fit = true) {
    this.source.clear(true);
    this.source.addFeatures(geojson.readFeatures({ type: "FeatureCollection", features }));
    this.choose(this.chosen);
    if (fit) this.fit(this.source);
  }

  showArea(geometry) {
    this.areaSource.clear(true);
    if (geometry) this.areaSource.addFeatures(geojson.readFeatures({ type: "Feature", geometry, properties: {} }));
    this.fit(this.areaSource);
  }

  showWkt(texts) {
    const wkt = new WKT();
    const features = texts.flatMap((text) => {
      try {
        return [wkt.readFeature(text.replace(/^\s*<[^>]*>\s*/, ""))];
      } catch {
        return [];
      }
    });
    features.forEach((feature) => feature.setProperties({ edge: "pretrainedOn", look: "declared-box" }));
    this.source.clear(true);
    this.source.addFeatures(features);
    this.fit(this.source);
    return features.length;
  }

  choose(dataset) {
    this.chosen = dataset;
    this.has = dataset !== null && this.source.getFeatures().some((feature) => feature.get("dataset") === dataset);
    this.layer.changed();
  }

  everything() {
    this.map.updateSize();
    this.map.getView().fit([-180, -62, 180, 84], { size: this.map.getSize() });
  }

  fit(source) {
    const boxes = source.getFeatures().flatMap((feature) => {
      const geometry = feature.getGeometry();
      const parts = geometry.getPolygons?.() ?? [geometry];
      return parts.map((part) => part.getExtent());
    }).filter((box) => box.every(Number.isFinite));
    if (!boxes.length) return this.everything();
    const around = (some) => some.reduce((all, box) => [Math.min(all[0], box[0]), Math.min(all[1], box[1]), Math.max(all[2], box[2]), Math.max(all[3], box[3])]);
    let extent = around(boxes);
    // What lies across the antimeridian is cut there, and narrower when looked at from the other side.
    const shifted = around(boxes.map((box) => (box[2] <= 0 ? [box[0] + 360, box[1], box[2] + 360, box[3]] : box)));
    if (shifted[2] - shifted[0] < extent[2] - extent[0]) extent = shifted;
    this.map.updateSize();
    this.map.getView().fit(extent, { padding: [28, 28, 28, 28], maxZoom: 9 });
  }

  draw(kind) {
    this.stop();
    this.areaSource.clear(true);
    this.drawing = new Draw({ source: this.areaSource, type: kind === "box" ? "Circle" : "Polygon", geometryFunction: kind === "box" ? createBox() : undefined });
    this.drawing.on("drawend", ({ feature }) => {
      const geometry = geojson.writeGeometryObject(feature.getGeometry(), { decimals: 5 });
      setTimeout(() => this.stop());
      this.onDraw?.(geometry);
    });
    this.map.addInteraction(this.drawing);
  }

  stop() {
    if (this.drawing) this.map.removeInteraction(this.drawing);
    this.drawing = null;
  }
}
