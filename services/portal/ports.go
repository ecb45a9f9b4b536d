package portal

import (
	"context"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/exchange"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
	"github.com/distributedgo/rollcall/services/logs"
	"github.com/distributedgo/rollcall/services/registry"
)

// What the pages need of the other roles, and no more. The roles' REST clients
// are these; so are the fakes in the tests.

// grades is the grading role. Each call is made as the principal of its
// context, and refusals are *httpapi.Problem.
type grades interface {
	SignIn(ctx context.Context, name, password string) (grading.Session, error)
	SignOut(ctx context.Context) error
	WhoAmI(ctx context.Context) (grading.Who, error)
	SignOutEverywhere(ctx context.Context, account string) error
	Courses(ctx context.Context) ([]grading.CourseSummary, error)
	CreateCourse(ctx context.Context, n grading.NewCourse) (gradebook.Course, error)
	Course(ctx context.Context, id string) (gradebook.Course, error)
	Gradebook(ctx context.Context, course, section string) (gradebook.Gradebook, error)
	Student(ctx context.Context, id string) (gradebook.StudentRecord, error)
	ImportCanvas(ctx context.Context, course string, r grading.ImportRequest) (*exchange.Diff, error)
}

// clusterView is the registry role.
type clusterView interface {
	Cluster(ctx context.Context) (registry.Cluster, error)
}

// records is the log role.
type records interface {
	Query(ctx context.Context, q logs.Query) (logs.Answer, error)
}

var (
	_ grades      = (*grading.Client)(nil)
	_ clusterView = (*registry.Client)(nil)
	_ records     = (*logs.Client)(nil)
)
