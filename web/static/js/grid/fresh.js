// Keeping the table true: totals after our own saves, scores after a
// colleague's. A cheap question (the course's number of last change, from any
// copy) decides whether the whole table is worth reading.

const pause = 700;    // ms after the last save before totals are read again
const look = 10_000;  // ms between two cheap questions while the page is visible

export class Freshness {
  constructor({ read, version, known, take }) {
    Object.assign(this, { readTable: read, version, known, take, timer: 0, busy: false });
    setInterval(() => { if (!document.hidden) this.ask(); }, look);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.ask(); });
  }

  // soon reads the table once the typing has paused.
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.read(), pause);
  }

  async ask() {
    try { if (await this.version() > this.known) await this.read(); } catch { /* the next look will tell */ }
  }

  async read() {
    if (this.busy) return this.soon();
    this.busy = true;
    try {
      const book = await this.readTable();
      this.known = Math.max(this.known, book.version ?? 0);
      this.take(book);
    } catch { /* totals stay as they were; the save line speaks about saving */ }
    this.busy = false;
  }
}
