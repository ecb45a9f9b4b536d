package membertest_test

import (
	"testing"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/membertest"
)

func TestListPulsesAndKeepsCopies(t *testing.T) {
	t.Parallel()
	l := membertest.Fixed(membertest.Alive("a", "log"))
	changed, stop := l.Watch()
	before := l.Members()
	l.SetStatus("a", membership.StatusFailed)
	l.Set(membertest.Alive("b"))
	<-changed
	stop()
	l.Set(membertest.Alive("b", "grading"))
	select {
	case <-changed:
		t.Error("a pulse after the watch ended")
	default:
	}
	after := l.Members()
	if before[0].Status != membership.StatusAlive || len(after) != 2 || after[0].Status != membership.StatusFailed || !after[1].Serves("grading") {
		t.Errorf("before %v, after %v", before, after)
	}
}
