package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/services/logs"
)

type logsData struct {
	Query         logs.Query
	Field         string
	Spans, Levels []choice
	Services      []string
	Fault         *notice // why there are no results

	Complete bool
	Missing  []string
	Retained string
	Records  []recordLine
	Older    string // path of the next page
}

type choice struct {
	Value, Word string
	Chosen      bool
}

type recordLine struct {
	Stamp, Time, Level, Tone, Glyph, Service, Node, Msg string
	Fields                                              []logs.Field
}

// spans are the times one can choose, the second by default.
var spans = []struct {
	value, word string
	long        time.Duration // 0: everything
}{
	{"15m", "last 15 minutes", 15 * time.Minute},
	{"1h", "last hour", time.Hour},
	{"24h", "last day", 24 * time.Hour},
	{"7d", "last week", 7 * 24 * time.Hour},
	{"all", "all that is kept", 0},
}

// logsLimit is how many records one page shows.
const logsLimit = 200

// logsPage searches the logs of all nodes.
func (s *Service) logsPage(c echo.Context) error {
	d, q, err := readSearch(c.QueryParams(), time.Now())
	if err != nil {
		fault := bad(err.Error())
		d.Fault = &fault
		return s.render(c, http.StatusBadRequest, page{Name: "logs", Title: "Logs", Data: d, Wide: true})
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), patience)
	defer cancel()
	answer, err := s.records.Query(ctx, q)
	if err != nil {
		status := http.StatusServiceUnavailable
		fault := warn("No log node answers right now. Records are kept on the disks of the nodes that wrote them and can be searched when one is back.")
		if p, ok := errors.AsType[*httpapi.Problem](err); ok && p.Status < http.StatusInternalServerError {
			status, fault = p.Status, bad(p.Error())
		} else {
			s.log.Warn("no log node answers", "error", err)
		}
		d.Fault = &fault
		return s.render(c, status, page{Name: "logs", Title: "Logs", Data: d, Wide: true})
	}
	d.take(answer, c.QueryParams(), q)
	return s.render(c, http.StatusOK, page{Name: "logs", Title: "Logs", Data: d, Wide: true})
}

// readSearch reads the form. From and cursor come from the link to older
// records: a page must go on in the same stretch of time.
func readSearch(form url.Values, now time.Time) (logsData, logs.Query, error) {
	text := func(key string) string { return strings.TrimSpace(form.Get(key)) }
	q := logs.Query{
		Service: text("service"), Node: text("node"), Level: text("level"), Contains: form.Get("contains"),
		Cursor: text("cursor"), Limit: logsLimit,
	}
	d := logsData{Query: q, Field: text("field")}
	since := text("since")
	if since == "" {
		since = spans[1].value
	}
	known := false
	for _, span := range spans {
		d.Spans = append(d.Spans, choice{span.value, span.word, span.value == since})
		if span.value == since {
			known = true
			if span.long > 0 {
				q.From = now.Add(-span.long)
			}
		}
	}
	for _, l := range []string{"", "debug", "info", "warn", "error"} {
		word := l
		if l == "" {
			word = "any"
		}
		d.Levels = append(d.Levels, choice{l, word, l == q.Level})
	}
	var err error
	if !known {
		return d, q, fmt.Errorf("since %q: choose one of the times in the list", since)
	}
	if from := text("from"); from != "" {
		if q.From, err = time.Parse(time.RFC3339Nano, from); err != nil {
			return d, q, fmt.Errorf("from %q: write a time such as 2026-03-01T08:00:00Z", from)
		}
	}
	if d.Field != "" {
		f, err := logs.ParseEqual(d.Field)
		if err != nil {
			return d, q, err
		}
		q.Fields = []logs.Equal{f}
	}
	return d, q, q.Validate()
}

// take arranges an answer for people.
func (d *logsData) take(a logs.Answer, form url.Values, q logs.Query) {
	d.Complete = a.Complete
	if !a.RetainedSince.IsZero() {
		d.Retained = a.RetainedSince.UTC().Format("2006-01-02 15:04 UTC")
	}
	for _, gap := range a.Missing {
		d.Missing = append(d.Missing, gapInWords(gap))
	}
	for _, r := range a.Records {
		d.Records = append(d.Records, lineOf(r))
		if !slices.Contains(d.Services, r.Service) {
			d.Services = append(d.Services, r.Service)
		}
	}
	slices.Sort(d.Services)
	if a.Next != "" {
		next := url.Values{}
		for _, key := range []string{"since", "level", "service", "node", "field", "contains"} {
			if v := form.Get(key); v != "" {
				next.Set(key, v)
			}
		}
		if !q.From.IsZero() {
			next.Set("from", q.From.UTC().Format(time.RFC3339Nano))
		}
		next.Set("cursor", a.Next)
		d.Older = "/logs?" + next.Encode()
	}
}

func gapInWords(g logs.Gap) string {
	which := fmt.Sprintf("batches %d to %d", g.From, g.To)
	switch g.To {
	case 0:
		which = fmt.Sprintf("batches from %d on", g.From)
	case g.From:
		which = fmt.Sprintf("batch %d", g.From)
	}
	return fmt.Sprintf("%s of node %s: %s", which, g.Producer, g.Reason)
}

func lineOf(r logs.Record) recordLine {
	l := recordLine{
		Stamp: r.Time.UTC().Format(time.RFC3339Nano), Time: r.Time.UTC().Format("01-02 15:04:05.000"),
		Level: r.Level, Service: r.Service, Node: r.Node, Msg: r.Msg, Fields: r.Fields,
	}
	switch {
	case strings.HasPrefix(r.Level, "error"):
		l.Tone, l.Glyph = "error", "✕"
	case strings.HasPrefix(r.Level, "warn"):
		l.Tone, l.Glyph = "warn", "!"
	case strings.HasPrefix(r.Level, "debug"):
		l.Tone, l.Glyph = "debug", "·"
	default:
		l.Tone, l.Glyph = "info", "i"
	}
	return l
}
