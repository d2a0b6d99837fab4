// Command control is the control port of a test cluster with real TiKV stores: the verbs of the test store's port, as a client of PD and
// the stores. It is a test device: no authentication, loopback only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/tikv/client-go/v2/config"

	"tidb-spark.test/cluster/tidb/internal/certificates"
	"tidb-spark.test/cluster/tidb/internal/control"
	"tidb-spark.test/cluster/tidb/internal/control/realstore"
)

func main() {
	var pd, addr, folder string
	var security config.Security
	flag.StringVar(&pd, "pd", "127.0.0.1:2379", "addresses of PD, separated by commas")
	flag.StringVar(&addr, "addr", "127.0.0.1:20180", "address of the control port")
	flag.StringVar(&security.ClusterSSLCA, "ca", "", "PEM of the authority; TLS is used when it is given")
	flag.StringVar(&security.ClusterSSLCert, "cert", "", "PEM of our certificate")
	flag.StringVar(&security.ClusterSSLKey, "key", "", "PEM of its key")
	flag.StringVar(&folder, "make-certificates", "", "write an authority and a certificate for 127.0.0.1 into this folder, and end")
	flag.Parse()
	work := func() error { return serve(strings.Split(pd, ","), addr, security) }
	if folder != "" {
		work = func() error { return certificates.Make(folder) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "control:", err)
		os.Exit(1)
	}
}

func serve(pd []string, addr string, security config.Security) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	backend, err := realstore.Open(pd, security)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	port := &http.Server{Handler: control.Handler(backend), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = port.Close()
	}()
	if err = port.Serve(listener); errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, backend.Close())
}
