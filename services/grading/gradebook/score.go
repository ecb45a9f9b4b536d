package gradebook

import "time"

// Status says what kind of entry a score is. The empty status is an ungraded
// cell.
type Status string

// The statuses a score can have.
const (
	Graded     Status = "graded"     // has points, and they count
	Excused    Status = "excused"    // has no points, and counts in no total
	Missing    Status = "missing"    // was not handed in; without points it is ungraded
	Late       Status = "late"       // was handed in late; its points count
	Incomplete Status = "incomplete" // work is still to come; points so far count
)

// Score is one cell: what one student has for one assignment. The zero Score
// is a cell nobody ever wrote. A cell that was cleared has no points and no
// status either, but a version, because it has a history.
//
// A *Score inside a book is shared by the table and the history and is never
// changed.
type Score struct {
	Points  *Points `json:"points"`
	Status  Status  `json:"status"`
	Comment string  `json:"comment,omitempty"`
	// Version counts the writes to this cell: 0 for never written, then 1, 2, …
	// A write may say which version it replaces; see SetScore.Base.
	Version uint64    `json:"version"`
	By      string    `json:"by"`     // account id of the last writer
	ByName  string    `json:"byName"` // their name as it was then
	At      time.Time `json:"at"`     // when, by the leader's clock
}

// Ungraded reports whether the cell has nothing to count and no excuse: the
// current total skips it, the final total counts it as zero.
func (s Score) Ungraded() bool { return s.Points == nil && s.Status != Excused }

// Cell names one cell of a course's table.
type Cell struct {
	Assignment string `json:"assignment"`
	Student    string `json:"student"`
}

// checkEntry completes and checks what a person entered: points without a
// status are graded; a status that needs points has them.
func checkEntry(points *Points, status Status) (Status, error) {
	if points != nil {
		if err := points.check("points"); err != nil {
			return "", err
		}
	}
	switch status {
	case "":
		if points != nil {
			return Graded, nil
		}
	case Graded:
		if points == nil {
			return "", &InvalidError{Field: "points", Remedy: "give the points, or leave the status out to clear the cell"}
		}
	case Excused:
		if points != nil {
			return "", &InvalidError{Field: "points", Value: points.String(), Remedy: "leave points out for an excused score"}
		}
	case Missing, Late, Incomplete:
	default:
		return "", &InvalidError{Field: "status", Value: string(status), Remedy: "use graded, excused, missing, late or incomplete"}
	}
	return status, nil
}
