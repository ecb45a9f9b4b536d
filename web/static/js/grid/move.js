// Moving about the grid by keyboard, as a spreadsheet does.
//
// One cell at a time is in the tab order (a roving tabindex), so that Tab into
// the table lands where one left it. Inside, Tab goes right and on to the next
// row. Esc first takes back what was typed, then steps out to the frame of the
// table, from where Tab leaves it: nobody is trapped.

export class Mover {
  constructor(table, frame) {
    this.table = table;
    this.frame = frame;
    this.active = table.querySelector("td input");
    if (this.active) this.active.tabIndex = 0;
  }

  get rows() { return this.table.tBodies[0].rows; }
  at(r, c) { return this.rows[r]?.cells[c]?.querySelector("input") ?? null; }
  place(input) { return [input.closest("tr").sectionRowIndex, input.closest("td").cellIndex]; }
  get last() { return this.table.tHead.rows[0].cells.length - 1; }
  get first() { return this.table.querySelector("td input")?.closest("td").cellIndex ?? 0; }

  take(input) {
    if (!input) return false;
    if (this.active) this.active.tabIndex = -1;
    this.active = input;
    input.tabIndex = 0;
    return true;
  }

  go(input) {
    if (!this.take(input)) return false;
    input.focus();
    input.select();
    return true;
  }

  // step walks in one direction over rows that a filter hides.
  step(from, dr, dc) {
    let [r, c] = this.place(from);
    do { r += dr; c += dc; } while (this.rows[r]?.hidden);
    return this.at(r, c);
  }

  // next is the cell to the right, or the first of the following visible row.
  next(from, back) {
    const beside = this.step(from, 0, back ? -1 : 1);
    if (beside) return beside;
    const row = this.step(from, back ? -1 : 1, 0);
    return row && this.at(this.place(row)[0], back ? this.last : this.first);
  }

  // key handles one keydown; true means it was ours.
  key(e) {
    const i = e.target, whole = i.selectionStart === 0 && i.selectionEnd === i.value.length;
    const jump = (dr, dc, n = 1) => { let to = null, at = i; while (n-- > 0 && (at = this.step(at, dr, dc))) to = at; return this.go(to); };
    const [r] = this.place(i);
    switch (e.key) {
      case "Enter": jump(e.shiftKey ? -1 : 1, 0); return true;
      case "ArrowDown": jump(1, 0); return true;
      case "ArrowUp": jump(-1, 0); return true;
      case "PageDown": jump(1, 0, 10); return true;
      case "PageUp": jump(-1, 0, 10); return true;
      case "ArrowRight": return (whole || i.selectionStart === i.value.length) && jump(0, 1);
      case "ArrowLeft": return (whole || i.selectionEnd === 0) && jump(0, -1);
      case "Home": return whole && this.go(this.at(r, this.first));
      case "End": return whole && this.go(this.at(r, this.last));
      case "Tab": return this.go(this.next(i, e.shiftKey));
      case "F2": i.setSelectionRange(i.value.length, i.value.length); return true;
    }
    return false;
  }
}
