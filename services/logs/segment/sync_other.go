//go:build !linux

package segment

import "os"

// datasync makes f's bytes and its length durable.
func datasync(f *os.File) error { return f.Sync() }
