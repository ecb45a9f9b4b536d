package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/services/logs"
)

func TestRecordsForPeople(t *testing.T) {
	t.Parallel()
	r := logs.Record{
		Time: time.Date(2026, 11, 22, 9, 0, 0, 0, time.Local), Level: "warn", Service: "grading", Node: "n1", Msg: "leader\nlost\x1b[2J",
		Fields: []logs.Field{{Key: "term", Value: json.RawMessage(`4`)}, {Key: "why", Value: json.RawMessage(`"no answer"`)}},
	}
	var b bytes.Buffer
	p := &recordPrinter{w: &b}
	if err := p.print(r); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "09:00:00.000 WARN  n1 grading: leader lost [2J term=4 why=\"no answer\"\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	b.Reset()
	p.colour = true
	if err := p.print(r); err != nil || !strings.Contains(b.String(), "\x1b[33mWARN ") {
		t.Errorf("got %q, %v, want yellow", b.String(), err)
	}
	b.Reset()
	p.json = true
	if err := p.print(r); err != nil || !json.Valid(b.Bytes()) {
		t.Errorf("got %q, %v, want JSON", b.String(), err)
	}
}

func TestIncompleteAnswersSaySo(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	warnIncomplete(&b, logs.Answer{Complete: true})
	if b.Len() > 0 {
		t.Errorf("a complete answer warns: %q", b.String())
	}
	warnIncomplete(&b, logs.Answer{Missing: []logs.Gap{{Reason: "n3 is down"}, {Reason: "n3 is down"}}})
	if got := b.String(); !strings.Contains(got, "not complete, 2 batches") || strings.Count(got, "n3 is down") != 1 {
		t.Errorf("got %q", got)
	}
}
