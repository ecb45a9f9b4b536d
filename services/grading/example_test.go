package grading_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// local sends every call to one API in this process.
type local struct{ api *httpapi.API }

func (l local) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	l.api.ServeHTTP(w, r)
	return w.Result(), nil
}

// A node alone: it founds a gradebook, and a client grades.
func Example() {
	dir, err := os.MkdirTemp("", "grading")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	api := httpapi.New(httpapi.Config{Title: "rollcall", Trust: true})
	service, err := grading.New(grading.Config{
		ID: "n1", Name: "north", Dir: filepath.Join(dir, "grading"), Listener: ln,
		Dial:    func(context.Context, string) (net.Conn, error) { return nil, errors.New("alone") },
		Peers:   local{api},
		Members: func() []membership.Member { return nil },
		Keys:    identity.Keys{Token: [][]byte{[]byte("t")}, Session: [][]byte{[]byte("s")}},
		Found:   true,
	})
	if err != nil {
		panic(err)
	}
	service.Mount(api)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()

	admin := identity.With(ctx, identity.Principal{Role: identity.Admin, Name: "office"})
	client := grading.NewClient(local{api}, "http://grading")
	course, err := client.CreateCourse(admin, grading.NewCourse{Title: "Biology"})
	for ; err != nil; time.Sleep(10 * time.Millisecond) { // a node that has just started says 503: try again
		course, err = client.CreateCourse(admin, grading.NewCourse{Title: "Biology"})
	}
	assignment, _ := client.AddAssignment(admin, course.ID, grading.NewAssignment{Title: "Cells", Possible: gradebook.Whole(100)})
	student, _ := client.AddStudent(admin, course.ID, grading.NewStudent{First: "Ada", Last: "Byron"})
	points := gradebook.Whole(85)
	score, err := client.SetScore(admin, course.ID, assignment.ID, student.ID, grading.ScoreEntry{Points: &points}, nil)
	fmt.Println(score.Points, score.Status, score.Version, err)

	unseen := uint64(0) // somebody who has not seen that write
	_, err = client.SetScore(admin, course.ID, assignment.ID, student.ID, grading.ScoreEntry{Points: &points}, &unseen)
	fmt.Println(err)
	stop()
	fmt.Println(<-ended)
	// Output:
	// 85 graded 1 <nil>
	// score of s1 for a1 is at version 1, not 0: look at it and decide again
	// <nil>
}
