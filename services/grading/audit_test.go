package grading

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// lockedBuffer is what several loggers may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Every way to see a student's scores leaves a line that says who saw them
// (34 CFR 99.32), and none that says what they saw.
func TestEveryWayToScoresIsAudited(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	g := newGroup(t)
	g.logs = log
	n := g.add("n1").start()
	if _, err := n.service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(1)
	ctx := identity.With(t.Context(), identity.Principal{Role: identity.Admin, Name: "office", From: "10.0.0.1"})
	must := func(c gradebook.Change) string {
		t.Helper()
		out, err := n.service.change(ctx, c, "", "x", c)
		if err != nil {
			t.Fatal(err)
		}
		return out.Result.ID
	}
	course := must(gradebook.CreateCourse{Title: "Latin"})
	assignment := must(gradebook.AddAssignment{Course: course, Title: "Caesar", Possible: gradebook.Whole(20)})
	student := must(gradebook.AddStudent{Course: course, Last: "Drusilla", Number: "58"})
	c := g.client()
	for what, look := range map[string]func() error{
		"read gradebook": func() error { _, err := c.Gradebook(ctx, course, ""); return err },
		"read history":   func() error { _, err := c.History(ctx, course, HistoryFilter{}); return err },
		"read score":     func() error { _, err := c.Score(ctx, course, assignment, student); return err },
		"read student":   func() error { _, err := c.Student(ctx, student); return err },
		"compare with a file": func() error {
			_, err := c.ImportCanvas(ctx, course, ImportRequest{File: []byte("Student,ID,SIS User ID,SIS Login ID,Section,Caesar (1)\nDrusilla,1,58,,Latin,12\n"), DryRun: true})
			return err
		},
		"export course": func() error { _, err := c.ExportCanvas(ctx, course); return err },
	} {
		if err := look(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if !strings.Contains(log.String(), "action=\""+what+"\"") {
			t.Errorf("%s is not audited", what)
		}
	}
	if strings.Contains(log.String(), "Drusilla") {
		t.Error("the log holds a student's name")
	}
}
