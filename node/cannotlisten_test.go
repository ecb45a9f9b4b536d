package node

import (
	"io"
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

func TestGossipPortThatIsTakenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	for addr, wants := range map[string][]string{
		tcp.Addr().String():      {"tcp: address already in use", "choose another port"},
		udp.LocalAddr().String(): {"udp: address already in use", "choose another port"},
		"192.0.2.1:0":            {"tcp: cannot assign requested address", "address of this machine"}, // RFC 5737: nobody has it
	} {
		cfg := DefaultConfig()
		cfg.Name, cfg.DataDir, cfg.Dev, cfg.Stderr = "solo", t.TempDir(), true, io.Discard
		cfg.HTTP, cfg.Cluster, cfg.Gossip = "127.0.0.1:0", "127.0.0.1:0", addr
		n, err := New(cfg)
		if err == nil {
			n.Kill()
			t.Errorf("%s: the port was taken twice", addr)
			continue
		}
		for _, want := range append(wants, "--gossip", addr) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to say %s", err, want)
			}
		}
	}
}
