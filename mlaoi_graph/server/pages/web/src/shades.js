// What footprints look like: the colour tells the edge, line and fill how precise the place is.
import { Circle, Fill, Stroke, Style } from "ol/style.js";
import { colour, ink, isDark, look } from "./stages.js";

export const PRECISIONS = {
  samples: "samples, one by one",
  "declared-box": "box the publisher declares",
  region: "region, outlined by us",
  "country-list": "countries named, an upper bound",
  inherited: "somewhere in the whole it is part of",
};
/** "Edge" of the ground both sides of a leakage cover; it has a layer of its own. */
export const OVERLAP = "overlap";
/** "Edge" of what a query found. */
export const RESULT = "result";
const GROUNDS = new Set([OVERLAP, "gap"]);
/** Ground that is the answer itself, and no footprint: it lies on top. */
export const isGround = (edge) => GROUNDS.has(edge);
const LINES = { region: [9, 4], "country-list": [5, 3], inherited: [10, 4, 2, 4] };
const DARK = 1.9; // how much more a fill needs on a dark map
const FILLS = { samples: 0.4, "declared-box": 0.1, region: 0.1, inherited: 0.03 };
const BAND = 1.2; // pixels of each stage on either side of an outline that several have

function faint(hex, alpha) {
  return hex + Math.round(alpha * 255).toString(16).padStart(2, "0");
}

/** Parallel lines, so that what lies below stays visible; each edge of one outline has its own between the others'. */
function hatch(hex, turn, turns) {
  const pitch = 8 * turns;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = pitch;
  const draw = canvas.getContext("2d");
  draw.strokeStyle = faint(hex, 0.6);
  draw.lineWidth = 1;
  draw.beginPath();
  for (const shift of [-pitch, 0, pitch]) {
    draw.moveTo(shift + 8 * turn, pitch);
    draw.lineTo(shift + 8 * turn + pitch, 0);
  }
  draw.stroke();
  return draw.createPattern(canvas, "repeat");
}

export function styled(edge, precision, { chosen, faded, turn, turns, small = false }) {
  const over = isGround(edge);
  const hex = over ? ink("overlap") : edge === RESULT ? ink("accent") : colour(edge);
  const alpha = faded ? (isDark() ? 0.6 : 0.5) : 1;
  // Where stages have one outline, each is a band beside the line of the last: wide ones below. The dashes stay the precision's.
  const width = chosen ? 3.4 : over ? 6 : 1.5 + 2 * BAND * (turns - 1 - turn);
  const dashes = over || small ? undefined : LINES[precision]?.map((length) => length * (chosen || turns > 1 ? 1.7 : 1));
  const stroke = new Stroke({ color: faint(hex, over ? 0.45 * alpha : alpha), width, lineDash: dashes, lineCap: "butt" });
  const hatched = precision === "country-list" && !over;
  const fill = faded ? faint(hex, 0.02) : hatched ? hatch(hex, turn, turns) : faint(hex, Math.min(0.6, (over ? 0.5 : (FILLS[precision] ?? 0.1) / turns) * (isDark() ? DARK : 1)));
  return new Style({
    stroke,
    fill: new Fill({ color: fill }),
    image: new Circle({ radius: chosen ? 6 : 4, fill: new Fill({ color: faint(hex, 0.7 * alpha) }), stroke: new Stroke({ color: faint(hex, alpha), width: 1.5 }) }),
    zIndex: chosen ? 1 : 0,
  });
}

/** The same look for what is cut at the antimeridian: filled whole, and lined only where it ends. */
export function withoutSeam(style, lines) {
  const [body, line] = [style.clone(), style.clone()];
  body.setStroke(null);
  line.setFill(null);
  line.setGeometry(lines);
  return style.getFill() ? [body, line] : [line];
}

export const landStyle = () => new Style({ fill: new Fill({ color: ink("land") }), stroke: new Stroke({ color: ink("border"), width: 0.8 }) });

/** The area asked about: a thin line in a faint halo, that covers no outline of a footprint. */
export const askedStyles = () => [
  new Style({ stroke: new Stroke({ color: faint(ink("ink"), 0.16), width: 9, lineCap: "butt" }) }),
  new Style({ stroke: new Stroke({ color: ink("ink"), width: 1 }), image: new Circle({ radius: 6, stroke: new Stroke({ color: ink("ink"), width: 1.5 }) }) }),
];

/** What the map calls an edge. */
export const called = (edge) => (edge === OVERLAP ? "ground both cover" : look(edge).text);
