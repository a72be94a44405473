// Footprints on a map of longitude and latitude, where the catalog's straight edges are straight.
import "ol/ol.css";
import Map from "ol/Map.js";
import View from "ol/View.js";
import { defaults } from "ol/control/defaults.js";
import { platformModifierKeyOnly } from "ol/events/condition.js";
import { buffer, getArea, getWidth } from "ol/extent.js";
import GeoJSON from "ol/format/GeoJSON.js";
import WKT from "ol/format/WKT.js";
import Draw, { createBox } from "ol/interaction/Draw.js";
import MouseWheelZoom from "ol/interaction/MouseWheelZoom.js";
import MultiLineString from "ol/geom/MultiLineString.js";
import { defaults as interactions } from "ol/interaction/defaults.js";
import VectorLayer from "ol/layer/Vector.js";
import VectorSource from "ol/source/Vector.js";
import { bdi, el, root, short } from "./dom.js";
import { askedStyles, called, isGround, landStyle, PRECISIONS, RESULT, styled, withoutSeam } from "./shades.js";
import { onTheme } from "./stages.js";

const geojson = new GeoJSON();
const SURE = Object.keys(PRECISIONS); // from what is known best
const LISTED = 200;
const SMALL = 20; // pixels below which dashes are a blob
const REACH = 4; // pixels around a click

/** The outlines of polygons but for where they lie on the antimeridian; "whole" if none does. */
function openLines(geometry) {
  const [west, , east] = geometry.getExtent();
  const polygons = geometry.getPolygons?.() ?? (geometry.getLinearRings ? [geometry] : []);
  if (!polygons.length || (west > -180 && east < 180)) return "whole";
  const lines = [];
  for (const ring of polygons.flatMap((polygon) => polygon.getCoordinates())) {
    let line = [ring[0]];
    for (let at = 1; at < ring.length; at += 1) {
      const isSeam = Math.abs(ring[at][0]) === 180 && ring[at][0] === ring[at - 1][0];
      if (!isSeam) line.push(ring[at]);
      if (isSeam || at === ring.length - 1) {
        if (line.length > 1) lines.push(line);
        line = [ring[at]];
      }
    }
  }
  return new MultiLineString(lines);
}

export class FootprintMap {
  constructor(box, { onSelect = () => {}, onDraw = null } = {}) {
    this.box = box;
    this.onSelect = onSelect;
    this.onDraw = onDraw;
    this.chosen = null;
    this.hidden = new Set(); // edges that are not drawn
    this.styles = new globalThis.Map();
    this.label = (feature) => feature.get("label") ?? feature.get("dataset");
    this.source = new VectorSource();
    this.shared = new VectorSource();
    this.areaSource = new VectorSource();
    const land = new VectorLayer({ source: new VectorSource({ url: `${root}countries.json`, format: geojson }), style: () => this.once("land", landStyle) });
    // What is large lies below what is small, so that nothing is hidden by what is around it.
    this.layer = new VectorLayer({ source: this.source, style: (feature, resolution) => this.drawn(feature, resolution), renderOrder: (a, b) => b.size - a.size || a.turn - b.turn });
    this.overlap = new VectorLayer({ source: this.shared, style: (feature) => this.drawn(feature) });
    const asked = new VectorLayer({ source: this.areaSource, style: (feature) => this.once("asked", askedStyles).flatMap((one) => this.lined(feature, one)) });
    this.map = new Map({
      target: box,
      layers: [land, asked, this.overlap, this.layer], // outlines stay visible on the ground both cover
      // The wheel moves the page; with Ctrl it zooms here.
      interactions: interactions({ mouseWheelZoom: false }).extend([new MouseWheelZoom({ condition: platformModifierKeyOnly })]),
      controls: defaults({ attribution: false, rotate: false }),
      view: new View({ projection: "EPSG:4326", center: [10, 15], zoom: 1, multiWorld: true, minZoom: 0, maxZoom: 18 }),
    });
    box.tabIndex = 0;
    box.footprints = this; // what is drawn, for whoever looks from outside
    this.list = el("div", { class: "under", role: "region", "aria-label": "Footprints here", hidden: true });
    this.opener = el("button", { type: "button", class: "lister", "aria-label": "List the footprints in view", onclick: () => this.listView() }, "List");
    box.append(this.opener, this.list);
    this.map.on("click", ({ coordinate }) => this.drawing || this.pick(coordinate));
    this.map.on("pointermove", ({ coordinate, dragging }) => dragging || box.classList.toggle("over", this.within(this.around(coordinate), true).length > 0));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target === box) this.listView();
      else if (event.key === "Escape" && this.drawing) this.stop();
      else if (event.key === "Escape" && !this.list.hidden) this.close(), box.focus();
      else return;
      event.preventDefault();
    });
    onTheme(() => {
      this.styles.clear();
      for (const layer of this.map.getLayers().getArray()) layer.changed();
    });
    this.everything();
  }

  // -- looks ----------------------------------------------------------------------------------------------------

  once(name, make) {
    if (!this.styles.has(name)) this.styles.set(name, make());
    return this.styles.get(name);
  }

  style(feature, resolution) {
    const edge = feature.get("edge");
    const chosen = this.chosen !== null && feature.get("dataset") === this.chosen;
    const small = feature.span / resolution < SMALL * (chosen ? 4 : 1); // a thick line has long dashes
    if (this.hidden.has(edge) || !(feature.turn >= 0 || chosen)) return null;
    const faded = this.has && !chosen;
    const turn = chosen ? 0 : feature.turn;
    const turns = chosen ? 1 : feature.turns;
    const kind = feature.get("look");
    return this.once(`${edge}|${kind}|${chosen}|${faded}|${turn}|${turns}|${small}`, () => styled(edge, kind, { chosen, faded, turn, turns, small }));
  }

  drawn(feature, resolution) {
    const style = this.style(feature, resolution);
    return style && this.lined(feature, style);
  }

  /** A look without the line where a geometry is cut at the antimeridian: it goes on there. */
  lined(feature, style) {
    feature.open ??= openLines(feature.getGeometry());
    return feature.open === "whole" ? style : withoutSeam(style, feature.open);
  }

  /** Where edges have the very same outline, each draws its band of it, and a second of one edge draws nothing. */
  takeTurns() {
    const places = new globalThis.Map();
    for (const feature of this.source.getFeatures()) {
      const edge = feature.get("edge");
      if (this.hidden.has(edge)) continue;
      const here = places.get(feature.place);
      if (!here) places.set(feature.place, { edges: [edge], features: [feature] });
      else {
        here.features.push(feature);
        if (!here.edges.includes(edge)) here.edges.push(edge);
      }
    }
    const rank = (feature) => SURE.indexOf(feature.get("look"));
    for (const { edges, features } of places.values()) {
      const drawn = new Set();
      features.sort((a, b) => rank(a) - rank(b));
      for (const feature of features) {
        const edge = feature.get("edge");
        feature.turn = drawn.has(edge) ? -1 : edges.indexOf(edge);
        feature.turns = edges.length;
        drawn.add(edge);
      }
    }
  }

  // -- what is shown --------------------------------------------------------------------------------------------

  /** Draw features: GeoJSON with dataset, edge and look in their properties. */
  show(features, fit = true) {
    const own = [];
    const shared = [];
    for (const feature of geojson.readFeatures({ type: "FeatureCollection", features })) {
      const geometry = feature.getGeometry();
      const extent = geometry.getExtent();
      feature.size = getArea(extent);
      feature.span = Math.max(...(geometry.getPolygons?.() ?? [geometry]).map((part) => getWidth(part.getExtent())));
      feature.place = `${geometry.getType()} ${extent} ${geometry.getFlatCoordinates().length}`;
      feature.turn = 0;
      feature.turns = 1;
      (isGround(feature.get("edge")) ? shared : own).push(feature);
    }
    this.close();
    this.source.clear(true);
    this.source.addFeatures(own);
    this.shared.clear(true);
    this.shared.addFeatures(shared);
    this.takeTurns();
    this.choose(this.chosen);
    this.opener.hidden = !features.length;
    if (fit) this.fit(this.source);
  }

  /** Draw no feature of these edges. */
  hide(edges) {
    this.hidden = new Set(edges);
    this.takeTurns();
    this.close();
    this.layer.changed();
    this.overlap.changed();
  }

  showArea(geometry) {
    this.areaSource.clear(true);
    if (geometry) this.areaSource.addFeatures(geojson.readFeatures({ type: "Feature", geometry, properties: {} }));
    this.fit(this.areaSource);
  }

  /** Draw geometries of a query's result, those in longitude and latitude; returns how many are not. */
  showWkt(shapes) {
    const wkt = new WKT();
    let foreign = 0;
    const features = shapes.flatMap(({ text, row, label }) => {
      const [, system] = text.match(/^\s*<([^>]*)>/) ?? [];
      const turned = /EPSG\/0\/4326$/.test(system ?? "");
      if (system && !turned && !/CRS84$/.test(system)) {
        foreign += 1;
        return [];
      }
      try {
        const read = wkt.readGeometry(text.replace(/^\s*<[^>]*>\s*/, ""));
        if (turned) read.applyTransform((flat, _, step) => { // latitude comes first there
          for (let at = 0; at < flat.length; at += step) [flat[at], flat[at + 1]] = [flat[at + 1], flat[at]];
          return flat;
        });
        const geometry = geojson.writeGeometryObject(read);
        return [{ type: "Feature", geometry, properties: { edge: RESULT, look: "declared-box", dataset: String(row), label: short(label, 70) } }];
      } catch {
        foreign += 1;
        return [];
      }
    });
    this.show(features);
    return foreign;
  }

  choose(dataset) {
    this.chosen = dataset;
    this.has = dataset !== null && [this.source, this.shared].some((source) => source.getFeatures().some((feature) => feature.get("dataset") === dataset));
    for (const item of this.list.querySelectorAll("[data-iri]")) item.setAttribute("aria-pressed", String(item.dataset.iri === dataset));
    this.layer.changed();
    this.overlap.changed();
  }

  // -- what lies on top of each other ---------------------------------------------------------------------------

  around([x, y]) {
    const turned = x - 360 * Math.floor((x + 180) / 360); // the map goes round the world
    return buffer([turned, y, turned, y], REACH * this.map.getView().getResolution());
  }

  within(extent, any = false) {
    const met = [];
    for (const source of [this.shared, this.source])
      source.forEachFeatureIntersectingExtent(extent, (feature) => {
        if (feature.get("dataset") && !this.hidden.has(feature.get("edge"))) met.push(feature);
        return any && met.length > 0;
      });
    return met.sort((a, b) => a.size - b.size);
  }

  pick(coordinate) {
    const met = this.within(this.around(coordinate));
    this.close();
    this.onSelect(met[0]?.get("dataset") ?? null);
    if (new Set(met.map((feature) => feature.get("dataset"))).size > 1) this.open(met, "here");
  }

  listView() {
    this.open([...this.source.getFeatures(), ...this.shared.getFeatures()].filter((feature) => feature.get("dataset") && !this.hidden.has(feature.get("edge")) && this.inView(feature)).sort((a, b) => a.size - b.size), "in view");
    this.list.querySelector("[data-iri]")?.focus();
  }

  inView(feature) {
    const [west, south, east, north] = this.map.getView().calculateExtent();
    return [-360, 0, 360].some((turn) => feature.getGeometry().intersectsExtent([west + turn, south, east + turn, north]));
  }

  open(features, where) {
    const met = new globalThis.Map();
    for (const feature of features) {
      const at = `${feature.get("dataset")}|${feature.get("edge")}`;
      const one = met.get(at);
      if (one) one.areas += 1;
      else met.set(at, { feature, areas: 1 });
    }
    const item = ({ feature, areas }) => {
      const { dataset, edge, look: kind } = feature.getProperties();
      return el("li", {}, el("button", { type: "button", "data-iri": dataset, "aria-pressed": String(dataset === this.chosen), onclick: () => this.onSelect(dataset) },
        bdi(short(this.label(feature), 70)), edge === RESULT ? null : el("span", { class: `stage s-${edge}` }, called(edge)),
        el("span", { class: "note" }, areas > 1 ? `${areas} areas · ` : "", edge === RESULT ? null : PRECISIONS[kind] ?? kind)));
    };
    const most = [...met.values()].slice(0, LISTED);
    this.list.replaceChildren(
      el("p", {}, `${met.size} ${where}, smallest first`, most.length < met.size ? `; ${LISTED} are listed` : "", el("button", { type: "button", class: "close", "aria-label": "Close the list", onclick: () => (this.close(), this.box.focus()) }, "×")),
      el("ol", {}, most.map(item)));
    this.list.hidden = false;
  }

  close() {
    this.list.hidden = true;
  }

  // -- where to look --------------------------------------------------------------------------------------------

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
    // Only where that is clearly less: what goes round the world is cut through Asia and America for no gain otherwise.
    if (shifted[2] - shifted[0] < 0.7 * (extent[2] - extent[0])) extent = shifted;
    this.map.updateSize();
    this.map.getView().fit(extent, { padding: [28, 28, 28, 28], maxZoom: 9 });
  }

  // -- drawing an area ------------------------------------------------------------------------------------------

  draw(kind) {
    this.stop();
    this.drawing = new Draw({ type: kind === "box" ? "Circle" : "Polygon", geometryFunction: kind === "box" ? createBox() : undefined });
    this.drawing.on("drawend", ({ feature }) => {
      const geometry = geojson.writeGeometryObject(feature.getGeometry(), { decimals: 5 });
      this.areaSource.clear(true);
      this.areaSource.addFeature(feature);
      setTimeout(() => this.stop());
      this.onDraw?.(geometry);
    });
    this.map.addInteraction(this.drawing);
    this.box.focus({ preventScroll: true }); // so that Escape ends it
  }

  stop() {
    if (this.drawing) this.map.removeInteraction(this.drawing);
    this.drawing = null;
  }
}
