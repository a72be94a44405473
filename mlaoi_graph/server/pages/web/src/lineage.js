// What of the lineage is shown. It follows from the focus, what was opened, and what the legend hides: nothing else,
// so that opening and closing again gives the same, and an address has all of it.
import { base, getJson } from "./dom.js";

export const MOST_NODES = 150;
export const MOST_EDGES = 300;
const STEP = 8;
const ASKED = 24; // rows of a sort that are asked for at once
const ALL_OF = 20;

const MODEL_TO_MODEL = new Set(["finetunedFrom", "initializedFrom", "distilledFrom", "mergedFrom", "quantizedFrom", "usesComponent", "derivedFromModel"]);
const isUse = (edge) => edge.endsWith("On");
const newerKind = (edge) => (isUse(edge) || MODEL_TO_MODEL.has(edge) || edge === "family" ? "model" : "dataset");
const olderKind = (edge) => (MODEL_TO_MODEL.has(edge) || edge === "labelledBy" ? "model" : { drawnFrom: "archive", family: "family" }[edge] ?? "dataset");
const key = (...parts) => parts.join("|");
const keyOf = ({ way, of, edge, kind }) => key(way, of, edge, kind);
const brief = (iri) => (base && iri.startsWith(base) ? iri.slice(base.length) : `<${iri}>`);
const whole = (text) => (text.startsWith("<") ? text.slice(1, -1) : base + text);

export class Lineage {
  constructor(focus) {
    this.focus = focus; // { iri, label, kind }
    this.chain = null;
    this.known = new Map();
    this.read(new URLSearchParams());
  }

  // -- addresses ------------------------------------------------------------------------------------------------

  read(query) {
    this.depth = Math.min(Math.max(Number(query.get("depth") ?? 1) || 0, 0), 9);
    this.direction = ["up", "down"].includes(query.get("direction")) ? query.get("direction") : "both";
    const sides = (name) => query.getAll(name).map((text) => key(text.slice(0, text.indexOf(":")), whole(text.slice(text.indexOf(":") + 1))));
    this.open = new Set(sides("open")); // of "up|iri": opened beyond the depth
    this.closed = new Set(sides("close")); // likewise: closed within it
    this.more = new Map(); // of "up|iri|edge|kind": which of a sort are shown, { start, count }
    for (const text of query.getAll("more")) {
      const [way, edge, kind, count, iri] = text.split(":", 4).concat(text.split(":").slice(4).join(":"));
      const [first, last] = String(count).split("-").map(Number);
      const shown = last ? { start: first - 1, count: last - first + 1 } : { start: 0, count: first };
      if (iri && shown.start >= 0 && shown.count > 0) this.more.set(key(way, whole(iri), edge, kind), { ...shown, count: Math.min(shown.count, MOST_NODES) });
    }
    this.hidden = new Set(query.getAll("hide")); // edges the legend hides
    this.selected = query.get("select") ? whole(query.get("select")) : this.focus.iri;
    const to = query.get("to"); // end of the chain that is highlighted
    this.to = to ? (/^[a-z][a-z0-9+.-]*:/i.test(to) ? to : whole(to)) : null;
  }

  query() {
    const said = new URLSearchParams();
    if (this.depth !== 1) said.set("depth", this.depth);
    if (this.direction !== "both") said.set("direction", this.direction);
    const side = (text) => `${text.slice(0, text.indexOf("|"))}:${brief(text.slice(text.indexOf("|") + 1))}`;
    for (const one of this.open) said.append("open", side(one));
    for (const one of this.closed) said.append("close", side(one));
    for (const [one, { start, count }] of this.more) {
      const [way, iri, edge, kind] = one.split("|");
      said.append("more", [way, edge, kind, start ? `${start + 1}-${start + count}` : count, brief(iri)].join(":"));
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

  shown(group) {
    return this.more.get(keyOf(group)) ?? { start: 0, count: STEP };
  }

  /** Show more of a sort; where no more fits, the next of them instead. */
  showMore(group) {
    const { start, count } = this.shown(group);
    const { nodes, groups } = this.drawn;
    if (nodes.size + groups.length + ALL_OF <= MOST_NODES && start + count < group.total) this.more.set(keyOf(group), { start, count: count + ALL_OF });
    else this.page(group, 1);
  }

  /** Show the next of a sort, or those before. */
  page(group, by) {
    const { start, count } = this.shown(group);
    const next = start + by * count;
    this.more.set(keyOf(group), { start: next >= group.total ? 0 : Math.max(0, next), count });
  }

  /** Show the part of a sort that a node is in, and select it. */
  reach(group, row) {
    const { count } = this.shown(group);
    this.more.set(keyOf(group), { start: Math.floor(row.place / count) * count, count });
    this.selected = row.node;
  }

  /** What of a sort goes by these words, whether it is drawn or not. */
  async among(group, words, start, most) {
    const found = await getJson("api/neighbours", { node: group.of, direction: group.way, edge: group.edge, kind: group.kind, words, start, most });
    return found.groups[0] ?? { total: 0, rows: [] };
  }

  // -- what is drawn --------------------------------------------------------------------------------------------

  async neighbours(iri, way) {
    const at = key(way, iri);
    if (!this.known.has(at))
      this.known.set(at, getJson("api/neighbours", { node: iri, direction: way, most: ASKED }).catch((error) => {
        this.known.delete(at);
        throw error;
      }));
    const found = await this.known.get(at);
    for (const group of found.groups) {
      const { start, count } = this.shown({ ...group, way, of: iri });
      const end = Math.min(start + count, group.total);
      let first = start;
      while (first < end && group.rows[first]) first += 1;
      if (first < end) {
        const rest = await this.among({ ...group, way, of: iri }, "", first, end - first);
        rest.rows.forEach((row) => (group.rows[row.place] = row));
      }
    }
    return found.groups;
  }

  /** Nodes and edges to draw, and how many there would be: breadth first, until the cap. */
  async draw() {
    const nodes = new Map();
    const edges = new Map();
    const groups = []; // what stands for the others of a sort
    const rest = []; // every sort of which some are not drawn
    const unseen = new Set();
    let unmet = 0; // of which it is only known how many
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
          const { start, count } = this.shown({ ...group, way, of: iri });
          const shown = group.rows.slice(start, start + count);
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
          const others = group.rows.filter((row, index) => row && (index < start || index >= start + drawn));
          for (const row of others) unseen.add(row.node);
          unmet += left - others.length;
          if (!left) continue;
          const sort = { id: `group|${key(way, iri, group.edge, group.kind)}`, of: iri, label: node.label, way, edge: group.edge, kind: group.kind, total: group.total, left, start, drawn };
          rest.push(sort);
          if (drawn === shown.length && nodes.size + groups.length < MOST_NODES) groups.push(sort);
        }
      }
    }
    for (const step of this.chain?.steps ?? []) sorts.set(step.edge, sorts.get(step.edge) ?? 1);
    const missing = [...unseen].filter((iri) => !nodes.has(iri)).length + unmet;
    const once = unmet > 0 && rest.length === 1 && nodes.size === rest[0].drawn + 1; // none of these can be drawn
    this.drawn = {
      nodes, edges: [...edges.values()].filter((edge) => nodes.has(edge.subject) && nodes.has(edge.object)), groups, rest, capped, sorts,
      unseen: missing, unmet: once ? 0 : unmet,
    };
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
