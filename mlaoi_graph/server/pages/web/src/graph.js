// The lineage as a picture: older things to the left, newer to the right.
import cytoscape from "cytoscape";
import dagre from "cytoscape-dagre";
import { short } from "./dom.js";
import { colour, ink, look, onTheme } from "./stages.js";

cytoscape.use(dagre);

const SHAPES = { model: "round-rectangle", dataset: "rectangle", archive: "cut-rectangle", family: "polygon", unknown: "rectangle" };

let WIDTH = 216; // wider where the pane is
const HEIGHT = 34;
const PITCH = 44; // from one node of a column to the next
const CHANNEL = 72; // between columns, where edges turn
const GAP = 26; // between columns of one rank
const LEAST = 11; // pixels below which nobody can read a label
const FONT = 12.5;
const ROOMY = 1100;
const TALLEST = 780;
const NARROW = 560; // a pane in which columns beside each other could not be read

const pen = document.createElement("canvas").getContext("2d");

/** A label that fits its node, between the counts of what is not drawn on either side. */
function fitting(text, before, after, room, weight) {
  pen.font = `${weight} 12.5px system-ui, sans-serif`;
  const whole = (label) => [before, apart(label), after].filter(Boolean).join("  ");
  const said = short(text, 80);
  // Cut in the middle: what tells siblings apart is often the end.
  for (let left = said.length; left > 8; left -= 1) {
    const cut = left === said.length ? said : `${said.slice(0, Math.ceil(left * 0.6)).trimEnd()}…${said.slice(said.length - Math.floor(left * 0.4)).trimStart()}`;
    if (pen.measureText(whole(cut)).width <= room) return whole(cut);
  }
  return whole(said.slice(0, 8));
}

/** Text that whatever direction it runs in leaves the figures beside it where they are. */
const apart = (text) => `\u2068${text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069`;

const few = (number) => (number > 9999 ? `${Math.round(number / 1000)}k` : String(number));

function style() {
  const text = ink("ink");
  return [
    {
      selector: "node",
      style: {
        shape: "data(shape)", width: WIDTH, height: HEIGHT, "background-color": ink("node"), "border-width": 1.5, "border-color": "data(rim)",
        label: "data(label)", "text-valign": "center", "text-halign": "center",
        "font-family": "system-ui, sans-serif", "font-size": 12.5, color: text,
      },
    },
    { selector: "node.model", style: { "background-color": ink("node-model"), "corner-radius": HEIGHT / 2 } },
    { selector: "node.family", style: { "background-color": ink("node-family"), "shape-polygon-points": [-1, 0, -0.93, -1, 0.93, -1, 1, 0, 0.93, 1, -0.93, 1] } },
    { selector: "node.unresolved", style: { "border-style": "dashed" } },
    { selector: "node.focus", style: { "border-width": 3, "border-color": ink("accent"), "font-weight": 700, height: HEIGHT + 8 } },
    { selector: "node.group", style: { shape: "round-rectangle", "background-opacity": 0, "border-style": "dashed", height: HEIGHT - 4, color: ink("soft") } },
    { selector: "node.chosen", style: { "border-color": ink("accent"), "border-width": 4, "underlay-color": ink("accent"), "underlay-opacity": 0.22, "underlay-padding": 7 } },
    {
      selector: "edge",
      style: {
        width: 2, "line-color": "data(colour)", "line-style": "data(line)", "target-arrow-color": "data(colour)", "target-arrow-shape": "data(arrow)",
        "curve-style": "unbundled-bezier", "edge-distances": "endpoints", "arrow-scale": 1.1,
      },
    },
    { selector: "edge.unverified", style: { width: 1 } },
    { selector: "edge.path", style: { width: 5, "z-index": 9 } },
    { selector: ".faded", style: { opacity: 0.28 } },
  ];
}

export class Graph {
  constructor(box, { onSelect, onWalk, onMore, onMeet, onOpen, onToggle }) {
    // The wheel moves the page; with Ctrl, as fingers on a touchpad that spread, it zooms here. Before cytoscape hears of it.
    box.addEventListener("wheel", (event) => event.ctrlKey || event.metaKey || event.stopImmediatePropagation(), { capture: true });
    this.cy = cytoscape({
      container: box, style: style(), minZoom: 0.08, maxZoom: 2.2, boxSelectionEnabled: false, autoungrabify: true, selectionType: "single",
    });
    this.box = box;
    this.tip = document.createElement("div");
    Object.assign(this.tip, { className: "tip", hidden: true });
    box.append(this.tip);
    this.cy.on("mouseover", "node", ({ target }) => {
      const { x1, y2 } = target.renderedBoundingBox();
      this.tip.textContent = target.data("whole");
      this.tip.hidden = false;
      const room = box.clientWidth - this.tip.offsetWidth - 8;
      Object.assign(this.tip.style, { left: `${Math.max(8, Math.min(x1, room))}px`, top: `${Math.min(y2 + 4, box.clientHeight - this.tip.offsetHeight - 4)}px` });
    });
    this.cy.on("mouseout", "node", () => (this.tip.hidden = true));
    this.cy.on("pan zoom", () => (this.tip.hidden = true));
    this.cy.on("tap", "node", ({ target }) => (target.hasClass("group") ? onMore(target.data("group")) : onSelect(target.id())));
    this.cy.on("dbltap", "node", ({ target }) => target.hasClass("group") || onToggle(target.id(), null));
    onTheme(() => this.cy.style(style()) && this.colour());
    new ResizeObserver(() => this.cy.resize()).observe(box);
    box.addEventListener("keydown", (event) => {
      const at = this.cy.getElementById(this.chosen ?? "");
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (ways[event.key] && at.nonempty()) {
        const next = this.nearest(at, ways[event.key]);
        if (next?.hasClass("group")) this.choose(next.id()), onMeet(next.data("group"));
        else if (next) onWalk(next.id());
      } else if (event.key === "Enter" && at.hasClass("group")) onMore(at.data("group"));
      else if (at.hasClass("group") && /^(Enter|u|d)$/.test(event.key)) return;
      else if (event.key === "Enter" && this.chosen) onOpen(this.chosen);
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
    const narrow = this.box.clientWidth < NARROW;
    // A list is as high as it is long, as far as fingers find a way around it.
    this.box.parentElement.style.height = narrow ? `${Math.min(TALLEST, (nodes.size + groups.length) * PITCH * (LEAST / FONT) + 150)}px` : "";
    WIDTH = this.box.clientWidth > ROOMY ? 300 : 216;
    this.cy.style(style());
    const [older, newer] = narrow ? ["▴", "▾"] : ["◂", "▸"];
    const drawn = new Map();
    for (const edge of edges) {
      drawn.set(`up|${edge.subject}`, (drawn.get(`up|${edge.subject}`) ?? 0) + 1);
      drawn.set(`down|${edge.object}`, (drawn.get(`down|${edge.object}`) ?? 0) + 1);
    }
    const elements = [];
    for (const node of nodes.values()) {
      const up = Math.max(0, node.count.up - (drawn.get(`up|${node.iri}`) ?? 0));
      const down = Math.max(0, node.count.down - (drawn.get(`down|${node.iri}`) ?? 0));
      const label = fitting(node.label, up ? `${older}${few(up)}` : "", down ? `${few(down)}${newer}` : "", WIDTH - (node.kind === "family" ? 40 : 26), node.iri === focus ? 700 : 400);
      const classes = [node.kind, node.iri === focus ? "focus" : "", node.resolved ? "" : "unresolved"].filter(Boolean);
      elements.push({ group: "nodes", data: { id: node.iri, label, whole: short(node.label, 400), shape: SHAPES[node.kind] ?? "rectangle", rim: ink("rim") }, classes });
    }
    for (const group of groups) {
      const many = group.left > 1 && group.kind !== "family" ? "s" : "";
      const label = group.start ? `${group.start + 1}–${group.start + group.drawn} of ${group.total} ${group.kind}s` : `+ ${group.left} ${group.kind}${many}`;
      elements.push({ group: "nodes", data: { id: group.id, label, whole: label, rim: ink("rim"), shape: "round-rectangle", group }, classes: ["group"] });
    }
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
    this.cy.layout({ name: "dagre", rankDir: "RL", nodeSep: 10, rankSep: CHANNEL, edgeSep: 4, fit: false, animate: false }).run();
    narrow ? this.list() : this.columns();
    this.look(focus);
  }

  /** Nodes by rank, from the oldest, each rank in the order that crosses least. */
  ranks() {
    const found = new Map();
    this.cy.nodes().forEach((node) => {
      const at = Math.round(node.position("x"));
      found.set(at, [...(found.get(at) ?? []), node]);
    });
    const order = new Map(this.cy.nodes().map((node, index) => [node.id(), index]));
    return [...found].sort(([a], [b]) => a - b).map(([, nodes]) => {
      // Siblings that hang on one node cross nothing: they stay in the order of the table.
      const owners = new Set(nodes.flatMap((node) => node.neighborhood("node").map((near) => near.id())));
      const by = owners.size === 1 ? (node) => order.get(node.id()) : (node) => node.position("y");
      return nodes.sort((a, b) => by(a) - by(b));
    });
  }

  /** Older to the left. A rank longer than the pane has several columns, the nodes of each between those of the next. */
  columns() {
    const ranks = this.ranks();
    const { folds: foldsOf, pitch } = this.folds(ranks.map((nodes) => nodes.length));
    const folded = new Set();
    let x = 0;
    this.cy.batch(() => {
      for (const [rank, nodes] of ranks.entries()) {
        const folds = foldsOf[rank];
        nodes.forEach((node, index) => {
          if (folds > 1) folded.add(node.id());
          node.position({ x: x + (index % folds) * (WIDTH + GAP), y: (index - (nodes.length - 1) / 2) * (pitch / folds) });
        });
        x += folds * WIDTH + (folds - 1) * GAP + CHANNEL;
      }
      this.route((from, to) => {
        // Edges turn beside the end that is in one column, and run between the nodes of the other's.
        const turn = folded.has(from.id) ? to.x + CHANNEL / 2 : from.x - CHANNEL / 2;
        const bend = [[turn, from.y], [turn, to.y]];
        if (from.x - to.x < CHANNEL + 1) return bend;
        const lane = folded.has(from.id) ? to.y : this.lane(to, from);
        if (lane !== to.y) return [[turn, from.y], [turn, lane], [to.x + CHANNEL / 2, lane], [to.x + CHANNEL / 2, to.y]];
        return folded.has(from.id) ? [[turn + CHANNEL / 2, from.y], ...bend] : [...bend, [turn - CHANNEL / 2, to.y]];
      }, -1, 1);
    });
  }

  /** In how many columns each rank stands: as many as let the whole be largest in this pane; and how far nodes are apart. */
  folds(lengths) {
    let best = { zoom: 0 };
    for (let most = Math.max(...lengths); most > 3; most -= 1) {
      const folds = lengths.map((length) => Math.min(Math.ceil(length / most), 6));
      const width = folds.reduce((sum, many) => sum + many * WIDTH + (many - 1) * GAP + CHANNEL, -CHANNEL);
      const height = Math.max(...lengths.map((length, rank) => (length / folds[rank]) * PITCH));
      const zoom = Math.min((this.box.clientWidth - 48) / width, (this.box.clientHeight - 48) / height, 1.15);
      // What room is left above and below goes between the nodes.
      if (zoom > best.zoom + 0.01) best = { zoom, folds, pitch: Math.max(PITCH, Math.min(1.4, (this.box.clientHeight - 48) / zoom / height) * PITCH) };
    }
    return best.folds ? best : { folds: lengths.map(() => 1), pitch: PITCH };
  }

  /** How high an edge passes the columns between its ends: as its older end, or in the nearest gap between their nodes. */
  lane(to, from) {
    const over = this.cy.nodes().map((node) => node.position()).filter(({ x }) => x - WIDTH / 2 > to.x && x + WIDTH / 2 < from.x);
    const isFree = (y) => over.every((at) => Math.abs(at.y - y) > HEIGHT / 2 + 2);
    for (let away = 0; away < 12 * PITCH; away += 1) for (const y of [to.y - away, to.y + away]) if (isFree(y)) return y;
    return to.y;
  }

  /** Older above, in one column; edges run beside it. */
  list() {
    const nodes = this.ranks().flat();
    this.cy.batch(() => {
      nodes.forEach((node, index) => node.position({ x: 0, y: index * PITCH }));
      this.route((from, to) => {
        const out = Math.min(from.x, to.x) - 14 - Math.min(72, 6 * Math.abs(from.y - to.y) / PITCH);
        return [[out, from.y], [out, to.y]];
      }, -1, -1);
    });
  }

  /** Lead edges from one side of a node (-1 is left) to one of another over points; those between the same two apart. */
  route(over, leave, arrive) {
    const between = new Map();
    this.cy.edges().forEach((edge) => {
      const pair = [edge.source().id(), edge.target().id()].sort().join("|");
      between.set(pair, [...(between.get(pair) ?? []), edge]);
    });
    for (const edges of between.values())
      edges.forEach((edge, index) => {
        const aside = (index - (edges.length - 1) / 2) * 9;
        const end = (node, side) => ({ id: node.id(), x: node.position("x") + (side * WIDTH) / 2, y: node.position("y") + aside });
        const from = end(edge.source(), leave);
        const to = end(edge.target(), arrive);
        const [dx, dy] = [to.x - from.x, to.y - from.y];
        const length = Math.hypot(dx, dy) || 1;
        const points = over(from, to).map(([x, y]) => [x - from.x, y - from.y]);
        edge.style({
          "source-endpoint": `${(leave * WIDTH) / 2}px ${aside}px`, "target-endpoint": `${(arrive * WIDTH) / 2}px ${aside}px`,
          "control-point-weights": points.map(([x, y]) => (x * dx + y * dy) / length ** 2).join(" "),
          "control-point-distances": points.map(([x, y]) => (y * dx - x * dy) / length).join(" "),
        });
      });
  }

  /** Show all there is, or only some; nothing larger than it need be. */
  fit(some = this.cy.elements()) {
    this.cy.resize();
    this.cy.fit(some, 24);
    const most = this.box.clientWidth > ROOMY ? 1.6 : 1.15;
    if (this.cy.zoom() > most) {
      this.cy.zoom(most);
      this.cy.center(some);
    }
  }

  /** Look at what was drawn: a chain whole, as it is what was asked for, and all else as large as can be read. */
  look(focus) {
    const path = this.cy.edges(".path");
    if (path.nonempty()) return this.fit(path.union(path.connectedNodes()));
    this.fit();
    // What would be too small to read is not squeezed in: it is there by dragging, and in the table.
    const least = LEAST / FONT;
    if (this.cy.zoom() < least) {
      this.cy.zoom(least);
      this.cy.center(this.cy.getElementById(focus));
      const { x1, y1, x2, y2 } = this.cy.elements().renderedBoundingBox();
      const fill = (from, to, room) => (to - from < room ? (room - from - to) / 2 : Math.min(24 - from, 0) || Math.max(room - 24 - to, 0));
      this.cy.panBy({ x: fill(x1, x2, this.cy.width()), y: fill(y1, y2, this.cy.height()) });
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
