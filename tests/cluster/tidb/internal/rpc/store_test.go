package rpc

import (
	"bytes"
	"context"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/pingcap/badger"
	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/metapb"
	"github.com/pingcap/kvproto/pkg/pdpb"
	"github.com/pingcap/kvproto/pkg/tikvpb"
	"github.com/pingcap/tidb/pkg/kv"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/config"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/lockstore"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/pd"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
	"github.com/pingcap/tidb/pkg/tablecodec"
	"github.com/pingcap/tidb/pkg/util/codec"
	"github.com/pingcap/tipb/go-tipb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"tidb-spark.test/cluster/tidb/internal/region"
)

// fakePD gives out ids and timestamps and takes heartbeats.
type fakePD struct {
	pd.Client
	next     uint64
	physical int64 // milliseconds
	logical  int64
}

func (f *fakePD) AllocID(context.Context) (uint64, error) { f.next++; return f.next, nil }
func (f *fakePD) GetTS(context.Context) (int64, int64, error) {
	f.logical += 10
	return f.physical, f.logical, nil
}
func (f *fakePD) PutStore(context.Context, *metapb.Store) error          { return nil }
func (f *fakePD) ReportRegion(*pdpb.RegionHeartbeatRequest)              {}
func (f *fakePD) GetGCSafePoint(context.Context) (uint64, error)         { return 0, nil }
func (f *fakePD) StoreHeartbeat(context.Context, *pdpb.StoreStats) error { return nil }
func (f *fakePD) Bootstrap(context.Context, *metapb.Store, *metapb.Region) (*pdpb.BootstrapResponse, error) {
	return new(pdpb.BootstrapResponse), nil
}
func (f *fakePD) SetRegionHeartbeatResponseHandler(func(*pdpb.RegionHeartbeatResponse)) {}

// harness is a store to test: ours without network, the embedded server below our service and pipeline; or, when
// STRICT_PD is the address of a PD, a TiKV of its cluster. The tests hold on both: what ours refuses TiKV refuses.
type harness struct {
	t     *testing.T
	own   *Service // nil for TiKV
	tikv  tikvpb.TikvClient
	pd    pd.Client
	table int64 // a table that nobody else has
}

func open(t *testing.T) *harness {
	t.Helper()
	if addr := os.Getenv("STRICT_PD"); addr != "" {
		return connect(t, addr)
	}
	dir := t.TempDir()
	o := badger.DefaultOptions
	o.Dir, o.ValueDir, o.ManagedTxns = dir, dir, true
	db, err := badger.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	pdc := &fakePD{next: 100, physical: 1000}
	bundle := &mvcc.DBBundle{DB: db, LockStore: lockstore.NewMemStore(1 << 20), StateTS: 1000}
	m, err := region.Open(context.Background(), bundle, pdc, region.Options{
		Addrs: []string{"127.0.0.1:1"}, Version: "8.5.0", SplitSize: 1 << 30, CheckInterval: time.Hour, Heartbeat: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	conf := config.DefaultConf
	store := tikv.NewMVCCStore(&conf, bundle, dir, new(tikv.SafePoint), tikv.NewDBWriter(bundle), pdc)
	local := m.Locals()[0]
	server := tikv.NewServer(local, store, tikv.NewStandAlongInnerServer(bundle))
	t.Cleanup(server.Stop)
	return &harness{t: t, own: NewService(server, bundle.LockStore, NewPipeline(local, NewShared())), pd: pdc, table: 5}
}

func connect(t *testing.T, addr string) *harness {
	t.Helper()
	pdc, err := pd.NewClient([]string{addr}, "strict")
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, pd: pdc, table: 1<<40 + time.Now().UnixNano()%(1<<40)}
	r, err := pdc.GetRegion(context.Background(), codec.EncodeBytes(nil, tablecodec.EncodeTablePrefix(h.table)))
	if err != nil {
		t.Fatal(err)
	}
	store, err := pdc.GetStore(context.Background(), r.Leader.StoreId)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(store.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); pdc.Close() })
	h.tikv = tikvpb.NewTikvClient(conn)
	return h
}

// ask sends a request to the store that is tested; to ours through the whole pipeline.
func ask[Q, R any](h *harness, tikv func(tikvpb.TikvClient, context.Context, *Q, ...grpc.CallOption) (*R, error), req *Q) *R {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if h.own == nil {
		resp, err := tikv(h.tikv, ctx, req)
		if err != nil {
			h.t.Fatal(err)
		}
		return resp
	}
	resp, err := h.own.pipe.invoke(ctx, h.own.pipe.byReq[reflect.TypeOf(req)], req)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp.(*R)
}

// at is the context of a request to the region of a raw key.
func (h *harness) at(key []byte) *kvrpcpb.Context {
	if h.own != nil {
		r := h.own.regions.Locate(key)
		return &kvrpcpb.Context{RegionId: r.Meta().Id, RegionEpoch: r.Meta().RegionEpoch, Peer: r.Meta().Peers[0]}
	}
	r, err := h.pd.GetRegion(context.Background(), codec.EncodeBytes(nil, key))
	if err != nil {
		h.t.Fatal(err)
	}
	return &kvrpcpb.Context{RegionId: r.Meta.Id, RegionEpoch: r.Meta.RegionEpoch, Peer: r.Leader}
}

// split makes regions begin at the raw keys.
func (h *harness) split(keys ...[]byte) {
	h.t.Helper()
	for _, key := range keys {
		resp := ask(h, tikvpb.TikvClient.SplitRegion, &kvrpcpb.SplitRegionRequest{Context: h.at(key), SplitKeys: [][]byte{key}})
		if resp.RegionError != nil {
			h.t.Fatal(resp.RegionError)
		}
		for i := 0; h.own == nil; i++ { // until PD knows
			r, err := h.pd.GetRegion(context.Background(), codec.EncodeBytes(nil, key))
			if err == nil && bytes.Equal(r.Meta.StartKey, codec.EncodeBytes(nil, key)) {
				break
			}
			if i > 100 {
				h.t.Fatal("PD does not see a split")
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// now is a new timestamp.
func (h *harness) now() uint64 {
	physical, logical, err := h.pd.GetTS(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return uint64(physical)<<18 + uint64(logical)
}

// wait lets time pass for the transactions.
func (h *harness) wait(d time.Duration) {
	if own, ok := h.pd.(*fakePD); ok {
		own.physical += d.Milliseconds()
		return
	}
	time.Sleep(d)
}

// lock prewrites pairs of key and value in one transaction and returns its start timestamp.
func (h *harness) lock(pairs ...[]byte) uint64 {
	h.t.Helper()
	start := h.now()
	req := &kvrpcpb.PrewriteRequest{Context: h.at(pairs[0]), StartVersion: start, PrimaryLock: pairs[0], LockTtl: 10000}
	for i := 0; i < len(pairs); i += 2 {
		req.Mutations = append(req.Mutations, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Put, Key: pairs[i], Value: pairs[i+1]})
	}
	resp := ask(h, tikvpb.TikvClient.KvPrewrite, req)
	if resp.RegionError != nil || len(resp.Errors) > 0 {
		h.t.Fatalf("prewrite: %v", resp)
	}
	return start
}

// put commits pairs of key and value, all of one region.
func (h *harness) put(pairs ...[]byte) {
	h.t.Helper()
	start := h.lock(pairs...)
	req := &kvrpcpb.CommitRequest{Context: h.at(pairs[0]), StartVersion: start, CommitVersion: h.now()}
	for i := 0; i < len(pairs); i += 2 {
		req.Keys = append(req.Keys, pairs[i])
	}
	if resp := ask(h, tikvpb.TikvClient.KvCommit, req); resp.RegionError != nil || resp.Error != nil {
		h.t.Fatalf("commit: %v", resp)
	}
}

// dag makes a request of executors for ranges (start, end, start, end, ..) in the region of the first start.
func (h *harness) dag(executors []*tipb.Executor, offsets []uint32, ranges ...[]byte) *coprocessor.Request {
	h.t.Helper()
	data, err := (&tipb.DAGRequest{Executors: executors, OutputOffsets: offsets, EncodeType: tipb.EncodeType_TypeDefault}).Marshal()
	if err != nil {
		h.t.Fatal(err)
	}
	req := &coprocessor.Request{Tp: kv.ReqTypeDAG, Data: data, StartTs: h.now()}
	for i := 0; i < len(ranges); i += 2 {
		req.Ranges = append(req.Ranges, &coprocessor.KeyRange{Start: ranges[i], End: ranges[i+1]})
	}
	if len(ranges) > 0 {
		req.Context = h.at(ranges[0])
	}
	return req
}

// chunks asks for the answer in chunks.
func (h *harness) chunks(req *coprocessor.Request) *coprocessor.Request {
	h.t.Helper()
	dag := new(tipb.DAGRequest)
	if err := dag.Unmarshal(req.Data); err != nil {
		h.t.Fatal(err)
	}
	dag.EncodeType = tipb.EncodeType_TypeChunk
	var err error
	if req.Data, err = dag.Marshal(); err != nil {
		h.t.Fatal(err)
	}
	return req
}

// run is the answer to a request: the response and what is in its data.
func (h *harness) run(req *coprocessor.Request) (*coprocessor.Response, *tipb.SelectResponse) {
	h.t.Helper()
	resp := ask(h, tikvpb.TikvClient.Coprocessor, req)
	sel := new(tipb.SelectResponse)
	if err := sel.Unmarshal(resp.Data); err != nil {
		h.t.Fatal(err)
	}
	return resp, sel
}
