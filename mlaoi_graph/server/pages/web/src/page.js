// On every page: suggestions below fields that take a name.
import { at, bdi, el, getJson, short } from "./dom.js";

/** Suggest names for what is typed; `choose` gets the hit that is taken. */
function suggest(input, list, choose) {
  let chosen = -1;
  let asked = 0;
  let hits = [];
  let waiting;
  Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id, autocomplete: "off" }).forEach(
    ([name, value]) => input.setAttribute(name, value),
  );

  function close() {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(index) {
    const options = [...list.children];
    chosen = (index + options.length) % options.length;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === chosen)));
    input.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  }

  async function ask() {
    const mine = ++asked;
    const words = input.value.trim();
    if (words.length < 2) return close();
    const { rows } = await getJson("search.json", { q: words, limit: 8, kind: input.dataset.suggest || undefined }).catch(() => ({ rows: [] }));
    if (mine !== asked || document.activeElement !== input) return;
    hits = rows;
    if (!rows.length) return close();
    list.replaceChildren(
      ...rows.map((hit, index) =>
        el("li", { role: "option", id: `${list.id}-${index}`, "aria-selected": "false" },
          el("span", { class: `kind k-${hit.kind}` }, hit.kind), " ", bdi(short(hit.label, 90)))),
    );
    list.hidden = false;
    chosen = -1;
    input.setAttribute("aria-expanded", "true");
  }

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  });
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      mark(chosen < 0 && event.key === "ArrowUp" ? -1 : chosen + (event.key === "ArrowDown" ? 1 : -1));
      event.preventDefault();
    } else if (event.key === "Enter" && chosen >= 0) {
      const hit = hits[chosen];
      close();
      choose(hit);
      event.preventDefault();
    } else if (event.key === "Escape") {
      close();
    }
  });
  list.addEventListener("mousedown", (event) => {
    const index = [...list.children].indexOf(event.target.closest("li"));
    event.preventDefault();
    if (index < 0) return;
    close();
    choose(hits[index]);
  });
  input.addEventListener("blur", close);
}

const field = document.getElementById("q");
suggest(field, document.getElementById("hits"), (hit) => (location.href = at(hit.node)));

for (const [index, input] of document.querySelectorAll("input[data-suggest]").entries()) {
  const list = el("ul", { class: "hits-list", id: `names-${index}`, role: "listbox", "aria-label": "Suggestions", hidden: true });
  input.parentElement.classList.add("suggesting");
  input.after(list);
  // Two things may have one label: what is sent is the node, what is shown its name.
  const sent = el("input", { type: "hidden", name: input.name });
  const take = (node, label) => {
    input.value = label;
    sent.value = node;
    input.removeAttribute("name");
    input.after(sent);
  };
  suggest(input, list, (hit) => take(hit.node, hit.label));
  if (input.dataset.label) take(input.value, input.dataset.label);
  input.addEventListener("input", () => {
    input.name ||= sent.name;
    sent.remove();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(input|textarea|select)$/i.test(event.target.tagName) && !event.target.isContentEditable) {
    field.focus();
    event.preventDefault();
  }
});
