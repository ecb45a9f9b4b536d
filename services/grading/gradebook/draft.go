package gradebook

import (
	"slices"
	"strconv"
)

// draft is the next state in the making. It starts as a shallow copy of the
// state before it and copies a part when that part is first written:
//
//	was   ─► courses ─► c1 ─► rows ─► row ─► scores
//	          copied   copied copied copied    one new
//
// Whether a part is still shared is seen by comparing it with the one in was.
//
// Lists that only grow are appended to in place: the new element lies beyond
// the length that any older state knows, so nobody reads it. There is only
// one line of states, so a dropped draft's leftovers are simply written over.
type draft struct {
	state
	was  *state
	meta Meta
	kind string
}

func newDraft(was *state, m Meta, kind string) *draft {
	return &draft{state: *was, was: was, meta: m, kind: kind}
}

func (d *draft) commit() *state {
	d.index = max(d.index, d.meta.Index)
	next := d.state
	return &next
}

// own returns list, copied if it is still the old state's.
func own[E any](list, was []E) []E {
	if len(list) > 0 && len(was) > 0 && &list[0] == &was[0] {
		return slices.Clone(list)
	}
	return list
}

// edit returns a writable element of a list of pointers, and the list.
func edit[E any](list, was []*E, i int) ([]*E, *E) {
	if i < len(was) && list[i] == was[i] {
		list = own(list, was)
		copied := *list[i]
		list[i] = &copied
	}
	return list, list[i]
}

// editAccount returns a writable account.
func (d *draft) editAccount(id string) (*Account, error) {
	i, err := place("account", id, 'u', len(d.accounts))
	if err != nil {
		return nil, err
	}
	var a *Account
	d.accounts, a = edit(d.accounts, d.was.accounts, i)
	return a, nil
}

// editStudent returns a writable student.
func (d *draft) editStudent(id string) (*Student, error) {
	i, err := place("student", id, 's', len(d.students))
	if err != nil {
		return nil, err
	}
	var s *Student
	d.students, s = edit(d.students, d.was.students, i)
	return s, nil
}

// editCourse returns a writable course. Its inner lists may be appended to;
// their elements are to be owned first.
func (d *draft) editCourse(id string) (*course, error) {
	i, err := place("course", id, 'c', len(d.courses))
	if err != nil {
		return nil, err
	}
	var c *course
	d.courses, c = edit(d.courses, d.was.courses, i)
	if c.sums == nil || c.sums == d.oldCourse(c).sums {
		c.sums = new(summaryCache)
	}
	return c, nil
}

// oldCourse returns the course as it was before this draft; empty if it is new.
func (d *draft) oldCourse(c *course) *course {
	if n := ordinal(c.ID, 'c'); n > 0 && n <= len(d.was.courses) {
		return d.was.courses[n-1]
	}
	return &course{}
}

// setCell puts a score in the table.
func (d *draft) setCell(c *course, r, a int, s *Score) {
	old := d.oldCourse(c)
	c.rows = own(c.rows, old.rows)
	row := c.rows[r]
	if r < len(old.rows) {
		row = own(row, old.rows[r])
	}
	for len(row) <= a {
		row = append(row, nil)
	}
	row[a] = s
	c.rows[r] = row
}

// record appends a line to the history, of the course or, with a nil course,
// of the book, and completes it with who, when and where.
func (d *draft) record(c *course, e Event) {
	d.seq++
	e.Index, e.Seq, e.At = d.meta.Index, d.seq, d.meta.At
	e.By, e.ByName, e.Node = d.meta.By, d.meta.ByName, d.meta.Node
	e.Kind = d.kind
	if c == nil {
		d.events = append(d.events, e)
		return
	}
	e.Course = c.ID
	c.events = append(c.events, e)
	if e.Kind != KindRefused {
		c.Version = d.seq
	}
}

// refuse keeps the values that lost against newer ones in the history.
func (d *draft) refuse(conflict *ConflictError) {
	c, err := d.editCourse(conflict.Course)
	if err != nil {
		return // it was found when the conflict was, in the same state
	}
	for _, cell := range conflict.Cells {
		d.refuseCell(c, cell)
	}
}

func (d *draft) refuseCell(c *course, cell CellConflict) {
	kind := d.kind
	d.kind = KindRefused
	d.record(c, Event{Student: cell.Student, Assignment: cell.Assignment, Before: c.score(cell.Cell), After: &cell.Wanted})
	d.kind = kind
}

// id makes the readable id of the nth thing of its kind.
func id(prefix byte, n uint64) string {
	return string(strconv.AppendUint([]byte{prefix}, n, 10))
}

// ordinal reads such an id back; 0 if it is none.
func ordinal(id string, prefix byte) int {
	if len(id) < 2 || len(id) > 10 || id[0] != prefix || id[1] == '0' || !onlyDigits(id[1:]) {
		return 0
	}
	n, _ := strconv.Atoi(id[1:])
	return n
}

// place finds an id in a list of the given length.
func place(what, id string, prefix byte, length int) (int, error) {
	n := ordinal(id, prefix)
	if n == 0 || n > length {
		return 0, &NotFoundError{What: what, ID: id}
	}
	return n - 1, nil
}
