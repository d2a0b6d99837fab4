// Command store is the TiKV-compatible store of the test cluster: TiDB's own test store with a region
// manager that splits, faults by request, and a control port. One process can be several stores. It is a test
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
	"tidb-spark.test/cluster/tidb/internal/control/teststore"
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
	flag.StringVar(&o.addr, "addr", "127.0.0.1:20160", "address of the store, as registered at PD; several, separated by commas, make several stores of this process")
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
	var listeners []net.Listener
	for _, addr := range strings.Split(o.addr, ",") {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		listeners = append(listeners, l)
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
	shared := rpc.NewShared()
	failed := make(chan error, len(listeners)+1)
	ctl := &teststore.Backend{Stored: make(map[uint64]*rpc.Service), PD: pdc}
	var servers []*grpc.Server
	for i, l := range listeners {
		pipe := rpc.NewPipeline(eng.regions[i], shared)
		service := rpc.NewService(eng.servers[i], eng.bundle.LockStore, pipe)
		if i == 0 {
			ctl.Service, ctl.Pipe = service, pipe
		}
		ctl.Stored[eng.regions[i].StoreID()] = service
		server := newServer(pipe, service)
		servers = append(servers, server)
		go func() { failed <- server.Serve(l) }()
	}
	port := &http.Server{Handler: control.Handler(ctl), ReadHeaderTimeout: 10 * time.Second}
	go func() { failed <- port.Serve(controlListener) }()
	log.Info("store is up", zap.String("address", o.addr), zap.String("control", o.control), zap.Int64("region size", o.regionSize))
	select {
	case err = <-failed:
	case <-ctx.Done():
		log.Info("store stops")
	}
	_ = port.Close()
	for _, s := range servers {
		s.Stop() // cuts the connections and waits for the requests
	}
	for i := 0; i < 500 && shared.Stats.InFlight() > 0; i++ { // requests of batches
		time.Sleep(10 * time.Millisecond)
	}
	eng.servers[0].Stop() // saves regions, closes the engine
	return err
}

// newServer is the gRPC server of one store.
func newServer(pipe *rpc.Pipeline, service *rpc.Service) *grpc.Server {
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.InitialWindowSize(2<<20), grpc.InitialConnWindowSize(8<<20),
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(pipe.Interceptor), grpc.StreamInterceptor(pipe.StreamInterceptor),
		// Clients ping idle connections every few seconds; the default policy would cut them off.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	tikvpb.RegisterTikvServer(server, service)
	healthy := health.NewServer()
	healthy.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, healthy)
	return server
}
