package grading

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
)

// A large payload, the import of a big file, is mostly the same few words over
// and over: packed it is some twentieth as long, in the log of every node, on
// the way there, and in the fsync that everybody else's next grade waits for.
// The node that takes the request packs it, and only the state machines unpack
// it again. A small one is kept as it is, for speed and for whoever looks into
// a log.
const packFrom = 32 << 10

// pack puts the payload into the command, packed if it is large.
func (c *command) pack(payload []byte) error {
	if len(payload) < packFrom {
		c.Payload = payload
		return nil
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return fmt.Errorf("pack %s: %w", c.Kind, err)
	}
	if _, err = w.Write(payload); err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("pack %s: %w", c.Kind, err)
	}
	c.Packed = b.Bytes()
	return nil
}

// unpack returns the payload. One that would be larger than any may be is
// refused, whatever it says of itself.
func (c *command) unpack() ([]byte, error) {
	if len(c.Packed) == 0 {
		return c.Payload, nil
	}
	payload, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(c.Packed)), maxCommandBytes+1))
	if err != nil {
		return nil, fmt.Errorf("packed payload: %w: %w", errDamaged, err)
	}
	if len(payload) > maxCommandBytes {
		return nil, fmt.Errorf("packed payload: %w: more than %d bytes", errDamaged, maxCommandBytes)
	}
	return payload, nil
}
