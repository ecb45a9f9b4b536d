package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/distributedgo/rollcall/node/httpapi"
)

// call sends in (nil for no body) to path as JSON and reads the answer into
// out (nil to pass over it). A refusal comes back as *httpapi.Problem. It is
// for the few routes of a node that belong to no service's client.
func call(ctx context.Context, rt http.RoundTripper, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, anyNode+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	defer discard(res)
	if res.StatusCode/100 != 2 {
		return problemOf(res)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("%s %s: the answer is not what was expected: %w", method, path, err)
	}
	return nil
}

// problemOf reads a refusal. One that is no problem+json, from a proxy
// perhaps, is described by its status.
func problemOf(res *http.Response) error {
	var p httpapi.Problem
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if json.Unmarshal(body, &p) != nil || p.Status == 0 {
		return httpapi.Problemf(res.StatusCode, "%s", res.Status)
	}
	return &p
}
