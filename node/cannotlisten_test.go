package node

import (
	"net"
	"strings"
	"testing"
)

func TestPortThatIsTakenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	_, err = openClusterPort(held.Addr().String(), nil, nil, nil)
	for _, want := range []string{"--cluster", held.Addr().String(), "choose another port"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %s", err, want)
		}
	}
}
