// input[data-lookup-url]: suggestions in a list box (ARIA 1.2 combobox). The URL answers ?q= with
// {"items": [{"value": "1312345678", "label": "name", "detail": "address"}]}.
// data-lookup-label names the element that shows the label of what was chosen;
// data-lookup-empty is the text for no result.
import { looksLikePersonalNumber } from "./guard.js";

const PAUSE_MS = 150;
let count = 0;

class Lookup {
  constructor(field) {
    this.field = field;
    this.items = [];
    this.at = -1;
    this.label = document.getElementById(field.dataset.lookupLabel);
    count += 1;
    this.list = document.createElement("ul");
    this.list.id = `lookup-list-${count}`;
    this.list.className = "lookup-list";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    if (document.getElementById(`label-${field.id}`)) this.list.setAttribute("aria-labelledby", `label-${field.id}`);
    const around = document.createElement("span");
    around.className = "lookup";
    field.before(around);
    around.append(field, this.list);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", this.list.id], ["autocomplete", "off"]]) {
      field.setAttribute(name, value);
    }
    field.addEventListener("input", () => this.wait());
    field.addEventListener("keydown", (event) => this.onKey(event));
    field.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.choose(Number(option.dataset.index));
    });
  }

  wait() {
    if (this.label) this.label.textContent = "";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE_MS);
  }

  async ask() {
    this.asking?.abort();
    const text = this.field.value.trim();
    // A question travels in an address: nothing that may be a personal number does.
    if (!text || looksLikePersonalNumber(text) || text.replace(/\D/gu, "").length > 10) {
      this.close();
      return;
    }
    this.asking = new AbortController();
    const url = new URL(this.field.dataset.lookupUrl, document.baseURI);
    url.searchParams.set("q", text);
    try {
      const answer = await fetch(url, { signal: this.asking.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      this.show((await answer.json()).items);
    } catch (problem) {
      // Without suggestions the code can still be typed: the server checks it.
      if (problem.name !== "AbortError") this.close();
    }
  }

  show(items) {
    this.items = items;
    this.at = -1;
    this.list.replaceChildren(...items.map((item, index) => this.option(item, index)));
    if (items.length === 0 && this.field.dataset.lookupEmpty) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = this.field.dataset.lookupEmpty;
      this.list.append(none);
    }
    this.list.hidden = this.list.childElementCount === 0;
    this.field.setAttribute("aria-expanded", String(!this.list.hidden));
    const exact = items.find((item) => item.value === this.field.value.trim());
    if (exact && this.label) this.label.textContent = exact.label;
  }

  option(item, index) {
    const option = document.createElement("li");
    option.id = `${this.list.id}-${index}`;
    option.dataset.index = String(index);
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    for (const [name, text] of [["code", item.value], ["name", item.label], ["detail", item.detail]]) {
      if (!text) continue;
      const part = document.createElement("span");
      part.className = name;
      part.textContent = text;
      option.append(part);
    }
    return option;
  }

  move(step) {
    if (this.items.length === 0) return;
    this.at = (this.at + step + this.items.length) % this.items.length;
    for (const option of this.list.children) {
      const here = Number(option.dataset.index) === this.at;
      option.setAttribute("aria-selected", String(here));
      if (here) {
        this.field.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      }
    }
  }

  choose(index) {
    const item = this.items[index];
    this.field.value = item.value;
    if (this.label) this.label.textContent = item.label;
    this.close();
    this.field.dispatchEvent(new CustomEvent("lookup:chosen", { bubbles: true, detail: item }));
  }

  close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.at = -1;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }

  onKey(event) {
    if (event.isComposing) return;
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (open) this.move(event.key === "ArrowDown" ? 1 : -1);
      else this.ask();
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Enter" && open && this.at >= 0) {
      // Chosen; the same key then goes on to the next field, where the form asks for that.
      this.choose(this.at);
      if (!("enterNext" in this.field.form.dataset)) event.preventDefault();
    } else if (event.key === "Enter") {
      this.close();
    }
  }
}

export function setUpLookup() {
  for (const field of document.querySelectorAll("input[data-lookup-url]")) new Lookup(field);
}
