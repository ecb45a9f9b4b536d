// Showing part of the table: by a few letters of a name, by section. Rows are
// hidden, never removed, so nothing unsaved can get lost with them.

const plain = (s) => s.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export function filter(text, section, grid, tell) {
  const apply = () => {
    const want = plain(text.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const tr of grid.tBodies[0].rows) {
      const name = plain(tr.cells[0].textContent);
      tr.hidden = !want.every((w) => name.includes(w)) || Boolean(section?.value && tr.dataset.section !== section.value);
      if (!tr.hidden) shown++;
    }
    tell(shown);
  };
  text.addEventListener("input", apply);
  section?.addEventListener("change", apply);
}
