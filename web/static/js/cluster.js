// The cluster page, live. htmx follows /v1/cluster/events and, when the view
// has changed, asks this node for the ring and the table again; what is done
// here: the timeline, pausing, and noticing that the node fell silent.

const live = document.getElementById("live");
if (live) follow(live);

function follow(live) {
  const $ = (id) => document.getElementById(id);
  const list = $("timeline"), button = $("pause"), said = $("livesaid"), silent = $("silent");
  const most = 300; // events kept on the page
  let paused = false, heard = Date.now(), connected = false, state = "";

  const tell = (now, text) => {
    if (state === now) return;
    state = live.dataset.state = now;
    said.textContent = text;
    silent.hidden = now !== "silent";
  };
  const hear = () => { heard = Date.now(); if (!paused) tell("live", "Live"); };

  live.addEventListener("htmx:sse:after:connection", () => { connected = true; hear(); });
  live.addEventListener("htmx:sse:close", () => { connected = false; });
  live.addEventListener("htmx:sse:before:message", (e) => {
    hear();
    const { event, data } = e.detail.message;
    if (event === "timeline") add(JSON.parse(data));
    if (paused && (event === "cluster" || event === "snapshot")) e.preventDefault();
  });
  for (const name of ["htmx:sse:error", "htmx:sse:close"]) live.addEventListener(name, () => probe());

  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "▶ Resume" : "❚❚ Pause";
    if (paused) tell("paused", "Paused: the page stands still, the cluster does not");
    else { state = ""; hear(); live.dispatchEvent(new Event("cluster")); }
  });

  // A stopped process keeps its connections open and says nothing: ask it. The
  // extension takes up a stream that broke by itself, but not one whose first
  // request failed: that one is asked for again here.
  async function probe() {
    try {
      const r = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(1500) });
      if (r.ok) {
        if (!connected) live.dispatchEvent(new Event("reconnect"));
        return hear();
      }
    } catch { /* below */ }
    const seconds = Math.round((Date.now() - heard) / 1000);
    tell("silent", `No answer from ${live.dataset.servedby} for ${seconds} s; what is shown is what it last said`);
  }
  setInterval(() => { if (!document.hidden && Date.now() - heard > 2500) probe(); }, 1000);

  // ── the timeline: newest first, each with the time since the one before ────
  const tones = [
    [/fail|lost|less|unreach|critical|silent|refus|cut/, "bad"],
    [/leav|left|withdr|warn|stand|moved|suspect/, "warn"],
    [/join|alive|lead|voter|heal|accept|found|pass|serv|back/, "good"],
  ];
  const seen = new Set();

  function add(event) {
    if (seen.has(event.id)) return;
    seen.add(event.id);
    const li = document.createElement("li"), at = Date.parse(event.at);
    li.dataset.at = at;
    li.dataset.kind = event.kind;
    li.dataset.tone = tones.find(([like]) => like.test(event.kind))?.[1] ?? "";
    li.className = paused ? "" : "new";
    const time = el("time", clock(at));
    time.dateTime = event.at;
    const what = el("span");
    what.append(el("span", event.kind, "kind"), " ", el("bdi", event.name ?? ""), event.detail ? ` — ${event.detail}` : "");
    li.append(time, el("span", "", "since"), what);
    // events nearly always come in order; the few that do not find their place
    let below = list.firstElementChild;
    while (below && Number(below.dataset.at) > at) below = below.nextElementSibling;
    list.insertBefore(li, below);
    for (const l of [li, li.previousElementSibling]) if (l) since(l);
    while (list.children.length > most) list.lastElementChild.remove();
    $("noevents").hidden = true;
  }

  function since(li) {
    const older = li.nextElementSibling;
    if (!older) return;
    const ms = Number(li.dataset.at) - Number(older.dataset.at);
    li.querySelector(".since").textContent = ms < 60_000 ? `+${ms} ms` : "";
  }
}

function el(tag, text = "", cls = "") {
  const e = document.createElement(tag);
  e.textContent = text;
  if (cls) e.className = cls;
  return e;
}

function clock(at) {
  const d = new Date(at), two = (n) => String(n).padStart(2, "0");
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}
