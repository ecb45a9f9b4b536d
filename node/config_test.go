package node

import (
	"strings"
	"testing"
	"time"
)

func TestConfigNamesEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	c.Name, c.Roles, c.Standby, c.Profile = "n 1", []string{"grading", "grading", "hub"}, "log", "lan"
	c.HTTP, c.Cluster, c.Gossip = "0.0.0.0:8500", "8501", "127.0.0.1:70000"
	c.Join, c.TLSCert, c.Anonymous, c.LogLevel = []string{":8502", "n2"}, "x.pem", "all", "loud"
	c.RaftElection, c.RaftLease, c.LogReplicas, c.SpoolBytes = time.Millisecond, time.Second, 0, 1
	err := c.complete()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`--name "n 1"`, `--roles "hub"`, `a role stands twice`, `--standby "log"`, `--profile "lan"`,
		`--http "0.0.0.0:8500": listens on all addresses`, `--cluster "8501": write host:port`, `--gossip "127.0.0.1:70000": port "70000"`,
		`--join ":8502": the host is missing`, `--join "n2"`, `--tls-cert "x.pem"`, `--anonymous "all"`, `--log-level "loud"`,
		`--raft-election "1ms"`, `--raft-lease "1s"`, `--log-replicas "0"`, `--spool-bytes "1"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %s:\n%v", want, err)
		}
	}
	good := DefaultConfig()
	if err := good.complete(); err != nil || good.Name == "" && err == nil {
		t.Errorf("the defaults do not work: %v", err)
	}
}

func TestNobodyRegistersThroughAProxyUnknown(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	c.BehindProxy, c.Anonymous = true, "register"
	if err := c.complete(); err == nil || !strings.Contains(err.Error(), `--anonymous "register"`) {
		t.Errorf("got %v, want a refusal: whoever the proxy lets in could register services and read logs", err)
	}
}

func TestAnonymousIsOpenOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		change func(*Config)
		want   string
	}{
		{func(*Config) {}, "register"},
		{func(c *Config) { c.HTTP = "[::1]:80" }, "register"},
		{func(c *Config) { c.BehindProxy = true }, "none"},
		{func(c *Config) { c.HTTP = "10.0.0.7:8500" }, "none"},
		{func(c *Config) { c.HTTP, c.Anonymous = "10.0.0.7:8500", "read" }, "read"},
		{func(c *Config) { c.Anonymous = "none" }, "none"},
	} {
		c := DefaultConfig()
		tc.change(&c)
		if got := c.anonymous(); got != tc.want {
			t.Errorf("http %s, behind proxy %v, anonymous %q: got %q, want %q", c.HTTP, c.BehindProxy, c.Anonymous, got, tc.want)
		}
	}
}
