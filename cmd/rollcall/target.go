package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// parseNode reads one address of a node: host:port, or a URL. Plain HTTP is
// taken for this machine only, unless a URL asks for it, because a token or a
// grade on the network in the clear is everybody's.
func parseNode(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		host, port, err := net.SplitHostPort(s)
		if err != nil || port == "" {
			return nil, errors.New("give host:port or a URL, as in 127.0.0.1:8500 or https://grades.example:8500")
		}
		scheme := "https"
		if loopback(host) {
			scheme = "http"
		}
		s = scheme + "://" + s
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return nil, errors.New("give host:port or a URL without a path, as in https://grades.example:8500")
	}
	u.Path = ""
	return u, nil
}

func loopback(host string) bool {
	if host == "localhost" || host == "" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// plainTransport dials nodes: roots from caFile (PEM; "" means the system's),
// or exactly the leaves in pins (hex SHA-256, as a node prints its own at
// start). answer limits the wait for the head of one answer.
func plainTransport(caFile string, pins []string, answer time.Duration) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		TLSHandshakeTimeout:   2 * time.Second,
		ResponseHeaderTimeout: answer,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       30 * time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS13},
	}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, usagef("--ca-file: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, usagef("--ca-file: %q: no certificate in it; give a PEM file", caFile)
		}
		t.TLSClientConfig.RootCAs = roots
	}
	if len(pins) > 0 {
		t.TLSClientConfig.InsecureSkipVerify = true // the pin below is the stricter check
		t.TLSClientConfig.VerifyConnection = func(s tls.ConnectionState) error {
			sum := sha256.Sum256(s.PeerCertificates[0].Raw)
			for _, pin := range pins {
				if strings.EqualFold(strings.ReplaceAll(pin, ":", ""), hex.EncodeToString(sum[:])) {
					return nil
				}
			}
			return fmt.Errorf("the node's certificate has the fingerprint %x, which --fingerprint does not name", sum)
		}
	}
	return t, nil
}
