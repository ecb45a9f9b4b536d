// The gradebook page: a table of inputs, a queue that saves, and the words
// that say how it stands. Every cell keeps its own truth where anyone can look:
//
//   input.value         what is on the screen
//   input.defaultValue  what the gradebook is known to hold (the value attribute)
//   input.dataset.v     the version of that
//   td.dataset.set      the score's status, if not plainly graded
//   td.dataset.state    saving, saved, changed, retrying, conflict, refused

import { parse, show } from "./cell.js";
import { SaveQueue, cellId } from "./queue.js";
import { sender, table as readTable, version as readVersion, renew } from "./api.js";
import { Mover } from "./move.js";
import { block } from "./paste.js";
import { Conflicts } from "./conflicts.js";
import { Words } from "./words.js";
import { Freshness } from "./fresh.js";
import { filter } from "./filter.js";

const $ = (id) => document.getElementById(id);
const grid = $("grid");
if (grid) start(grid);

function start(grid) {
  const { course, account } = grid.dataset;
  const columns = [...grid.tHead.rows[0].cells].map((th) => th.dataset.a ?? "");
  const column = new Map(columns.map((a, c) => [a, c]));
  const row = new Map([...grid.tBodies[0].rows].map((tr) => [tr.dataset.s, tr]));
  const find = ({ student, assignment }) => row.get(student)?.cells[column.get(assignment)]?.querySelector("input");
  const where = (i) => ({ student: i.closest("tr").dataset.s, assignment: columns[i.closest("td").cellIndex] });

  const mover = new Mover(grid, $("gridwrap"));
  const words = new Words(grid, $("savestate"), $("live"));
  const fresh = new Freshness({
    read: () => readTable(course), version: () => readVersion(course), known: Number(grid.dataset.version) || 0,
    take: (book) => book.rows.forEach((r) => { const tr = row.get(r.student.id); if (tr) takeRow(tr, r); }),
  });
  const queue = new SaveQueue({
    send: sender(course), tell, store: sessionStorage, name: `rollcall ${account} ${course}`,
  });
  const conflicts = new Conflicts($("conflicts"), $("showconflicts"), {
    held: queue.held, name: (c) => words.name(find(c)), mine: (id) => queue.keepMine(id), theirs: dropMine,
  });
  const undo = []; // {input, text}: what stood in a cell before each edit, newest last

  // ── one cell, from typing to the queue ─────────────────────────────────────
  function enter(input, text, { undoable = true } = {}) {
    const td = input.closest("td"), known = input.defaultValue;
    const score = parse(text);
    input.value = score.error ? text : show(score);
    if (input.value === (input.dataset.sent ?? known)) return;
    if (input.value === known && td.dataset.state === "refused") return settle(input);
    if (undoable) undo.push({ input, text: input.dataset.sent ?? known });
    input.dataset.sent = input.value;
    const change = { ...where(input), comment: td.dataset.note ?? "", baseVersion: Number(input.dataset.v) || 0, text: input.value };
    if (score.error) queue.refuse(change, score.error);
    else queue.put({ ...change, ...score });
  }

  // settle gives up a refused value: the cell is again what the gradebook has.
  function settle(input) {
    queue.drop(cellId(where(input)));
    input.value = input.defaultValue;
    delete input.dataset.sent;
    unmark(input);
    words.sum(queue);
  }

  // tell is the queue's report of one cell.
  function tell(change, state, detail) {
    const input = find(change);
    if (input) {
      if (state === "saved") {
        input.dataset.v = detail.version;
        input.defaultValue = change.text; // moves the attribute, not what is being typed
        delete input.dataset.sent;
        dress(input.closest("td"), change);
      }
      if (state === "conflict") input.dataset.sent = change.text;
      mark(input, state, detail?.error ?? detail?.why ?? "");
    }
    words.sum(queue);
    conflicts.draw();
    if (queue.unsaved === 0) fresh.soon();
  }

  function mark(input, state, why = "") {
    const td = input.closest("td");
    td.dataset.state = state;
    input.setAttribute("aria-describedby", `say-${state}`);
    input.toggleAttribute("aria-invalid", state === "refused" || state === "conflict");
    if (why && state === "refused") { td.dataset.why = why; words.say(why); } else delete td.dataset.why;
    if (input === document.activeElement) words.here(input);
  }

  function unmark(input) {
    const td = input.closest("td");
    delete td.dataset.state;
    delete td.dataset.why;
    input.removeAttribute("aria-describedby");
    input.removeAttribute("aria-invalid");
    words.here(input);
  }

  function dress(td, score) {
    if (score.status && score.status !== "graded") td.dataset.set = score.status; else delete td.dataset.set;
    if (score.comment) td.dataset.note = score.comment; else delete td.dataset.note;
  }

  // put a score the gradebook holds into its cell
  function take(input, score, state) {
    input.value = input.defaultValue = show(score);
    input.dataset.v = score?.version ?? 0;
    delete input.dataset.sent;
    dress(input.closest("td"), score ?? {});
    if (state) mark(input, state);
  }

  function dropMine(id, change) {
    const theirs = queue.drop(id), input = find(change);
    if (input) take(input, theirs, "changed");
    words.sum(queue);
    conflicts.draw();
  }

  // takeRow brings totals and colleagues' changes; a cell with an unsaved or
  // half-typed value is left alone, its own answer will tell.
  function takeRow(tr, r) {
    for (const kind of ["current", "final"]) {
      const td = tr.querySelector(`[data-total="${kind}"]`), t = r[kind] ?? {};
      td.querySelector(".n").textContent = t.percent ?? "–";
      td.querySelector(".l").textContent = t.letter ?? "";
    }
    for (const [assignment, score] of Object.entries(r.scores ?? {})) {
      const input = tr.cells[column.get(assignment)]?.querySelector("input");
      const typing = input && (input.dataset.sent !== undefined || input.value !== input.defaultValue);
      if (!input || typing || score.version <= (Number(input.dataset.v) || 0)) continue;
      const other = show(score) !== input.value;
      take(input, score, other ? "changed" : undefined);
      if (other) input.closest("td").dataset.by = score.byName ?? "";
    }
  }

  // ── the keyboard, the clipboard, the pointer ───────────────────────────────
  grid.addEventListener("focusin", (e) => {
    if (e.target.tagName !== "INPUT") return;
    e.target.inputMode = "decimal";
    mover.take(e.target);
    e.target.select();
    words.here(e.target);
  });
  grid.addEventListener("focusout", (e) => { if (e.target.tagName === "INPUT") enter(e.target, e.target.value); });
  grid.addEventListener("keydown", (e) => {
    const i = e.target;
    if (i.tagName !== "INPUT" || e.isComposing) return;
    if (e.ctrlKey || e.metaKey) {
      if (e.key === "z" && takeBack(i)) e.preventDefault();
      if (e.key === "d") { e.preventDefault(); const above = mover.step(i, -1, 0); if (above) enter(i, above.value); }
      return;
    }
    if (e.altKey) return;
    if (e.key === "Escape") {
      if (i.closest("td").dataset.state === "refused") settle(i);
      const stood = i.dataset.sent ?? i.defaultValue;
      if (i.value !== stood) { i.value = stood; i.select(); } else mover.frame.focus();
      e.preventDefault();
      return;
    }
    if (mover.key(e)) e.preventDefault();
    if (e.key === "Enter" && i === document.activeElement) { enter(i, i.value); i.select(); } // nowhere to go on: take it all the same
  });

  // Undo is the browser's own while a cell is being typed in, ours after.
  function takeBack(i) {
    if (i.value !== (i.dataset.sent ?? i.defaultValue) || !undo.length) return false;
    const { input, text } = undo.pop();
    mover.go(input);
    enter(input, text, { undoable: false });
    return true;
  }

  grid.addEventListener("paste", (e) => {
    const rows = block(e.clipboardData.getData("text/plain"));
    if (!rows || e.target.tagName !== "INPUT") return;
    e.preventDefault();
    let put = 0, outside = 0, line = e.target;
    for (const texts of rows) {
      let at = line;
      for (const text of texts) {
        if (at) { enter(at, text); put++; at = mover.step(at, 0, 1); } else outside++;
      }
      line = line && mover.step(line, 1, 0);
    }
    words.say(`${put} cells pasted${outside ? `, ${outside} lay outside the table and were left out` : ""}`);
  });
  $("here").addEventListener("click", (e) => {
    const text = e.target.closest("button")?.dataset.put;
    if (text === undefined || !mover.active) return;
    enter(mover.active, text);
    mover.go(mover.active);
  });

  filter($("filter"), $("section"), grid, (n) => words.say(`${n} students shown`));

  // ── what an earlier page of this tab left unsaved, and leaving with some ───
  for (const c of queue.restore()) {
    const input = find(c);
    if (input) { input.value = input.dataset.sent = c.text; mark(input, c.error ? "refused" : "saving", c.error); }
  }
  words.sum(queue);
  addEventListener("beforeunload", (e) => { if (queue.unsaved) e.preventDefault(); });
  let renewed = Date.now();
  grid.addEventListener("input", () => { if (Date.now() - renewed > 300_000) { renewed = Date.now(); renew(); } });
  grid.dataset.ready = "true";
}
