// Command store is the TiKV-compatible store of the test cluster: TiDB's own test store with a region
// manager that splits, faults by request, and a control port. One process is one store. It is a test
// device: no replication, no authentication, loopback only.
//
//	PD <- registration, heartbeats - store <- gRPC tikvpb.Tikv (TiDB, clients under test)
//	                                   ^---- HTTP control port (tests)
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
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pingcap/kvproto/pkg/tikvpb"
	"github.com/pingcap/log"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/pd"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"tidb-spark.test/cluster/tidb/internal/control"
	"tidb-spark.test/cluster/tidb/internal/rpc"
)

const maxMessage = 256 << 20 // bytes; TiKV's own default for what it sends is without a limit

type settings struct {
	pd, addr, control, data, version, logFile string
	regionSize                                int64
	splitCheck                                time.Duration
}

func main() {
	var o settings
	flag.StringVar(&o.pd, "pd", "127.0.0.1:2379", "addresses of PD, separated by commas")
	flag.StringVar(&o.addr, "addr", "127.0.0.1:20160", "address of the store, as registered at PD")
	flag.StringVar(&o.control, "control", "127.0.0.1:20180", "address of the control port")
	flag.StringVar(&o.data, "data", "", "data folder; made when missing")
	flag.StringVar(&o.version, "store-version", "8.5.0", "version registered at PD")
	flag.StringVar(&o.logFile, "log-file", "", "log file; standard error when empty")
	flag.Int64Var(&o.regionSize, "region-size", 96<<20, "bytes; a region above 3/2 of this is split")
	flag.DurationVar(&o.splitCheck, "split-check", 500*time.Millisecond, "how often region sizes are checked")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		os.Exit(1)
	}
}

func run(o settings) error {
	if o.data == "" || o.regionSize < 1024 {
		return errors.New("--data is needed, and --region-size of at least 1024 bytes")
	}
	logger, props, err := log.InitLogger(&log.Config{Level: "info", File: log.FileLogConfig{Filename: o.logFile}})
	if err != nil {
		return err
	}
	log.ReplaceGlobals(logger, props)
	if err := os.MkdirAll(filepath.Join(o.data, "kv"), 0o755); err != nil {
		return err
	}
	pdc, err := pd.NewClient(strings.Split(o.pd, ","), "store")
	if err != nil {
		return fmt.Errorf("connect to PD at %s: %w", o.pd, err)
	}
	// Listen before registering: what PD hands out must answer.
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	controlListener, err := net.Listen("tcp", o.control)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	eng, err := openEngine(ctx, o, pdc)
	if err != nil {
		return err
	}
	pipe := rpc.NewPipeline(eng.regions)
	service := rpc.NewService(eng.server, eng.bundle.LockStore, pipe)

	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.InitialWindowSize(2<<20), grpc.InitialConnWindowSize(8<<20),
		grpc.UnaryInterceptor(pipe.Interceptor), grpc.StreamInterceptor(pipe.StreamInterceptor),
		// Clients ping idle connections every few seconds; the default policy would cut them off.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	tikvpb.RegisterTikvServer(server, service)
	healthy := health.NewServer()
	healthy.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, healthy)
	ctl := &http.Server{
		Handler:           (&control.Control{Service: service, Pipe: pipe, PD: pdc}).Handler(),
		ReadHeaderTimeout: 10 * time.Second,
	}

	failed := make(chan error, 2)
	go func() { failed <- server.Serve(listener) }()
	go func() { failed <- ctl.Serve(controlListener) }()
	log.Info("store is up", zap.String("address", o.addr), zap.String("control", o.control),
		zap.Uint64("id", eng.regions.StoreID()), zap.Int64("region size", o.regionSize))
	select {
	case err = <-failed:
	case <-ctx.Done():
		log.Info("store stops")
	}
	healthy.Shutdown()
	_ = ctl.Close()
	server.Stop()
	eng.server.Stop() // waits for requests, saves locks and regions, closes the engine
	return err
}
