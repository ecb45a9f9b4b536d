// The conflict dialog. A conflict is two people's work on one score; both
// values are shown and one of the two is chosen by a person, never by a rule.

import { show } from "./cell.js";

export class Conflicts {
  constructor(dialog, button, { held, name, mine, theirs }) {
    Object.assign(this, { dialog, button, held, name, mine, theirs });
    this.list = dialog.querySelector("ul");
    button.addEventListener("click", () => { this.draw(); dialog.showModal(); });
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  }

  draw() {
    const open = [...this.held].filter(([, h]) => h.current);
    this.button.hidden = open.length === 0;
    this.button.textContent = `≠ Settle ${open.length === 1 ? "1 conflict" : `${open.length} conflicts`}`;
    if (open.length === 0) { if (this.dialog.open) this.dialog.close(); return; }
    this.list.replaceChildren(...open.map(([id, h]) => this.item(id, h)));
  }

  item(id, { change, current }) {
    const li = document.createElement("li"), both = document.createElement("div");
    const title = document.createElement("bdi");
    title.textContent = this.name(change);
    both.className = "both";
    const at = current.at ? new Date(current.at).toLocaleString() : "";
    both.append(
      choice("mine", "Keep mine", change.text, "typed here", () => this.mine(id)),
      choice("theirs", "Take theirs", show(current), [current.byName, at].filter(Boolean).join(", "), () => this.theirs(id, change)),
    );
    li.dataset.conflict = id;
    li.append(title, both);
    return li;
  }
}

function choice(which, verb, value, from, act) {
  const b = document.createElement("button");
  b.type = "button";
  b.dataset.choose = which;
  for (const [tag, text] of [["span", verb], ["b", value === "" ? "no score" : value], ["small", from]]) {
    const el = document.createElement(tag);
    el.textContent = text;
    b.append(el);
  }
  b.addEventListener("click", act);
  return b;
}
