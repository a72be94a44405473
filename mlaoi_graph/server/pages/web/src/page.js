// On every page: suggestions below the search field.
import { at, bdi, el, getJson, short } from "./dom.js";

const input = document.getElementById("q");
const list = document.getElementById("hits");
let chosen = -1;
let asked = 0;

Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "hits" }).forEach(
  ([name, value]) => input.setAttribute(name, value),
);

function close() {
  list.hidden = true;
  chosen = -1;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function choose(index) {
  const options = [...list.children];
  chosen = (index + options.length) % options.length;
  options.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
  input.setAttribute("aria-activedescendant", options[chosen].id);
  options[chosen].scrollIntoView({ block: "nearest" });
}

async function suggest() {
  const mine = ++asked;
  const words = input.value.trim();
  if (words.length < 2) return close();
  const { rows } = await getJson("search.json", { q: words, limit: 8 }).catch(() => ({ rows: [] }));
  if (mine !== asked || document.activeElement !== input) return;
  if (!rows.length) return close();
  list.replaceChildren(
    ...rows.map((hit, index) =>
      el(
        "li",
        { role: "option", id: `hit-${index}`, "aria-selected": "false", "data-href": at(hit.node) },
        el("span", { class: `kind k-${hit.kind}` }, hit.kind),
        " ",
        bdi(short(hit.label, 90)),
      ),
    ),
  );
  list.hidden = false;
  chosen = -1;
  input.setAttribute("aria-expanded", "true");
}

let waiting;
input.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(suggest, 120);
});
input.addEventListener("keydown", (event) => {
  if (list.hidden) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    choose(chosen < 0 && event.key === "ArrowUp" ? -1 : chosen + (event.key === "ArrowDown" ? 1 : -1));
    event.preventDefault();
  } else if (event.key === "Enter" && chosen >= 0) {
    location.href = list.children[chosen].dataset.href;
    event.preventDefault();
  } else if (event.key === "Escape") {
    close();
  }
});
list.addEventListener("mousedown", (event) => {
  const option = event.target.closest("li");
  if (option) location.href = option.dataset.href;
  event.preventDefault();
});
input.addEventListener("blur", close);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(input|textarea|select)$/i.test(event.target.tagName) && !event.target.isContentEditable) {
    input.focus();
    event.preventDefault();
  }
});
