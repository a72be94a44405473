// How edges look: each sort has a colour, a line and an arrow of its own, so colour alone never tells.

export const EDGES = {
  pretrainedOn: { text: "pretrained on", light: "#1f5fbf", dark: "#7db2ff", line: "solid", arrow: "triangle" },
  finetunedOn: { text: "fine-tuned on", light: "#0b7a66", dark: "#4fd1b5", line: "solid", arrow: "vee" },
  instructionTunedOn: { text: "instruction-tuned on", light: "#7a3fb8", dark: "#c79bff", line: "solid", arrow: "diamond" },
  trainedOn: { text: "trained on (stage not stated)", light: "#3b5775", dark: "#a9c1dc", line: "solid", arrow: "circle" },
  validatedOn: { text: "validated on", light: "#8a6100", dark: "#f0c04a", line: "dashed", arrow: "tee" },
  testedOn: { text: "tested on", light: "#b3261e", dark: "#ff8f87", line: "dashed", arrow: "square" },
  evaluatedOn: { text: "evaluated on (stage not stated)", light: "#8a4b2a", dark: "#e0a37f", line: "dashed", arrow: "circle" },
  finetunedFrom: { text: "fine-tuned from", light: "#22303c", dark: "#dfe7ee", line: "solid", arrow: "triangle" },
  initializedFrom: { text: "initialised from", light: "#22303c", dark: "#dfe7ee", line: "solid", arrow: "vee" },
  distilledFrom: { text: "distilled from", light: "#22303c", dark: "#dfe7ee", line: "solid", arrow: "diamond" },
  mergedFrom: { text: "merged from", light: "#22303c", dark: "#dfe7ee", line: "solid", arrow: "square" },
  quantizedFrom: { text: "quantised from", light: "#22303c", dark: "#dfe7ee", line: "solid", arrow: "tee" },
  usesComponent: { text: "uses component", light: "#22303c", dark: "#dfe7ee", line: "dashed", arrow: "circle" },
  derivedFromModel: { text: "derived from (kind not stated)", light: "#22303c", dark: "#dfe7ee", line: "dotted", arrow: "triangle" },
  madeFrom: { text: "made from (kind not stated)", light: "#55626f", dark: "#aab6c1", line: "dotted", arrow: "triangle" },
  derivedFrom: { text: "made from", light: "#55626f", dark: "#aab6c1", line: "solid", arrow: "triangle" },
  drawnFrom: { text: "drawn from", light: "#55626f", dark: "#aab6c1", line: "dashed", arrow: "vee" },
  labelledBy: { text: "labelled by", light: "#a8216b", dark: "#ff94c8", line: "solid", arrow: "circle" },
  partOf: { text: "part of", light: "#55626f", dark: "#aab6c1", line: "dotted", arrow: "diamond" },
  succeeds: { text: "succeeds", light: "#55626f", dark: "#aab6c1", line: "dotted", arrow: "vee" },
  family: { text: "member of", light: "#55626f", dark: "#aab6c1", line: "dotted", arrow: "circle" },
};
const OTHER = { text: "other", light: "#55626f", dark: "#aab6c1", line: "dotted", arrow: "triangle" };

export const look = (edge) => EDGES[edge] ?? { ...OTHER, text: edge };

const darkness = matchMedia("(prefers-color-scheme: dark)");
export const isDark = () => darkness.matches;
export const onTheme = (then) => darkness.addEventListener("change", then);
export const colour = (edge) => (isDark() ? look(edge).dark : look(edge).light);

/** The colour of a name in the style sheet. */
export const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const SVG = "http://www.w3.org/2000/svg";
const ARROWS = {
  triangle: "M24 3l8 5-8 5z",
  vee: "M24 3l8 5-8 5 3-5z",
  diamond: "M22 8l5-4 5 4-5 4z",
  circle: "M28 4a4 4 0 1 1 0 8a4 4 0 1 1 0-8z",
  square: "M24 4h8v8h-8z",
  tee: "M29 2h3v12h-3z",
};

/** A sample of an edge, for legends. */
export function sample(edge) {
  const { line, arrow } = look(edge);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 34 16");
  svg.setAttribute("class", `sample s-${edge}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", "M1 8h24");
  path.setAttribute("fill", "none");
  path.setAttribute("stroke", "currentColor");
  path.setAttribute("stroke-width", "2.4");
  if (line !== "solid") path.setAttribute("stroke-dasharray", line === "dashed" ? "5 3" : "1.5 3");
  const head = document.createElementNS(SVG, "path");
  head.setAttribute("d", ARROWS[arrow]);
  head.setAttribute("fill", "currentColor");
  svg.append(path, head);
  return svg;
}
