package node

import (
	"crypto/x509"
	"testing"
	"time"
)

func TestPublicPortProvesItselfBeyondLoopback(t *testing.T) {
	t.Parallel()
	dir := &dataDir{path: t.TempDir()}
	c := DefaultConfig()
	if cfg, _, err := publicTLS(c, dir); err != nil || cfg != nil {
		t.Errorf("on loopback: %v, %v, want plain HTTP", cfg, err)
	}
	c.HTTP = "192.0.2.7:8500"
	cfg, fingerprint, err := publicTLS(c, dir)
	if err != nil || cfg == nil || len(fingerprint) != 95 {
		t.Fatalf("beyond loopback: %v, fingerprint %q", err, fingerprint)
	}
	leaf, err := x509.ParseCertificate(cfg.Certificates[0].Certificate[0])
	if err != nil || leaf.VerifyHostname("192.0.2.7") != nil || leaf.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("the certificate is not for this address: %v, %v", leaf, err)
	}
	if _, again, err := publicTLS(c, dir); err != nil || again != fingerprint {
		t.Errorf("after a restart the fingerprint is another one: %v", err)
	}
	if _, err := ownCertificate(dir, nil, time.Now().Add(ownCertificateLife-time.Hour)); err != nil {
		t.Error(err)
	}
	if _, again, _ := publicTLS(c, dir); again == fingerprint {
		t.Error("a certificate that was about to end was kept")
	}
	c.BehindProxy = true
	if cfg, _, err := publicTLS(c, dir); err != nil || cfg != nil {
		t.Errorf("behind a proxy: %v, %v, want plain HTTP", cfg, err)
	}
	c.TLSCert, c.TLSKey = "none.pem", "none.key"
	if _, _, err := publicTLS(c, dir); err == nil {
		t.Error("missing files are no error")
	}
}
