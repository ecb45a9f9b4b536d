// The three calls the grid makes. The session cookie goes along by itself, and
// the browser's own Sec-Fetch-Site header proves to the server that the call
// comes from this page.

const patience = 8000; // ms without an answer before the same bytes go again

// sender returns the queue's `send` for one course.
export const sender = (course) => async (batch) => {
  const scores = batch.changes.map(({ student, assignment, points, status, comment, baseVersion }) =>
    ({ student, assignment, points, status, comment, baseVersion }));
  const r = await fetch(`/v1/courses/${course}/scores`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": batch.key },
    body: JSON.stringify({ scores, each: true }),
    signal: AbortSignal.timeout(patience),
  });
  if (r.ok) return { kind: "answered", results: (await r.json()).results };
  const why = await problem(r);
  if (r.status === 401) return { kind: "signin", why };
  // 408, 425, 429 and everything from 500 on may pass; the rest will not.
  if (r.status >= 500 || [408, 425, 429].includes(r.status)) return { kind: "retry", why };
  return { kind: "refused", why, faulty: r.status === 400 || r.status === 422 };
};

// table reads the whole gradebook, version reads only its number of last change.
export const table = (course) => get(`/v1/courses/${course}/gradebook`);
export const version = async (course) => (await get(`/v1/courses/${course}?consistency=stale`)).version;

// renew moves the session's idle clock: typing is use, though no page is loaded.
export const renew = () => fetch("/session/renew", { method: "POST", signal: AbortSignal.timeout(patience) }).catch(() => {});

async function get(url) {
  const r = await fetch(url, { signal: AbortSignal.timeout(patience) });
  if (!r.ok) throw new Error(await problem(r));
  return r.json();
}

// problem turns an RFC 9457 answer into one sentence.
async function problem(r) {
  try {
    const p = await r.json();
    const faults = (p.errors ?? []).map((e) => e.message).filter(Boolean);
    return [p.detail || p.title, ...faults].filter(Boolean).join(" · ") || `answer ${r.status}`;
  } catch {
    return `answer ${r.status}`;
  }
}
