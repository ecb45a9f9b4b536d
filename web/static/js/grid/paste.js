// Reading a block that was copied from a spreadsheet: rows by line, cells by
// tab, and quotes around a cell that itself holds a tab, a quote or a line end.

// block returns the rows, or null when the text is a single plain cell and the
// browser may paste it by itself.
export function block(text) {
  const t = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  if (!/[\t\n]/.test(t)) return null;
  const rows = [[]];
  let cell = "", quoted = false;
  const put = () => { rows.at(-1).push(cell.trim()); cell = ""; };
  for (let i = 0; i < t.length; i++) {
    const ch = t[i];
    if (quoted && ch === '"' && t[i + 1] === '"') { cell += ch; i++; }
    else if (ch === '"' && (quoted || cell === "")) quoted = !quoted;
    else if (!quoted && ch === "\t") put();
    else if (!quoted && ch === "\n") { put(); rows.push([]); }
    else cell += ch;
  }
  put();
  return rows;
}
