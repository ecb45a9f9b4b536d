package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/distributedgo/rollcall/services/logs"
)

// logsCommand asks all log nodes for records.
type logsCommand struct {
	conn
	Since    time.Duration `default:"1h" help:"Records of the last so long."`
	Level    string        `placeholder:"LEVEL" help:"This level and worse: debug, info, warn or error."`
	Service  string        `placeholder:"NAME" help:"Only this service, as in grading."`
	On       string        `placeholder:"NODE" help:"Only records that this node took in, by name or id."`
	Field    []string      `placeholder:"K=V" sep:"none" help:"Only records with this field, as in http.status=500; may be given again."`
	Contains string        `placeholder:"TEXT" help:"Only records with this text in the message or in a field."`
	Limit    int           `default:"100" help:"The newest so many, 1 to 5000."`
	Follow   bool          `short:"f" help:"Then ask again each second and show what is new."`
	JSON     bool          `help:"Print the answer as JSON; with --follow, one record a line."`
}

func (l *logsCommand) check(f *faults) {
	l.conn.check(f)
	if l.Since <= 0 {
		f.add("--since", l.Since.String(), "give a positive duration, as in 10m")
	}
	if l.Level != "" {
		if _, err := logs.ParseLevel(l.Level); err != nil {
			f.add("--level", l.Level, "give debug, info, warn or error")
		}
	}
	if l.Limit < 1 || l.Limit > logs.MaxLimit {
		f.add("--limit", strconv.Itoa(l.Limit), fmt.Sprintf("give 1 to %d", logs.MaxLimit))
	}
	for _, s := range l.Field {
		if _, err := logs.ParseEqual(s); err != nil {
			f.add("--field", s, "give key=value, as in http.status=500")
		}
	}
}

// query is what the flags ask for, from a moment on.
func (l *logsCommand) query(from time.Time) logs.Query {
	q := logs.Query{From: from, Service: l.Service, Node: l.On, Level: l.Level, Contains: l.Contains, Limit: l.Limit}
	for _, s := range l.Field {
		if e, err := logs.ParseEqual(s); err == nil { // check has told the others
			q.Fields = append(q.Fields, e)
		}
	}
	return q
}

// Run prints records, the newest last.
func (l *logsCommand) Run(ctx context.Context, c *console) error {
	rt, err := l.dial(c)
	if err != nil {
		return err
	}
	client := logs.NewClient(rt, anyNode)
	answer, err := client.Query(ctx, l.query(time.Now().Add(-l.Since)))
	if err != nil {
		return err
	}
	if l.JSON && !l.Follow {
		return printJSON(c.out, answer)
	}
	slices.Reverse(answer.Records)
	p := &recordPrinter{w: c.out, json: l.JSON, colour: colourful(c)}
	for _, r := range answer.Records {
		if err := p.print(r); err != nil {
			return err
		}
	}
	warnIncomplete(c.err, answer)
	if len(answer.Records) == 0 && !l.Follow && !l.JSON {
		fmt.Fprintf(c.err, "rollcall: no records of the last %v match; ask further back with --since\n", l.Since)
	}
	if !l.Follow {
		return nil
	}
	return l.follow(ctx, c, client, p, answer.Records)
}

// colourful reports whether c writes to a terminal whose owner likes colours.
func colourful(c *console) bool {
	f, ok := c.out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && c.getenv("NO_COLOR") == ""
}

// warnIncomplete says what an answer lacks. An answer never passes for whole
// when it is not.
func warnIncomplete(w io.Writer, a logs.Answer) {
	if a.Complete {
		return
	}
	reasons := map[string]bool{}
	for _, gap := range a.Missing {
		reasons[gap.Reason] = true
	}
	list := make([]string, 0, len(reasons))
	for r := range reasons {
		list = append(list, plain(r))
	}
	slices.Sort(list)
	fmt.Fprintf(w, "rollcall: this answer is not complete, %d batches could not be read: %s\n", len(a.Missing), strings.Join(list, "; "))
}

// recordPrinter prints records for people, or as JSON lines.
type recordPrinter struct {
	w            io.Writer
	json, colour bool
}

func (p *recordPrinter) print(r logs.Record) error {
	if p.json {
		b, err := r.MarshalJSON()
		if err != nil {
			return err
		}
		_, err = p.w.Write(append(b, '\n'))
		return err
	}
	var b strings.Builder
	level := strings.ToUpper(r.Level)
	fmt.Fprintf(&b, "%s %s %s %s: %s", r.Time.Local().Format("15:04:05.000"), p.paint(level), r.Node, r.Service, plain(r.Msg))
	for _, f := range r.Fields {
		text := plain(f.Text())
		if text == "" || strings.ContainsAny(text, " =\"") {
			text = strconv.Quote(text)
		}
		fmt.Fprintf(&b, " %s=%s", plain(f.Key), text)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(p.w, b.String())
	return err
}

// paint gives a level its colour: red for errors, yellow for warnings.
func (p *recordPrinter) paint(level string) string {
	padded := fmt.Sprintf("%-5s", plain(level))
	switch {
	case !p.colour:
		return padded
	case strings.HasPrefix(level, "ERROR"):
		return "\x1b[31m" + padded + "\x1b[0m"
	case strings.HasPrefix(level, "WARN"):
		return "\x1b[33m" + padded + "\x1b[0m"
	}
	return padded
}
