package portal

import (
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/logs"
)

func sampleAnswer() logs.Answer {
	at := time.Date(2026, 3, 1, 8, 0, 0, 123456789, time.UTC)
	return logs.Answer{
		Complete: true, RetainedSince: at.Add(-time.Hour), Next: "e30",
		Records: []logs.Record{
			{Time: at, Level: "error", Service: "grading", Node: "n1", Msg: script, Fields: []logs.Field{{Key: script, Value: json.RawMessage(`"</td>` + rtl + `"`)}}},
			{Time: at, Level: "warn+1", Service: "membership", Node: "n2", Msg: "member failed", Fields: []logs.Field{{Key: "member", Value: json.RawMessage(`"n3"`)}}},
			{Time: at, Level: "info", Msg: "plain"}, {Time: at, Level: "debug", Msg: "small"},
		},
	}
}

func TestLogsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answer = sampleAnswer()
	a := w.get(t, "/logs?since=24h&level=warn&service=grading&node=n1&field=member%3Dn3&contains=%3Cb%3E+x", identity.Admin).is(200).has(
		`data-complete="true"`, "✓ complete", "4 records", "&lt;script&gt;", "03-01 08:00:00.123", `class="level error"`, `class="level warn"`,
		`<option value="24h" selected>`, `<option value="warn" selected>`, `value="&lt;b&gt; x"`, `value="member=n3"`, rtl,
	).lacks("<script>alert", "</td>"+rtl)
	q := w.query
	if q.Service != "grading" || q.Node != "n1" || q.Level != "warn" || q.Contains != "<b> x" || q.Limit != logsLimit ||
		len(q.Fields) != 1 || q.Fields[0] != (logs.Equal{Key: "member", Value: "n3"}) || time.Since(q.From) < 23*time.Hour {
		t.Errorf("asked %+v", q)
	}
	_, rest, _ := strings.Cut(a.Body.String(), `id="older" href="`)
	older, _, _ := strings.Cut(rest, `"`)
	u, err := url.Parse(html.UnescapeString(older))
	if err != nil {
		t.Fatal(err)
	}
	w.get(t, u.String(), identity.Admin).is(200)
	if w.query.Cursor != "e30" || !w.query.From.Equal(q.From.UTC()) || w.query.Contains != q.Contains || len(w.query.Fields) != 1 {
		t.Errorf("older asked %+v, want the same search from %v", w.query, q.From)
	}
}

func TestLogsStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.answer = logs.Answer{Missing: []logs.Gap{
		{Producer: "n3id", Epoch: 1, From: 4, To: 9, Reason: "no live holder"},
		{Producer: script, From: 2, Reason: "not heard of for 8 s"},
	}}
	w.get(t, "/logs", identity.Admin).is(200).has(`data-complete="false"`, "batches 4 to 9 of node n3id: no live holder", "batches from 2 on", `id="norecords"`).lacks("<script>alert")
	w.err = errors.New("no peer")
	w.get(t, "/logs", identity.Admin).is(503).has("No log node answers", `id="search"`)
	w.err = httpapi.Problemf(http.StatusBadRequest, "cursor %q is of another search", "x")
	w.get(t, "/logs", identity.Admin).is(400).has("of another search")
	w.err = nil
	for _, bad := range []string{"since=1y", "from=yesterday", "field=nothing", "level=loud", "cursor=!!"} {
		w.asked = nil
		w.get(t, "/logs?"+bad, identity.Admin).is(400).has(`id="search"`)
		if len(w.asked) > 0 {
			t.Errorf("%s: the log role was asked", bad)
		}
	}
}
