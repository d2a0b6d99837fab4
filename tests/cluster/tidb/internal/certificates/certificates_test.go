package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestBothSidesProveThemselves(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tls")
	if err := Make(folder); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("no authority in ca.pem")
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{
		RootCAs: roots, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert,
		Certificates: []tls.Certificate{own}, ServerName: "127.0.0.1",
	}
	client, server := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- tls.Server(server, config).Handshake() }()
	if err := tls.Client(client, config).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}
