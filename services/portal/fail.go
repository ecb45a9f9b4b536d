package portal

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// errForeign is for a request that another site made this browser send.
var errForeign = errors.New("request from another site")

// errorData is what the error page shows: a sentence, and what to do.
type errorData struct {
	Status      int
	Title, Text string
	Faults      []httpapi.FieldError
	RequestID   string
	Again       string // path to try again; empty when that would be no use
}

// fail turns an error into a page: one table from what went wrong to what a
// person reads. Operators find the cause of a 5xx in the log.
func (s *Service) fail(c echo.Context, err error) error {
	if c.Response().Committed {
		return err
	}
	r := c.Request()
	if errors.As(err, new(*echo.HTTPError)) && !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return err // an address that is not ours, asked for by a program: the port answers problem+json
	}
	d := explain(err)
	d.RequestID = r.Header.Get(httpapi.HeaderRequestID)
	if d.Status == http.StatusUnauthorized && r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" {
		s.setCookie(c.Response(), "") // it was refused: without it the sign-in page does not send us back
		return c.Redirect(http.StatusSeeOther, signinPath(r.URL.RequestURI()))
	}
	if d.Status >= http.StatusInternalServerError {
		s.log.Warn("page failed", "route", c.Path(), "status", d.Status, "request", d.RequestID, "error", err)
		if r.Method == http.MethodGet {
			d.Again = r.URL.RequestURI()
		}
	}
	return s.render(c, d.Status, page{Name: "error", Title: d.Title, Data: d})
}

func explain(err error) errorData {
	if p, ok := errors.AsType[*httpapi.Problem](err); ok {
		d := errorData{Status: p.Status, Text: p.Detail, Faults: p.Errors, Title: titles[p.Status]}
		if d.Title == "" {
			d.Title = p.Title
		}
		if p.Status == http.StatusServiceUnavailable && d.Text == "" {
			d.Text = noAnswer
		}
		return d
	}
	d := errorData{Status: http.StatusServiceUnavailable, Text: noAnswer}
	switch h, ok := errors.AsType[*echo.HTTPError](err); {
	case ok:
		d.Status, d.Text = h.Code, "Nothing is kept at this address. It may be an old link, or a letter went missing."
	case errors.Is(err, errForeign):
		d.Status, d.Text = http.StatusForbidden, "Your browser says that another site sent this request, so nothing was done. Open the page here and try again."
	case errors.Is(err, identity.ErrForbidden):
		d.Status, d.Text = http.StatusForbidden, "Your account does not have this page. Someone with the right role can show it to you."
	case errors.Is(err, identity.ErrUnauthenticated), errors.Is(err, ErrNoSession):
		d.Status, d.Text = http.StatusUnauthorized, "Your session has ended. Sign in, then do it again: nothing was saved."
	case errors.As(err, new(*http.MaxBytesError)):
		d.Status, d.Text = http.StatusRequestEntityTooLarge, "The file is larger than this server takes."
	}
	d.Title = titles[d.Status]
	return d
}

const noAnswer = "The part of the cluster that has this does not answer right now. When a node dies another one takes over within seconds, so trying again soon is worth it."

var titles = map[int]string{
	http.StatusBadRequest:            "That can not be",
	http.StatusUnauthorized:          "Please sign in",
	http.StatusForbidden:             "Not for this account",
	http.StatusNotFound:              "There is no such page",
	http.StatusConflict:              "Someone else was faster",
	http.StatusRequestEntityTooLarge: "Too large",
	http.StatusUnprocessableEntity:   "That can not be",
	http.StatusServiceUnavailable:    "Not right now",
}
