// The lineage as a picture: older things to the left, newer to the right.
import cytoscape from "cytoscape";
import dagre from "cytoscape-dagre";
import { short } from "./dom.js";
import { colour, ink, look, onTheme } from "./stages.js";

cytoscape.use(dagre);

const SHAPES = { model: "round-rectangle", dataset: "barrel", archive: "cut-rectangle", family: "round-hexagon", unknown: "rectangle" };

const pen = document.createElement("canvas").getContext("2d");

/** A label that fits its node: one line above a count, else two. */
function fitting(text, lines, room) {
  pen.font = "12px system-ui, sans-serif";
  let cut = short(text, 60);
  while (cut.length > 4 && pen.measureText(cut).width > room * lines - (lines - 1) * 40) cut = `${cut.slice(0, -2)}…`;
  return cut;
}

function style() {
  const text = ink("ink");
  return [
    {
      selector: "node",
      style: {
        shape: "data(shape)", width: 188, height: 46, "background-color": ink("node"), "border-width": 1.5, "border-color": "data(rim)",
        label: "data(label)", "text-wrap": "wrap", "text-max-width": 180, "text-valign": "center", "text-halign": "center",
        "font-family": "system-ui, sans-serif", "font-size": 12, color: text, "line-height": 1.25,
      },
    },
    { selector: "node.model", style: { "background-color": ink("node-model") } },
    { selector: "node.family", style: { "background-color": ink("node-family") } },
    { selector: "node.unresolved", style: { "border-style": "dashed" } },
    { selector: "node.focus", style: { "border-width": 3.5, "border-color": ink("accent"), "font-weight": 700 } },
    { selector: "node.group", style: { shape: "round-rectangle", "background-opacity": 0, "border-style": "dashed", height: 32, color: ink("soft") } },
    { selector: "node.chosen", style: { "border-color": ink("accent"), "border-width": 4, "underlay-color": ink("accent"), "underlay-opacity": 0.22, "underlay-padding": 7 } },
    {
      selector: "edge",
      style: {
        width: 2.2, "line-color": "data(colour)", "line-style": "data(line)", "target-arrow-color": "data(colour)", "target-arrow-shape": "data(arrow)",
        "curve-style": "bezier", "arrow-scale": 1.15, "control-point-step-size": 34,
      },
    },
    { selector: "edge.unverified", style: { width: 1.1 } },
    { selector: "edge.path", style: { width: 5, "z-index": 9 } },
    { selector: ".faded", style: { opacity: 0.28 } },
  ];
}

export class Graph {
  constructor(box, { onSelect, onMore, onOpen, onToggle }) {
    this.cy = cytoscape({
      container: box, style: style(), minZoom: 0.08, maxZoom: 2.2, boxSelectionEnabled: false, autoungrabify: true, selectionType: "single",
    });
    this.box = box;
    this.cy.on("tap", "node", ({ target }) => (target.hasClass("group") ? onMore(target.data("group")) : onSelect(target.id())));
    this.cy.on("dbltap", "node", ({ target }) => target.hasClass("group") || onToggle(target.id(), null));
    onTheme(() => this.cy.style(style()) && this.colour());
    new ResizeObserver(() => this.cy.resize()).observe(box);
    box.addEventListener("keydown", (event) => {
      const at = this.cy.getElementById(this.chosen ?? "");
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (ways[event.key] && at.nonempty()) {
        const next = this.nearest(at, ways[event.key]);
        if (next) next.hasClass("group") ? onMore(next.data("group")) : onSelect(next.id());
      } else if (event.key === "Enter" && this.chosen) onOpen(this.chosen);
      else if (event.key === "u" || event.key === "d") onToggle(this.chosen, event.key === "u" ? "up" : "down");
      else if (event.key === "+" || event.key === "-") this.cy.zoom({ level: this.cy.zoom() * (event.key === "+" ? 1.25 : 0.8), renderedPosition: { x: box.clientWidth / 2, y: box.clientHeight / 2 } });
      else return;
      event.preventDefault();
    });
  }

  nearest(from, [dx, dy]) {
    const { x, y } = from.position();
    let best = null;
    let least = Infinity;
    this.cy.nodes().forEach((node) => {
      const along = (node.position("x") - x) * dx + (node.position("y") - y) * dy;
      const aside = Math.abs((node.position("x") - x) * dy) + Math.abs((node.position("y") - y) * dx);
      if (along > 4 && along + aside * 2.5 < least) [best, least] = [node, along + aside * 2.5];
    });
    return best;
  }

  show({ nodes, edges, groups }, focus, chain) {
    const drawn = new Map();
    for (const edge of edges) {
      drawn.set(`up|${edge.subject}`, (drawn.get(`up|${edge.subject}`) ?? 0) + 1);
      drawn.set(`down|${edge.object}`, (drawn.get(`down|${edge.object}`) ?? 0) + 1);
    }
    const elements = [];
    for (const node of nodes.values()) {
      const up = Math.max(0, node.count.up - (drawn.get(`up|${node.iri}`) ?? 0));
      const down = Math.max(0, node.count.down - (drawn.get(`down|${node.iri}`) ?? 0));
      const rest = [up ? `◂ ${up}` : "", down ? `${down} ▸` : ""].filter(Boolean).join("   ");
      const classes = [node.kind, node.iri === focus ? "focus" : "", node.resolved ? "" : "unresolved"].filter(Boolean);
      elements.push({ group: "nodes", data: { id: node.iri, label: fitting(node.label, rest ? 1 : 2, node.kind === "family" ? 132 : 172) + (rest ? `\n${rest}` : ""), shape: SHAPES[node.kind] ?? "rectangle", rim: ink("rim") }, classes });
    }
    for (const group of groups)
      elements.push({ group: "nodes", data: { id: group.id, label: `+ ${group.left} ${group.kind}${group.left > 1 && group.kind !== "family" ? "s" : ""}`, rim: ink("rim"), shape: "round-rectangle", group }, classes: ["group"] });
    const lined = (id, source, target, edge, classes) => ({ group: "edges", data: { id, source, target, edge, colour: colour(edge), line: look(edge).line, arrow: look(edge).arrow }, classes });
    for (const edge of edges) elements.push(lined(edge.id, edge.subject, edge.object, edge.edge, edge.confidence === "verified" ? [] : ["unverified"]));
    for (const group of groups)
      elements.push(group.way === "up" ? lined(`e|${group.id}`, group.of, group.id, group.edge, []) : lined(`e|${group.id}`, group.id, group.of, group.edge, []));
    this.cy.batch(() => {
      this.cy.elements().remove();
      this.cy.add(elements);
      if (chain) {
        const on = new Set(chain.steps.map((step) => `${step.subject}|${step.edge}|${step.object}`));
        const ends = new Set(chain.steps.flatMap((step) => [step.subject, step.object]));
        this.cy.edges().forEach((edge) => edge.addClass(on.has(edge.id()) ? "path" : "faded"));
        this.cy.nodes().forEach((node) => void (ends.has(node.id()) || node.addClass("faded")));
      }
    });
    const upright = this.box.clientWidth < 560;
    this.cy.layout({ name: "dagre", rankDir: upright ? "BT" : "RL", nodeSep: upright ? 24 : 14, rankSep: upright ? 60 : 92, edgeSep: 6, fit: false, animate: false }).run();
    this.fold(upright);
    const [out, into] = upright ? ["0deg", "180deg"] : ["270deg", "90deg"];
    this.cy.edges().style({ "source-endpoint": out, "target-endpoint": into });
    this.fit(focus);
  }

  /** Fold ranks that are longer than the pane into several, the nodes of each between those of the next. */
  fold(upright) {
    const [across, along] = upright ? ["y", "x"] : ["x", "y"];
    const [size, gap, pitch, room] = upright ? [46, 74, 208, this.box.clientWidth] : [188, 104, 60, this.box.clientHeight];
    const most = upright ? Math.max(2, Math.floor(room / pitch)) : Math.max(8, Math.floor(room / pitch / 0.5));
    const ranks = new Map();
    this.cy.nodes().forEach((node) => {
      const at = Math.round(node.position(across));
      ranks.set(at, [...(ranks.get(at) ?? []), node]);
    });
    let from = 0;
    this.cy.batch(() => {
      for (const [, nodes] of [...ranks].sort(([a], [b]) => a - b)) {
        const folds = Math.min(Math.ceil(nodes.length / most), 6);
        const middle = nodes.reduce((sum, node) => sum + node.position(along), 0) / nodes.length;
        nodes.sort((a, b) => a.position(along) - b.position(along));
        nodes.forEach((node, index) => {
          const place = { [across]: from + (index % folds) * (size + gap / 3) };
          if (folds > 1) place[along] = middle + (index - (nodes.length - 1) / 2) * (pitch / folds);
          node.position(place);
        });
        from += folds * size + (folds - 1) * (gap / 3) + gap;
      }
    });
  }

  fit(focus) {
    this.cy.resize();
    this.cy.fit(undefined, 24);
    if (this.cy.zoom() > 1.15) {
      this.cy.zoom(1.15);
      this.cy.center();
    }
    // What would be too small to read is not squeezed in: it is there by dragging, and in the table.
    if (this.cy.zoom() < 0.38) {
      this.cy.zoom(0.38);
      this.cy.center();
      const { x1, y1, x2, y2 } = this.cy.getElementById(focus).renderedBoundingBox();
      if (x1 < 0 || y1 < 0 || x2 > this.cy.width() || y2 > this.cy.height()) this.cy.center(this.cy.getElementById(focus));
    }
  }

  colour() {
    this.cy.edges().forEach((edge) => void edge.data("colour", colour(edge.data("edge"))));
    this.cy.nodes().forEach((node) => void node.data("rim", ink("rim")));
  }

  choose(iri) {
    this.chosen = iri;
    this.cy.nodes().removeClass("chosen");
    const node = this.cy.getElementById(iri ?? "");
    node.addClass("chosen");
    if (node.nonempty()) {
      const box = node.renderedBoundingBox();
      if (box.x1 < 0 || box.y1 < 0 || box.x2 > this.cy.width() || box.y2 > this.cy.height()) this.cy.center(node);
    }
  }
}
