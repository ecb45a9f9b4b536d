package logs

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of a query.
const (
	DefaultLimit = 100
	MaxLimit     = 5000
)

// Order is the direction of an answer.
type Order string

// The orders. Descending, the newest first, is the default.
const (
	Descending Order = "desc"
	Ascending  Order = "asc"
)

// Query says which records are wanted. All conditions must hold; a zero field
// is no condition.
type Query struct {
	From, To time.Time // From is included, To is not
	Service  string
	Node     string // name or id of the node that took the record in
	Level    string // at least this: "warn" finds warn and error
	Fields   []Equal
	Contains string // text in the message or in any field's value; upper and lower case differ
	Limit    int    // default DefaultLimit, at most MaxLimit
	Order    Order
	Cursor   string // Next of the answer before, with all else unchanged
}

// Equal asks for a field with this text.
type Equal struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ParseEqual reads "key=value".
func ParseEqual(s string) (Equal, error) {
	k, v, ok := strings.Cut(s, "=")
	if !ok || k == "" {
		return Equal{}, fmt.Errorf("field %q must have the form key=value, such as http.status=500", s)
	}
	return Equal{k, v}, nil
}

// Answer is what a query found, and whether that is all there is.
type Answer struct {
	// Complete means that nothing is missing of all that the reachable nodes
	// know of. A record that a cut-off node accepted and could not ship makes
	// it false as soon as that node has not been heard of for 5 s, and until it
	// is back or is no member any more.
	Complete      bool      `json:"complete"`
	Missing       []Gap     `json:"missing" doc:"Batches that could not be read, and why."`
	RetainedSince time.Time `json:"retainedSince,omitzero" doc:"Time of the oldest record held."`
	Records       []Record  `json:"records"`
	Next          string    `json:"next,omitempty" doc:"Cursor of the next page; empty at the end."`
}

// Gap is batches that a query should have read and could not.
type Gap struct {
	Producer string `json:"producer"`
	Epoch    uint64 `json:"epoch"`
	From     uint64 `json:"from"`
	To       uint64 `json:"to,omitempty" doc:"0: nobody knows how far this producer has cut."`
	Reason   string `json:"reason"`
}

// Validate returns a fault for each field that cannot be, with the remedy.
func (q Query) Validate() error {
	var errs []error
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		errs = append(errs, &ParamError{"from", q.From.Format(time.RFC3339Nano), "must be before to"})
	}
	if q.Level != "" {
		if _, err := ParseLevel(q.Level); err != nil {
			errs = append(errs, &ParamError{"level", q.Level, "use debug, info, warn or error"})
		}
	}
	if q.Limit < 0 || q.Limit > MaxLimit {
		errs = append(errs, &ParamError{"limit", strconv.Itoa(q.Limit), fmt.Sprintf("use 1 to %d", MaxLimit)})
	}
	if q.Order != "" && q.Order != Ascending && q.Order != Descending {
		errs = append(errs, &ParamError{"order", string(q.Order), "use desc or asc"})
	}
	if _, err := parseCursor(q.Cursor); err != nil {
		errs = append(errs, &ParamError{"cursor", q.Cursor, "use next of an answer as it stands"})
	}
	return errors.Join(errs...)
}

// ParamError is a query parameter that cannot be.
type ParamError struct{ Field, Value, Remedy string }

func (e *ParamError) Error() string {
	return fmt.Sprintf("%s %q: %s", e.Field, e.Value, e.Remedy)
}

// Values is q as URL parameters, as GET /v1/logs takes them.
func (q Query) Values() url.Values {
	v := url.Values{}
	set := func(k, s string) {
		if s != "" {
			v.Set(k, s)
		}
	}
	if !q.From.IsZero() {
		set("from", q.From.UTC().Format(time.RFC3339Nano))
	}
	if !q.To.IsZero() {
		set("to", q.To.UTC().Format(time.RFC3339Nano))
	}
	set("service", q.Service)
	set("node", q.Node)
	set("level", q.Level)
	set("contains", q.Contains)
	set("order", string(q.Order))
	set("cursor", q.Cursor)
	if q.Limit != 0 {
		set("limit", strconv.Itoa(q.Limit))
	}
	for _, f := range q.Fields {
		v.Add("field", f.Key+"="+f.Value)
	}
	return v
}

// level is the lowest level wanted.
func (q Query) level() slog.Level {
	if q.Level == "" {
		return slog.Level(-1 << 30)
	}
	l, err := ParseLevel(q.Level)
	if err != nil {
		return slog.Level(-1 << 30) // Validate refused it
	}
	return l
}

// place is where a record stands in the order of all records of the cluster:
// by time, then by the name of its batch, then by its line. The order is
// total, so pages neither repeat nor skip, whoever answers.
type place struct {
	Time     int64  `json:"t"` // ns since 1970
	Producer string `json:"p"`
	Epoch    uint64 `json:"e"`
	Seq      uint64 `json:"s"`
	Row      int    `json:"r"`
}

func (p place) cursor() string {
	b, err := json.Marshal(p)
	if err != nil {
		return "" // five plain fields always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor returns nil for an empty cursor.
func parseCursor(s string) (*place, error) {
	if s == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, err
	}
	var p place
	return &p, json.Unmarshal(b, &p)
}
