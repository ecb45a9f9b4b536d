package httpapi_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
)

func TestABodyMustComeInTime(t *testing.T) {
	t.Parallel()
	a := httpapi.New(httpapi.Config{BodyTime: 50 * time.Millisecond})
	ended := make(chan error, 1)
	a.Echo.POST("/body", func(c echo.Context) error {
		_, err := io.Copy(io.Discard, c.Request().Body)
		ended <- err
		return err
	})
	srv := httptest.NewServer(a)
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nslow"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("half a body was taken for a whole one")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the caller holds the connection for ever")
	}
}

// What limits the body must not limit the answer: a call that waits longer
// than a body may take, for a leader or for a node that leaves, goes on.
func TestTheTimeOfABodyEndsWithIt(t *testing.T) {
	t.Parallel()
	a := httpapi.New(httpapi.Config{BodyTime: 50 * time.Millisecond})
	type in struct{ Body struct{ Name string } }
	wait := func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
			return nil
		}
	}
	huma.Register(a.Huma, huma.Operation{OperationID: "typed", Method: "POST", Path: "/typed", BodyReadTimeout: 50 * time.Millisecond, DefaultStatus: 204},
		func(ctx context.Context, _ *in) (*struct{}, error) { return nil, wait(ctx) })
	a.Echo.POST("/plain", func(c echo.Context) error {
		if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
			return err
		}
		if err := wait(c.Request().Context()); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	srv := httptest.NewServer(a)
	defer srv.Close()
	for _, path := range []string{"/typed", "/plain"} {
		resp, err := http.Post(srv.URL+path, "application/json", strings.NewReader(`{"Name":"x"}`))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != 204 {
			t.Errorf("%s: got %d, want 204", path, resp.StatusCode)
		}
	}
}
