package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/services/registry"
)

func TestReportTellsAFailoverInOrder(t *testing.T) {
	t.Parallel()
	zero := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
	r := newRecord("test")
	for i, moment := range []int{10, 20, 30, 40, 1002, 2900} {
		r.acked(ack{writer: i % 2, number: i, start: at(moment - 4), at: at(moment)})
	}
	r.moments = []moment{{at(1000), "kill -9 n2"}}
	tell := func(ms int, id, kind, name, detail string) telling {
		return telling{at(ms), registry.Event{ID: id, Kind: kind, Member: "id of " + name, Name: name, Detail: detail}}
	}
	r.told = []telling{
		tell(500, "id1:1", "failed", "n9", "long before"),
		tell(1900, "id1:2", "failed", "n2", ""),
		tell(1950, "id3:7", "failed", "n2", ""),
		tell(1960, "id3:7", "failed", "n2", ""), // the same word by another stream
		tell(2800, "id3:8", "grading.leader", "n3", "n3 leads term 4"),
		tell(2810, "id1:3", "grading.leader", "n1", "n3 leads term 4"),
	}
	r.acked(ack{writer: 1, number: 9, start: at(2890), at: at(2950)})
	r.stopped(at(0), at(4000))
	rep := r.report(5, 2)
	rep.Tally = Tally{Acknowledged: 7}
	var b bytes.Buffer
	if err := rep.print(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "failover.golden", b.Bytes())
}
