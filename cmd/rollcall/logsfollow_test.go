package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distributedgo/rollcall/services/logs"
)

// answering is a log service that gives one answer after the other, and the
// last one for ever.
type answering struct {
	answers []logs.Answer
	asked   []string
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked = append(a.asked, r.URL.RawQuery)
	body, err := json.Marshal(a.answers[min(len(a.asked), len(a.answers))-1])
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body)), Header: http.Header{}}, err
}

func TestFollowShowsEachRecordOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at := func(s int, msg string) logs.Record {
			return logs.Record{Time: time.Now().Add(time.Duration(s) * time.Second).UTC(), Level: "info", Service: "x", Node: "n1", Msg: msg}
		}
		shown, late, fresh, newer := at(-5, "shown before"), at(-4, "came late"), at(1, "is new"), at(2, "is newer")
		service := &answering{answers: []logs.Answer{
			{Complete: true, Records: []logs.Record{shown}},
			{Complete: true, Records: []logs.Record{shown, fresh}, Next: "page2"},
			{Complete: true, Records: []logs.Record{newer}},
			{Complete: false, Records: []logs.Record{shown, late, fresh, newer}, Missing: []logs.Gap{{Reason: "n2 is down"}}},
			{Complete: true, Records: []logs.Record{late, fresh, newer}},
		}}
		var out, errs bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		l := &logsCommand{Since: time.Minute, Limit: 100, Level: "info"}
		err := l.follow(ctx, &console{out: &out, err: &errs}, logs.NewClient(service, anyNode), &recordPrinter{w: &out}, []logs.Record{shown})
		if err != nil {
			t.Fatal(err)
		}
		for msg, want := range map[string]int{"shown before": 0, "came late": 1, "is new\n": 1, "is newer": 1} {
			if got := strings.Count(out.String(), msg); got != want {
				t.Errorf("%q is shown %d times, want %d:\n%s", msg, got, want, out.String())
			}
		}
		if !strings.Contains(errs.String(), "n2 is down") || !strings.Contains(errs.String(), "complete again") {
			t.Errorf("nothing is said of what is missing: %q", errs.String())
		}
		if n := len(service.asked); n < 25 || n > 35 {
			t.Errorf("asked %d times in 30 s, want about one a second", n)
		}
		if !strings.Contains(service.asked[2], "cursor=page2") {
			t.Errorf("the second page was not asked for: %q", service.asked[2])
		}
	})
}
