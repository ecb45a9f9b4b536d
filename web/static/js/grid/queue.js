// The save queue: typed values on their way to the gradebook.
//
//   put ──► waiting ──cut──► batch ──answer──► saved
//             ▲                │ no answer: the same bytes again, same key
//             └─ keepMine ◄── held (conflict, refused)
//
// Three promises. A value is forgotten only when the gradebook has answered for
// it, or its author chose otherwise. A batch's bytes and its Idempotency-Key
// never change, so sending it twice, also to another node, applies it once. A
// value carries the version its author was looking at, so it can not silently
// replace a colleague's.
//
// Nothing here knows the page: it is given `send` and tells by `tell`.

const most = 400; // cells in one request

export class SaveQueue {
  // send(batch) resolves to one of
  //   {kind: "answered", results}     the gradebook answered, cell by cell
  //   {kind: "refused", why, faulty}  the whole request is refused; do not repeat;
  //                                   faulty when for something in one of the cells
  //   {kind: "retry" | "signin", why} nothing is known; repeat the same bytes
  // tell(change, state, detail) is called at every step of every cell.
  // store is a Storage (or null), name the key under which the queue is kept.
  constructor({ send, tell, store = null, name = "queue", pause = backoff }) {
    Object.assign(this, { send, tell, store, name, pause });
    this.waiting = new Map(); // cell id → change, the newest typed value
    this.held = new Map();    // cell id → {change, current}: needs its author
    this.batch = null;        // {key, changes}: under way until answered
    this.alone = [];          // changes that go one by one
    this.trouble = "";        // why the batch is being repeated
    this.running = false;
  }

  get unsaved() { return this.waiting.size + this.held.size + this.alone.length + (this.batch?.changes.length ?? 0); }

  // put takes a change {student, assignment, points, status, comment,
  // baseVersion, text}. A newer value for a cell that still waits replaces it
  // but keeps its base: that is what its author saw.
  put(change) {
    const id = cellId(change);
    const earlier = this.waiting.get(id);
    if (earlier) change.baseVersion = earlier.baseVersion;
    this.held.delete(id);
    this.waiting.set(id, change);
    this.tell(change, "saving");
    this.keep();
    this.run();
  }

  // refuse holds what can not be sent at all, such as a word that is no score.
  refuse(change, error) {
    const id = cellId(change);
    this.waiting.delete(id);
    this.held.set(id, { change: { ...change, error } });
    this.tell(change, "refused", { error });
    this.keep();
  }

  // keepMine answers a conflict: the held value again, now on top of theirs.
  keepMine(id) {
    const h = this.held.get(id);
    if (h) this.put({ ...h.change, baseVersion: h.current?.version ?? h.change.baseVersion });
  }

  // drop gives up a held value and returns what the gradebook has instead, if
  // it said so.
  drop(id) {
    const h = this.held.get(id);
    this.held.delete(id);
    this.keep();
    return h?.current;
  }

  async run() {
    if (this.running) return;
    this.running = true;
    await Promise.resolve(); // a paste puts many cells in one go: let them in
    for (let tries = 0; this.batch || this.alone.length || this.waiting.size;) {
      this.batch ??= this.cut();
      const answer = await this.send(this.batch).catch((e) => ({ kind: "retry", why: String(e.message ?? e) }));
      if (answer.kind === "retry" || answer.kind === "signin") {
        this.trouble = answer.kind;
        for (const c of this.batch.changes) this.tell(c, "retrying", answer);
        await this.pause(tries++);
        continue;
      }
      tries = 0;
      this.trouble = "";
      const { changes } = this.batch;
      this.batch = null;
      if (answer.kind === "refused" && answer.faulty && changes.length > 1) {
        this.alone.push(...changes); // one of them is at fault: each by itself, so that the others are saved
        this.keep();
        continue;
      }
      changes.forEach((c, i) => this.settle(c, resultFor(answer, c, i)));
      this.keep();
    }
    this.running = false;
  }

  cut() {
    let changes = this.alone.splice(0, 1);
    if (changes.length === 0) {
      changes = [...this.waiting.values()].slice(0, most);
      for (const c of changes) this.waiting.delete(cellId(c));
    }
    this.batch = { key: randomKey(), changes };
    this.keep(); // before it is sent: a reload repeats it under its key
    return this.batch;
  }

  settle(change, result) {
    const id = cellId(change);
    const newer = this.waiting.get(id); // typed while this one was under way
    const refused = this.held.get(id); // or typed, and no score
    if (refused) {
      refused.change.baseVersion = result.error ? change.baseVersion : result.version;
      return;
    }
    if (!result.error) {
      if (newer) newer.baseVersion = result.version;
      else this.tell(change, "saved", result);
      return;
    }
    // An error comes with the score that stands. Another version than the one
    // its author saw is a conflict; with the same one the value itself is wrong.
    const current = result.current && result.current.version !== change.baseVersion ? result.current : undefined;
    if (newer && !current) return; // the newer value will be judged itself
    if (newer) this.waiting.delete(id);
    const kept = newer ?? change;
    this.held.set(id, { change: kept, current });
    this.tell(kept, current ? "conflict" : "refused", result);
  }

  keep() {
    if (!this.store) return;
    const held = [...this.held.values()].map((h) => h.change);
    if (this.unsaved === 0) this.store.removeItem(this.name);
    else this.store.setItem(this.name, JSON.stringify({ batch: this.batch, waiting: [...held, ...this.alone, ...this.waiting.values()] }));
  }

  // restore takes up what an earlier page of this tab left behind, and returns
  // those changes so that the page can show them.
  restore() {
    let left;
    try { left = JSON.parse(this.store?.getItem(this.name) ?? "null"); } catch { left = null; }
    if (!left) return [];
    this.batch = left.batch;
    for (const c of left.waiting) {
      if (c.error) this.held.set(cellId(c), { change: c });
      else this.waiting.set(cellId(c), c);
    }
    const all = [...(this.batch?.changes ?? []), ...this.waiting.values(), ...[...this.held.values()].map((h) => h.change)];
    if (all.length) this.run();
    return all;
  }
}

export const cellId = (c) => `${c.student} ${c.assignment}`;

function resultFor(answer, change, i) {
  if (answer.kind === "refused") return { error: answer.why };
  const same = (r) => r?.student === change.student && r?.assignment === change.assignment;
  const r = same(answer.results?.[i]) ? answer.results[i] : answer.results?.find(same);
  return r ?? { error: "The gradebook's answer does not mention this cell." };
}

// randomKey: crypto.randomUUID exists on secure origins only, this everywhere.
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

// backoff waits 250 ms, 500 ms … 4 s, each within ±25 % so that many pages do
// not come back together; the browser finding its network again ends the wait.
function backoff(tries) {
  const ms = Math.min(4000, 250 * 2 ** Math.min(tries, 4)) * (0.75 + Math.random() / 2);
  return new Promise((done) => {
    const end = () => { clearTimeout(timer); removeEventListener("online", end); done(); };
    const timer = setTimeout(end, ms);
    addEventListener("online", end);
  });
}
