package main

import (
	"net"
	"strings"
)

// notify tells the service manager how the node is: one datagram to the socket
// that it named in NOTIFY_SOCKET, as sd_notify(3) describes. Without a manager,
// and when it does not listen, nothing happens: a node does not depend on it.
func notify(getenv func(string) string, state string) {
	name := getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if abstract, ok := strings.CutPrefix(name, "@"); ok {
		name = "\x00" + abstract
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
