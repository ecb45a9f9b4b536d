package grading

import (
	"time"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// The shapes of requests and answers that are not the gradebook's own. Client
// and handlers share them.

// SignIn is what a person types to sign in.
type SignIn struct {
	Name     string `json:"name" minLength:"1" maxLength:"200" doc:"Sign-in name."`
	Password string `json:"password" minLength:"1" maxLength:"1024" doc:"Never logged, never sent back."`
}

// Session is a new session: Text is what a cookie or a bearer carries.
type Session struct {
	Text    string    `json:"session" doc:"Signed session: what the portal's cookie carries. A program sends it as Authorization: Bearer; it then ends 30 minutes after the sign-in, since only the portal renews it: sign in again."`
	Expires time.Time `json:"expires" doc:"When it ends whatever happens. Without the portal's renewal it ends sooner."`
	Account Who       `json:"account"`
}

// Who is a caller as the gradebook knows them.
type Who struct {
	ID      string `json:"id,omitempty" doc:"Account id; empty for a token of no account."`
	Name    string `json:"name"`
	Display string `json:"display"`
	Role    string `json:"role"`
	// Students are the records that the account is there for: a student's own,
	// or those a guardian may read.
	Students []string `json:"students,omitempty" doc:"Students whose record this account may read."`
}

// whoOf is an account as others may know it.
func whoOf(a gradebook.Account) Who {
	who := Who{ID: a.ID, Name: a.Name, Display: a.Display, Role: a.Role, Students: a.Students}
	if a.Student != "" {
		who.Students = []string{a.Student}
	}
	return who
}

// NewAccount is a request for an account.
type NewAccount struct {
	Name     string   `json:"name" minLength:"1" maxLength:"200" doc:"Sign-in name, unique."`
	Display  string   `json:"display,omitempty" maxLength:"200" doc:"What others see; the sign-in name when empty."`
	Role     string   `json:"role" enum:"admin,teacher,student,guardian"`
	Password string   `json:"password" minLength:"8" maxLength:"1024"`
	Student  string   `json:"student,omitempty" doc:"Role student: the record that is theirs."`
	Students []string `json:"students,omitempty" doc:"Role guardian: the records they may read."`
}

// AccountPatch changes the fields that are given.
type AccountPatch struct {
	Disabled *bool     `json:"disabled,omitempty"`
	Display  *string   `json:"display,omitempty" maxLength:"200"`
	Role     *string   `json:"role,omitempty" enum:"admin,teacher,student,guardian"`
	Student  *string   `json:"student,omitempty"`
	Students *[]string `json:"students,omitempty"`
}

// PasswordChange sets a password. Who changes their own gives the old one.
type PasswordChange struct {
	Password string `json:"password" minLength:"8" maxLength:"1024"`
	Old      string `json:"old,omitempty" maxLength:"1024" doc:"Needed for one's own account."`
}

// NewToken is a request for a token.
type NewToken struct {
	Name      string `json:"name" minLength:"1" maxLength:"200" doc:"What it is for."`
	Role      string `json:"role,omitempty" enum:"admin,service,reader" doc:"Leave empty with an account: the token then has the account's role."`
	Account   string `json:"account,omitempty" doc:"Acts as this account."`
	ExpiresIn string `json:"expiresIn,omitempty" doc:"Such as 720h; default 720h (30 days), at most 8760h."`
}

// IssuedToken is a new token. Text is shown this once and stored nowhere.
type IssuedToken struct {
	Text    string    `json:"token"`
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
}

// NewCourse is a request for a course.
type NewCourse struct {
	Title    string   `json:"title" minLength:"1" maxLength:"200"`
	Code     string   `json:"code,omitempty" maxLength:"200"`
	Term     string   `json:"term,omitempty" maxLength:"200"`
	Weighted bool     `json:"weighted,omitempty" doc:"Totals by category weights; else all points by all possible."`
	Teachers []string `json:"teachers,omitempty" doc:"Account ids; a teacher who creates a course is its teacher."`
}

// CoursePatch changes the fields that are given.
type CoursePatch struct {
	Title    *string           `json:"title,omitempty" maxLength:"200"`
	Code     *string           `json:"code,omitempty" maxLength:"200"`
	Term     *string           `json:"term,omitempty" maxLength:"200"`
	Weighted *bool             `json:"weighted,omitempty"`
	Teachers *[]string         `json:"teachers,omitempty"`
	Scheme   *gradebook.Scheme `json:"scheme,omitempty"`
}

// CourseSummary is one line of the list of courses.
type CourseSummary struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Code        string     `json:"code"`
	Term        string     `json:"term"`
	Students    int        `json:"students" doc:"Active enrollments."`
	Assignments int        `json:"assignments"`
	Average     *string    `json:"average,omitempty" doc:"Mean of the students' current totals in percent; for those who may see the whole course."`
	ToGrade     int        `json:"toGrade" doc:"Ungraded cells of published assignments that are due."`
	LastChange  *time.Time `json:"lastChange,omitempty"`
	Teachers    []Person   `json:"teachers"`
}

// Person is an account's public side.
type Person struct {
	ID      string `json:"id"`
	Display string `json:"display"`
}

// NewSection is a request for a section.
type NewSection struct {
	Name string `json:"name" minLength:"1" maxLength:"200"`
}

// NewCategory is a request for a category.
type NewCategory struct {
	Name   string           `json:"name" minLength:"1" maxLength:"200"`
	Weight gradebook.Points `json:"weight,omitempty" nullable:"false" doc:"Percent, as text."`
}

// CategoryPatch changes the fields that are given.
type CategoryPatch struct {
	Name   *string           `json:"name,omitempty" maxLength:"200"`
	Weight *gradebook.Points `json:"weight,omitempty"`
}

// NewAssignment is a request for an assignment.
type NewAssignment struct {
	Title     string           `json:"title" minLength:"1" maxLength:"200"`
	Category  string           `json:"category,omitempty" doc:"Category id; the course's first when empty."`
	Possible  gradebook.Points `json:"possible" nullable:"false" doc:"Points possible, as text."`
	Due       *time.Time       `json:"due,omitempty"`
	Published *bool            `json:"published,omitempty" doc:"Students see it; default true."`
	Omitted   bool             `json:"omitted,omitempty" doc:"Shown, but counts in no total."`
}

// AssignmentPatch changes the fields that are given.
type AssignmentPatch struct {
	Title     *string           `json:"title,omitempty" maxLength:"200"`
	Category  *string           `json:"category,omitempty"`
	Possible  *gradebook.Points `json:"possible,omitempty"`
	Due       *time.Time        `json:"due,omitempty"`
	ClearDue  bool              `json:"clearDue,omitempty" doc:"Takes the due time away."`
	Published *bool             `json:"published,omitempty"`
	Omitted   *bool             `json:"omitted,omitempty"`
}

// NewStudent puts a student into a course: a new one, or the one that has the
// number already.
type NewStudent struct {
	Student string `json:"student,omitempty" doc:"Id of a student whom the school has already."`
	First   string `json:"first,omitempty" maxLength:"200"`
	Last    string `json:"last,omitempty" maxLength:"200"`
	Number  string `json:"number,omitempty" maxLength:"200" doc:"The school's own id."`
	Login   string `json:"login,omitempty" maxLength:"200"`
	Section string `json:"section,omitempty" doc:"Section id; the course's first when empty."`
}

// EnrollmentPatch moves or withdraws a student.
type EnrollmentPatch struct {
	Section *string `json:"section,omitempty"`
	Status  *string `json:"status,omitempty" enum:"active,withdrawn"`
}

// ScoreEntry is what one cell should hold.
type ScoreEntry struct {
	Points  *gradebook.Points `json:"points,omitempty" nullable:"true" doc:"As text, such as \"85.5\"; none clears the cell unless a status stands alone."`
	Status  gradebook.Status  `json:"status,omitempty" enum:"graded,excused,missing,late,incomplete,"`
	Comment *string           `json:"comment,omitempty" maxLength:"4000" doc:"Left out: the comment that is there stays."`
	Why     string            `json:"why,omitempty" maxLength:"4000" doc:"Reason, for the history."`
}

// ScoreWrite is one cell of many.
type ScoreWrite struct {
	Assignment  string            `json:"assignment"`
	Student     string            `json:"student"`
	Points      *gradebook.Points `json:"points,omitempty" nullable:"true"`
	Status      gradebook.Status  `json:"status,omitempty" enum:"graded,excused,missing,late,incomplete,"`
	Comment     *string           `json:"comment,omitempty" maxLength:"4000"`
	BaseVersion *uint64           `json:"baseVersion,omitempty" doc:"The version this replaces; any when left out."`
}

// ScoreWrites is many cells in one command.
type ScoreWrites struct {
	Scores []ScoreWrite `json:"scores" minItems:"1" maxItems:"100000"`
	Each   bool         `json:"each,omitempty" doc:"Apply what can be applied and report the rest; else all or nothing."`
	Why    string       `json:"why,omitempty" maxLength:"4000"`
}

// ScoreResult is what became of one cell of many.
type ScoreResult struct {
	Assignment string           `json:"assignment"`
	Student    string           `json:"student"`
	Version    uint64           `json:"version,omitempty"`
	Error      string           `json:"error,omitempty"`
	Current    *gradebook.Score `json:"current,omitempty" doc:"With an error: what is there."`
}

// ScoreResults answers ScoreWrites.
type ScoreResults struct {
	Results []ScoreResult `json:"results"`
	Index   uint64        `json:"index" doc:"Log index of the command."`
}

// HistoryFilter narrows a history. Zero fields mean all.
type HistoryFilter struct {
	Student, Assignment, By string
	From, To                time.Time
	Limit                   int    // default 100, at most 1000
	Before                  string // Next of the page before
}

// History is one page of a course's history, newest first.
type History struct {
	Events []gradebook.Event `json:"events"`
	Next   string            `json:"next,omitempty" doc:"Give it as before= for the next page."`
}

// Status is what this node's part in grading is. It is JSON in GET /v1/node.
type Status struct {
	Voter       bool     `json:"voter"`
	Index       uint64   `json:"index" doc:"Last log index that this node's gradebook has applied."`
	Lag         uint64   `json:"lag" doc:"Committed entries, as far as this node knows, that it has yet to apply."`
	Leader      string   `json:"leader,omitempty" doc:"Node id; empty when there is none."`
	Term        uint64   `json:"term"`
	CommitIndex uint64   `json:"commitIndex"`
	Voters      []string `json:"voters" doc:"Node ids, sorted."`
	Replicas    []string `json:"replicas" doc:"Node ids without a vote, sorted."`
	Quorum      bool     `json:"quorum" doc:"A majority of the voters follows a leader, as seen from here."`
	Gradebook   string   `json:"gradebook,omitempty" doc:"Id of the gradebook; empty until one is founded or joined."`
	Retired     []string `json:"retired,omitempty" doc:"Node ids that must never come back."`
}
