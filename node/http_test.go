package node

import (
	"errors"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/node/health"
)

func TestReadyMeansThatEveryRoleCanWork(t *testing.T) {
	t.Parallel()
	all := []string{roleGrading, roleLog}
	checks := []health.Check{{Name: "grading", Status: health.Critical, Output: "no leader"}, {Name: "log", Status: health.Passing}}
	for _, tc := range []struct {
		name   string
		served []string
		fault  error
		says   string
	}{
		{"all well", all, nil, ""},
		{"one is missing", []string{roleLog}, nil, "not served yet: grading (grading: no leader)"},
		{"a full disk", all, errors.New("disk: full"), "grading: disk: full"},
	} {
		p := unready(all, tc.served, tc.fault, checks)
		if (p == nil) != (tc.says == "") || p != nil && (p.Status != 503 || !strings.Contains(p.Detail, tc.says)) {
			t.Errorf("%s: got %v, want %q", tc.name, p, tc.says)
		}
	}
}
