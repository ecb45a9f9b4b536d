package gradebook

import "errors"

// Book is the gradebook of one node: a pointer to its newest state, and Apply,
// which makes the next. The zero Book is not ready; use New or Read.
//
// A Book is not safe for concurrent use and must not be copied: there may be
// only one line of states (see draft). A Frozen is safe, for ever.
type Book struct{ *state }

// Frozen is a book as it was at one moment. All its methods may be called at
// once, also while the Book it came from goes on.
type Frozen struct{ *state }

// New returns an empty book.
func New() *Book { return &Book{&state{}} }

// Freeze returns the book as it is now. It copies nothing.
func (b *Book) Freeze() *Frozen { return &Frozen{b.state} }

// Apply makes one change, whole or not at all. It is deterministic: books that
// were equal stay equal, whatever the answer.
//
// The error is an *InvalidError, a *NotFoundError or a *ConflictError, and the
// book is then as before, except that scores which somebody entered and a
// conflict refused are added to the history. (Those of a refused import are
// still in its file.)
func (b *Book) Apply(c Change, m Meta) (Result, error) {
	at, err := instant("at", m.At)
	if err != nil {
		return Result{}, err
	}
	m.At = at
	d := newDraft(b.state, m, c.Kind())
	res, err := c.apply(d)
	if err != nil {
		if refused, ok := errors.AsType[*ConflictError](err); ok && refused.remember {
			d = newDraft(b.state, m, KindRefused)
			d.refuse(refused)
			b.state = d.commit()
		}
		return Result{}, err
	}
	if d.seq > b.seq {
		res.First, res.Last = b.seq+1, d.seq
	}
	b.state = d.commit()
	return res, nil
}

// state is everything a book knows. Once committed it is never changed.
//
// Things that are never deleted have ids that count from 1, so a list is also
// the index: account u7 is accounts[6]. Lists have one order, which is what
// keeps the order of maps out of every answer and snapshot.
type state struct {
	index    uint64 // log index of the last change that was made
	seq      uint64 // sequence number of the last event
	counted  counters
	accounts []*Account
	students []*Student
	courses  []*course
	tokens   []Token      // in order of issue; pruned when expired
	revoked  []Revocation // in order of revocation; pruned when expired
	events   []Event      // the history of what belongs to no course
}

// counters are the last numbers given to what lives inside courses.
type counters struct {
	Sections    uint64 `json:"sections"`
	Categories  uint64 `json:"categories"`
	Assignments uint64 `json:"assignments"`
}

// course is a course with its table and its history.
type course struct {
	Course
	rows   []cells // by place in Enrollments
	events []Event
	sums   *summaryCache // what is worked out of this very version, once
}

// cells is one row of the table, by place in Assignments; it may be shorter
// than that list. nil is a cell nobody wrote.
type cells []*Score

func (r cells) at(a int) *Score {
	if a < len(r) {
		return r[a]
	}
	return nil
}

// Index returns the log index of the last change that was made.
func (s *state) Index() uint64 { return s.index }

// Seq returns the sequence number of the last line of the history.
func (s *state) Seq() uint64 { return s.seq }
