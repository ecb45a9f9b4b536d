package secret

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// leafLife is how long a node's own certificate holds. It is minted anew at
// half of it. Nothing is ever written to disk, so a restart mints too.
const leafLife = 30 * 24 * time.Hour

// epoch is when every certificate starts to hold: a node whose clock is slow
// must not refuse a peer's fresh certificate.
var epoch = time.Unix(0, 0)

// authority returns the secret's certificate authority. Ed25519 signatures
// hold no randomness (RFC 8032), so each node computes the same bytes.
func (s Secret) authority() (*x509.Certificate, ed25519.PrivateKey, error) {
	key := ed25519.NewKeyFromSeed(s.derive("ca"))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall cluster " + s.Fingerprint()},
		NotBefore: epoch, NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280 §4.1.2.5: no end
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(der)
	return ca, key, err
}

// Identity is one node's side of mutual TLS: it shows a certificate whose only
// name is the node's id, and believes certificates of the ring's authorities.
// All methods may be called at once.
type Identity struct {
	id    string
	ca    *x509.Certificate
	key   ed25519.PrivateKey
	roots *x509.CertPool

	mu   sync.Mutex
	leaf *tls.Certificate // guarded by mu
}

// Identity returns the TLS identity of the node with the given id.
func (r Ring) Identity(id string) (*Identity, error) {
	i := &Identity{id: id, roots: x509.NewCertPool()}
	for n, s := range r {
		ca, key, err := s.authority()
		if err != nil {
			return nil, fmt.Errorf("secret %s: certificate authority: %w", s.Fingerprint(), err)
		}
		i.roots.AddCert(ca)
		if n == 0 {
			i.ca, i.key = ca, key
		}
	}
	if i.ca == nil {
		return nil, errors.New("secret: the ring is empty")
	}
	return i, nil
}

// Server returns the configuration of a listener that lets in members only.
// protos is offered by ALPN.
func (i *Identity) Server(protos ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protos,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: i.roots,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return i.certificate(time.Now()) },
	}
}

// Client returns the configuration for a connection to exactly the node id.
// Two nodes behind one address can so never be taken for each other.
func (i *Identity) Client(id string, protos ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protos, ServerName: id, RootCAs: i.roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return i.certificate(time.Now()) },
	}
}

// certificate returns the leaf, minted anew once half of its life is over.
func (i *Identity) certificate(now time.Time) (*tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.leaf != nil && i.leaf.Leaf.NotAfter.Sub(now) > leafLife/2 && i.leaf.Leaf.NotAfter.Sub(now) <= leafLife {
		return i.leaf, nil
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: i.id}, DNSNames: []string{i.id},
		NotBefore: epoch, NotAfter: now.Add(leafLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.ca, pub, i.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	i.leaf = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	return i.leaf, nil
}

// PeerID returns the node id that the other side of a connection proved, or ""
// when it showed no certificate.
func PeerID(state *tls.ConnectionState) string {
	if state == nil || len(state.PeerCertificates) == 0 || len(state.PeerCertificates[0].DNSNames) == 0 {
		return ""
	}
	return state.PeerCertificates[0].DNSNames[0]
}
