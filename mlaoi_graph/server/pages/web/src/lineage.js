// What of the lineage is shown. It follows from the focus, what was opened, and what the legend hides: nothing else,
// so that opening and closing again gives the same, and an address has all of it.
import { base, getJson } from "./dom.js";

export const MOST_NODES = 150;
export const MOST_EDGES = 300;
const STEP = 8;
const ALL_OF = 20;

const MODEL_TO_MODEL = new Set(["finetunedFrom", "initializedFrom", "distilledFrom", "mergedFrom", "quantizedFrom", "usesComponent", "derivedFromModel"]);
const isUse = (edge) => edge.endsWith("On");
const newerKind = (edge) => (isUse(edge) || MODEL_TO_MODEL.has(edge) || edge === "family" ? "model" : "dataset");
const olderKind = (edge) => (MODEL_TO_MODEL.has(edge) || edge === "labelledBy" ? "model" : { drawnFrom: "archive", family: "family" }[edge] ?? "dataset");
const key = (...parts) => parts.join("|");
const brief = (iri) => (base && iri.startsWith(base) ? iri.slice(base.length) : `<${iri}>`);
const whole = (text) => (text.startsWith("<") ? text.slice(1, -1) : base + text);

export class Lineage {
  constructor(focus) {
    this.focus = focus; // { iri, label, kind }
    this.depth = 1;
    this.direction = "both";
    this.open = new Set(); // of "up|iri": opened beyond the depth
    this.closed = new Set(); // likewise: closed within it
    this.more = new Map(); // of "up|iri|edge|kind": how many of a sort are shown
    this.hidden = new Set(); // edges the legend hides
    this.selected = focus.iri;
    this.to = null; // end of the chain that is highlighted
    this.chain = null;
    this.known = new Map();
  }

  // -- addresses ------------------------------------------------------------------------------------------------

  read(query) {
    this.depth = Math.min(Math.max(Number(query.get("depth") ?? 1) || 0, 0), 9);
    if (["up", "down", "both"].includes(query.get("direction"))) this.direction = query.get("direction");
    const sides = (name) => query.getAll(name).map((text) => key(text.slice(0, text.indexOf(":")), whole(text.slice(text.indexOf(":") + 1))));
    this.open = new Set(sides("open"));
    this.closed = new Set(sides("close"));
    for (const text of query.getAll("more")) {
      const [way, edge, kind, count, iri] = text.split(":", 4).concat(text.split(":").slice(4).join(":"));
      if (iri) this.more.set(key(way, whole(iri), edge, kind), Math.min(Number(count) || STEP, 500));
    }
    this.hidden = new Set(query.getAll("hide"));
    if (query.get("select")) this.selected = whole(query.get("select"));
    if (query.get("to")) this.to = /^[a-z][a-z0-9+.-]*:/i.test(query.get("to")) ? query.get("to") : whole(query.get("to"));
  }

  query() {
    const said = new URLSearchParams();
    if (this.depth !== 1) said.set("depth", this.depth);
    if (this.direction !== "both") said.set("direction", this.direction);
    const side = (text) => `${text.slice(0, text.indexOf("|"))}:${brief(text.slice(text.indexOf("|") + 1))}`;
    for (const one of this.open) said.append("open", side(one));
    for (const one of this.closed) said.append("close", side(one));
    for (const [one, count] of this.more) {
      const [way, iri, edge, kind] = one.split("|");
      said.append("more", [way, edge, kind, count, brief(iri)].join(":"));
    }
    for (const edge of this.hidden) said.append("hide", edge);
    if (this.selected && this.selected !== this.focus.iri) said.set("select", brief(this.selected));
    if (this.to) said.set("to", brief(this.to));
    return said.toString();
  }

  // -- what people do -------------------------------------------------------------------------------------------

  isOpen(iri, way, hops, came) {
    const side = key(way, iri);
    if (this.open.has(side)) return true;
    if (this.closed.has(side)) return false;
    return hops < this.depth && (this.direction === "both" || this.direction === way) && (came === null || came === way);
  }

  toggle(iri, way) {
    const side = key(way, iri);
    const met = this.drawn?.nodes.get(iri);
    const isOpen = met ? met.open[way] : this.open.has(side);
    const byDepth = met && met.hops < this.depth && (this.direction === "both" || this.direction === way) && (met.came === null || met.came === way);
    if (isOpen) {
      this.open.delete(side);
      if (byDepth) this.closed.add(side);
    } else {
      this.closed.delete(side);
      if (!byDepth) this.open.add(side);
    }
  }

  showMore(group) {
    const at = key(group.way, group.of, group.edge, group.kind);
    this.more.set(at, Math.min((this.more.get(at) ?? STEP) + ALL_OF, 500));
  }

  // -- what is drawn --------------------------------------------------------------------------------------------

  async neighbours(iri, way) {
    const at = key(way, iri);
    if (!this.known.has(at))
      this.known.set(at, getJson("api/neighbours", { node: iri, direction: way, most: STEP }).catch((error) => {
        this.known.delete(at);
        throw error;
      }));
    const found = await this.known.get(at);
    for (const group of found.groups) {
      const wanted = Math.min(this.more.get(key(way, iri, group.edge, group.kind)) ?? STEP, group.total);
      if (group.rows.length < wanted) {
        const query = { node: iri, direction: way, edge: group.edge, kind: group.kind, start: group.rows.length };
        const rest = await getJson("api/neighbours", { ...query, most: wanted - group.rows.length });
        group.rows.push(...(rest.groups[0]?.rows ?? []));
      }
    }
    return found.groups;
  }

  /** Nodes and edges to draw, and how many there would be: breadth first, until the cap. */
  async draw() {
    const nodes = new Map();
    const edges = new Map();
    const groups = [];
    let unseen = 0;
    let capped = 0;
    const sorts = new Map();
    const add = (iri, label, kind, hops, came, row) => {
      if (nodes.has(iri)) return true;
      if (nodes.size + groups.length >= MOST_NODES) return false;
      nodes.set(iri, {
        iri, label, kind, hops, came, resolved: row?.resolved ?? true,
        count: row ? { up: row.up, down: row.down } : { up: 0, down: 0 }, open: { up: false, down: false },
      });
      return true;
    };
    const join = (step, confidence) => {
      const id = key(step.subject, step.edge, step.object);
      if (!edges.has(id)) edges.set(id, { id, ...step, confidence: confidence ?? step.confidence });
    };
    await Promise.all(["up", "down"].map((way) => this.neighbours(this.focus.iri, way)));
    add(this.focus.iri, this.focus.label, this.focus.kind, 0, null, null);
    this.chain = this.to ? await this.why() : null;
    for (const step of this.chain?.steps ?? []) {
      add(step.subject, step.subject_label, newerKind(step.edge), 1, "chain", null);
      add(step.object, step.object_label, olderKind(step.edge), 1, "chain", null);
      join(step);
    }
    const queue = [this.focus.iri];
    const seen = new Set(queue);
    for (const iri of [...nodes.keys()].slice(1)) {
      queue.push(iri);
      seen.add(iri);
    }
    while (queue.length) {
      const iri = queue.shift();
      const node = nodes.get(iri);
      for (const way of ["up", "down"]) {
        const isOpen = node.came === "chain" ? this.open.has(key(way, iri)) : this.isOpen(iri, way, node.hops, node.came);
        node.open[way] = isOpen;
        if (!isOpen && node.hops > 0) continue;
        const found = await this.neighbours(iri, way);
        node.count[way] = found.reduce((sum, group) => sum + group.total, 0);
        if (!isOpen) continue;
        for (const group of found) {
          sorts.set(group.edge, (sorts.get(group.edge) ?? 0) + group.total);
          if (this.hidden.has(group.edge)) continue;
          const shown = group.rows.slice(0, this.more.get(key(way, iri, group.edge, group.kind)) ?? STEP);
          let drawn = 0;
          for (const row of shown) {
            if (edges.size >= MOST_EDGES || !add(row.node, row.label, row.kind, node.hops + 1, way, row)) break;
            drawn += 1;
            const met = nodes.get(row.node);
            if (met.came === "chain" && !met.count.up && !met.count.down) Object.assign(met, { kind: row.kind, resolved: row.resolved, count: { up: row.up, down: row.down } });
            join(row.said, row.confidence);
            if (!seen.has(row.node)) {
              seen.add(row.node);
              queue.push(row.node);
              // Asked for now, so that it is there when its turn comes.
              if (this.isOpen(row.node, way, node.hops + 1, way)) this.neighbours(row.node, way).catch(() => {});
            }
          }
          const left = group.total - drawn;
          if (drawn < shown.length) capped += shown.length - drawn;
          unseen += left;
          if (left > 0 && drawn === shown.length && nodes.size + groups.length < MOST_NODES)
            groups.push({ id: `group|${key(way, iri, group.edge, group.kind)}`, of: iri, way, edge: group.edge, kind: group.kind, left });
        }
      }
    }
    for (const step of this.chain?.steps ?? []) sorts.set(step.edge, sorts.get(step.edge) ?? 1);
    this.drawn = { nodes, edges: [...edges.values()].filter((edge) => nodes.has(edge.subject) && nodes.has(edge.object)), groups, unseen, capped, sorts };
    if (!nodes.has(this.selected)) this.selected = this.focus.iri;
    return this.drawn;
  }

  /** The chain between the focus and another node, whichever is the newer. */
  async why() {
    const at = key("why", this.to);
    if (!this.known.has(at)) {
      const ask = async () => {
        for (const [newer, older] of [[this.focus.iri, this.to], [this.to, this.focus.iri]]) {
          const found = await getJson("api/explain", { newer, older }).catch(() => ({ chains: [] }));
          if (found.chains.length) return found.chains[0];
        }
        return null;
      };
      this.known.set(at, ask());
    }
    return this.known.get(at);
  }
}
