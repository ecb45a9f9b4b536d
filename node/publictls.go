package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"strings"
	"time"
)

// ownCertificateLife is how long a self-signed certificate of the public port
// holds: 397 days is the most that browsers take.
const ownCertificateLife = 397 * 24 * time.Hour

// publicTLS returns how the public port proves itself: not at all on loopback
// or behind a proxy, else by the operator's files or a certificate of the
// node's own, whose SHA-256 fingerprint the caller prints.
func publicTLS(c Config, dir *dataDir) (cfg *tls.Config, fingerprint string, err error) {
	if c.TLSCert == "" && (loopback(c.HTTP) || c.BehindProxy) {
		return nil, "", nil
	}
	if c.TLSCert == "" {
		cert, err := ownCertificate(dir, certificateHosts(c), time.Now())
		if err != nil {
			return nil, "", fmt.Errorf("certificate of the public port: %w", err)
		}
		sum := sha256.Sum256(cert.Certificate[0])
		fingerprint = strings.ToUpper(strings.TrimSuffix(strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":"), ":"))
		return serveTLS(cert), fingerprint, nil
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, "", fmt.Errorf("--tls-cert %q with --tls-key %q: %w", c.TLSCert, c.TLSKey, err)
	}
	return serveTLS(cert), "", nil
}

func serveTLS(cert tls.Certificate) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
}

// certificateHosts are the names that browsers may use for this node.
func certificateHosts(c Config) []string {
	host, _ := splitAddress(c.HTTP)
	return []string{"localhost", "127.0.0.1", c.Advertise, host, c.Name}
}

// ownCertificate reads the node's certificate from its data directory, or makes
// one: ECDSA on P-256, since browsers refuse Ed25519. It is kept, so that its
// fingerprint stays what people wrote down.
func ownCertificate(dir *dataDir, hosts []string, now time.Time) (tls.Certificate, error) {
	path := dir.join("public.pem")
	text, err := os.ReadFile(path)
	if err == nil {
		cert, err := tls.X509KeyPair(text, text)
		if err != nil {
			return cert, fmt.Errorf("%s: %w: remove the file, a new one is made", path, err)
		}
		if now.Before(cert.Leaf.NotAfter.Add(-30 * 24 * time.Hour)) {
			return cert, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "rollcall"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(ownCertificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		switch ip := net.ParseIP(h); {
		case ip != nil && !ip.IsUnspecified():
			template.IPAddresses = append(template.IPAddresses, ip)
		case ip == nil && h != "":
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	text = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
	if err := writeFile(path, string(text)); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(text, text)
}
