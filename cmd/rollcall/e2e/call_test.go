package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// patient waits long enough for an election; hasty is a client that asks the
// next node soon.
var (
	patient = &http.Client{Timeout: 10 * time.Second}
	hasty   = &http.Client{Timeout: time.Second}
)

// get reads JSON from a node as the teacher.
func (c *cluster) get(p *process, path string, into any) error {
	return call(patient, p, c.token, http.MethodGet, path, "", nil, into)
}

// call sends one request, with a token if there is one. Another answer than
// 2xx is an error.
func call(client *http.Client, p *process, token, method, path, key string, body, into any) error {
	var send io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		send = bytes.NewBufferString(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		send = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, p.url()+path, send)
	if err != nil {
		return err
	}
	if send != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s %s: %s: %.300s", p.name, method, path, answer.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
