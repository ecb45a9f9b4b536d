package node

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// Somebody whom nobody knows has nothing to send but a name and a password,
// and must not fill the node's memory before anyone asks who it is.
func TestStrangersSendLittle(t *testing.T) {
	t.Parallel()
	token := testKeys.SignToken(identity.Token{ID: "t", Role: identity.Service, Expires: time.Now().Add(time.Hour)})
	for _, tc := range []struct {
		name, policy, auth string
		size, want         int
	}{
		{"a stranger who signs in", "none", "", 1000, 204},
		{"a stranger with a load", "none", "", strangerBody + 1, 413},
		{"a guest with a load", "read", "", strangerBody + 1, 413},
		{"a program of this machine", "register", "", strangerBody + 1, 204},
		{"a known caller", "none", "Bearer " + token, strangerBody + 1, 204},
	} {
		api := httpapi.New(httpapi.Config{})
		e := &edge{keys: testKeys, stand: &identity.Stand{}, anonymous: tc.policy}
		api.Echo.Use(e.middleware)
		api.Echo.POST("/v1/session", func(c echo.Context) error {
			if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
				return err
			}
			return c.NoContent(204)
		})
		r := httptest.NewRequest(http.MethodPost, "http://localhost/v1/session", strings.NewReader(strings.Repeat("x", tc.size)))
		r.RemoteAddr = "127.0.0.1:5"
		if tc.auth != "" {
			r.Header.Set("Authorization", tc.auth)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s: got %d %s, want %d", tc.name, w.Code, w.Body, tc.want)
		}
	}
}
