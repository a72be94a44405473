// What is not drawn: by sort, to find by name, to page through, and to go to.
import { el, link, refill, short } from "./dom.js";
import { look } from "./stages.js";

const STEP = 20;

export class Rest {
  constructor(box, lineage, change) {
    Object.assign(this, { box, lineage, change, asked: 0, from: 0 });
    this.sorts = [];
    this.sort = el("select", { id: "rest-sort", onchange: () => this.list(this.words.value.trim() ? 0 : this.chosen.drawn) });
    this.words = el("input", { id: "rest-words", type: "search", autocomplete: "off", maxlength: 200, oninput: () => (clearTimeout(this.waiting), (this.waiting = setTimeout(() => this.list(0), 150))) });
    this.said = el("p", { class: "note", role: "status" });
    this.found = el("ol", { class: "found" });
    this.pager = el("div", { class: "acts" });
    const more = el("button", { type: "button", class: "more", onclick: () => change(() => lineage.showMore(this.chosen)) }, "Draw more of them");
    this.act = more;
    box.replaceChildren(el("h3", {}, "What is not drawn"), el("div", { class: "row" }, el("label", {}, "Of", this.sort), el("label", {}, "Find by name", this.words), more), this.said, this.found, this.pager);
  }

  get chosen() {
    return this.sorts.find((sort) => sort.id === this.sort.value) ?? this.sorts[0];
  }

  show({ rest }) {
    const before = this.sort.value;
    this.sorts = rest;
    this.box.hidden = !rest.length;
    this.sort.replaceChildren(...rest.map((sort) => {
      const which = sort.drawn && sort.start ? `, ${sort.start + 1} to ${sort.start + sort.drawn} drawn` : "";
      const said = sort.way === "up" ? `${short(sort.label, 40)} ${look(sort.edge).text}` : `${look(sort.edge).text} ${short(sort.label, 40)}`;
      return el("option", { value: sort.id, selected: sort.id === before }, `${said}: ${sort.left} of ${sort.total} ${sort.kind}s${which}`);
    }));
    if (rest.length) this.list(this.words.value.trim() || this.chosen.start ? 0 : this.chosen.drawn);
  }

  async list(from) {
    const sort = this.chosen;
    const mine = ++this.asked;
    const found = await this.lineage.among(sort, this.words.value.trim(), from, STEP).catch((error) => ({ total: 0, rows: [], error }));
    if (mine !== this.asked) return;
    const drawn = this.lineage.drawn.nodes;
    const item = (row) => el("li", {},
      drawn.has(row.node) || !sort.drawn ? null : el("button", { type: "button", "data-draw": row.node, onclick: () => this.change(() => this.lineage.reach(sort, row)).then(() => document.querySelector(".explorer").scrollIntoView()) }, "Draw"),
      link(row.node, row.label), drawn.has(row.node) ? el("span", { class: "note" }, "drawn") : null);
    this.found.start = from + 1;
    refill(this.found, ...found.rows.map(item));
    const last = from + found.rows.length;
    this.said.textContent = found.error?.message ?? (found.total ? `${from + 1} to ${last} of ${found.total}` : "Nothing goes by that name.");
    const turn = (text, to, there) => el("button", { type: "button", "data-turn": text, disabled: !there, onclick: () => this.list(to) }, text);
    refill(this.pager, ...(found.total > STEP ? [turn("Before", Math.max(0, from - STEP), from > 0), turn("Next", from + STEP, last < found.total)] : []));
    this.act.hidden = !sort.drawn;
  }
}
