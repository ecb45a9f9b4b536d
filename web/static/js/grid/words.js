// What the grid says in words: how the saving stands, which cell one is in, and,
// politely and not too often, to those who listen rather than look.

const states = {
  saving: "saving", saved: "saved", changed: "changed by someone else", retrying: "not saved yet, trying again",
  conflict: "conflict: someone else changed this score", refused: "not saved",
};

export class Words {
  constructor(grid, summary, live) {
    Object.assign(this, { grid, summary, live, pending: "", timer: 0 });
  }

  // name is "Hopper, Grace · Quiz 3".
  name(input) {
    if (!input) return "a score that is no longer in this table";
    const [student, assignment] = this.heads(input);
    return `${student} · ${assignment}`;
  }

  heads(input) {
    const td = input.closest("td"), th = this.grid.tHead.rows[0].cells[td.cellIndex];
    return [td.parentElement.cells[0].textContent.trim(), th.querySelector(".t").textContent.trim(), th.dataset.possible];
  }

  // here describes the cell that has the focus, above the table.
  here(input) {
    const td = input.closest("td"), [student, assignment, possible] = this.heads(input);
    const line = document.getElementById("where");
    const who = document.createElement("bdi"), what = document.createElement("bdi");
    who.textContent = student;
    what.textContent = assignment;
    const strong = document.createElement("b");
    strong.append(who, " · ", what);
    const more = [`of ${possible}`];
    if (td.dataset.set) more.push(td.dataset.set);
    if (td.dataset.note) more.push(`“${td.dataset.note}”`);
    if (td.dataset.state && td.dataset.state !== "saved") {
      more.push(td.dataset.state === "changed" && td.dataset.by ? `changed by ${td.dataset.by}` : states[td.dataset.state]);
    }
    if (td.dataset.why) more.push(td.dataset.why);
    line.replaceChildren(strong, " " + more.join(" · "));
  }

  // sum is the one line that answers "is my work safe?".
  sum(queue) {
    const n = queue.unsaved, conflicts = [...queue.held.values()].filter((h) => h.current).length;
    const refused = queue.held.size - conflicts;
    const values = (k) => (k === 1 ? "1 value" : `${k} values`);
    let state = "saved", text = "✓ All changes saved";
    if (n) [state, text] = ["saving", `… Saving ${values(n - queue.held.size)}`];
    if (queue.trouble === "retry") [state, text] = ["retrying", `↻ ${values(n)} kept here: the gradebook does not answer yet, trying again`];
    else if (queue.trouble === "signin") [state, text] = ["signin", `! Signed out. ${values(n)} kept here: sign in in another tab and they will be saved`];
    else if (conflicts) [state, text] = ["conflict", `≠ ${conflicts === 1 ? "1 conflict" : `${conflicts} conflicts`} to settle`];
    else if (refused) [state, text] = ["refused", `! ${values(refused)} not saved`];
    if (this.summary.textContent === text) return;
    this.summary.textContent = text;
    this.summary.dataset.state = state;
    if (state !== "saving") this.say(text.slice(2));
  }

  // say speaks at most once a second and only the newest sentence, so that a
  // fast typist is not talked over.
  say(text) {
    this.pending = text;
    this.timer ||= setTimeout(() => { this.timer = 0; this.live.textContent = this.pending; }, 1000);
  }
}
