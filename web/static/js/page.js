// On every page: times are written by the server in UTC inside <time>; people
// read them in their own zone. Without this script they read UTC, which says so.
for (const t of document.querySelectorAll("time[datetime]:not([data-utc])")) {
  const at = new Date(t.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  t.title = t.dateTime;
  t.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
