package membership

import (
	"context"
	"net"
	"slices"
	"time"
)

// lookupLimit bounds one look-up of a seed's name.
const lookupLimit = 2 * time.Second

// seedList is the configured seeds and the addresses they stand for. A seed
// may be a name behind which addresses come and go. Not safe for concurrent
// use: one loop owns it.
type seedList struct {
	names []string
	self  func(addr string) bool
	addrs map[string][]string // name → addresses, as last resolved
}

func newSeedList(names []string, self func(string) bool) *seedList {
	return &seedList{names: names, self: self, addrs: map[string][]string{}}
}

// resolve returns the addresses of all seeds, without this node's own and
// without repetitions. With again, names are looked up anew; a name that can't
// be looked up keeps its last addresses.
func (l *seedList) resolve(ctx context.Context, again bool) []string {
	var all []string
	for _, name := range l.names {
		if _, known := l.addrs[name]; !known || again {
			if addrs := lookup(ctx, name); len(addrs) > 0 {
				l.addrs[name] = addrs
			}
		}
		for _, addr := range l.addrs[name] {
			if !l.self(addr) && !slices.Contains(all, addr) {
				all = append(all, addr)
			}
		}
	}
	return all
}

// lookup turns host:port into addresses.
func lookup(ctx context.Context, name string) []string {
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		return nil
	}
	if ip := net.ParseIP(host); ip != nil {
		return []string{net.JoinHostPort(ip.String(), port)}
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil
	}
	addrs := make([]string, 0, len(ips))
	for _, ip := range ips {
		addrs = append(addrs, net.JoinHostPort(ip.IP.String(), port))
	}
	return addrs
}
