package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/distributedgo/rollcall/node/identity"
)

// The routes between nodes. They take nobody but members.
const (
	pathBatches   = "/v1/logs/internal/batches"
	pathKnowledge = "/v1/logs/internal/knowledge"
	pathSearch    = "/v1/logs/internal/search"
)

// maxReply bounds what a peer's answer may have, in bytes.
const maxReply = 64 << 20

// peers calls exactly one member at a time, in this node's own name.
type peers struct {
	rt   http.RoundTripper
	self string
}

// statusError is an answer of a peer that is not 200.
type statusError struct {
	Status int
	Body   string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("answered %d: %s", e.Status, e.Body)
}

// call sends body, when there is one, and decodes the JSON answer into out.
func (p peers) call(ctx context.Context, node, method, path, contentType string, body []byte, out any) error {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+node+".node"+path, r)
	if err != nil {
		return err
	}
	req.Header.Set(identity.Header, identity.Principal{Role: identity.Node, Name: p.self}.Encode())
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return do(p.rt, req, out)
}

// do sends a request and decodes the answer; any status but 2xx is a
// *statusError.
func do(rt http.RoundTripper, req *http.Request, out any) (err error) {
	res, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := res.Body.Close(); err == nil {
			err = cerr
		}
	}()
	if res.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // what could be read explains enough
		return &statusError{res.StatusCode, string(bytes.TrimSpace(text))}
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err != nil {
		return err
	}
	if len(b) > maxReply {
		return fmt.Errorf("answer is longer than %d bytes", maxReply)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}
