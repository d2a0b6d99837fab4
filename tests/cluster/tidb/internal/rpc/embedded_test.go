package rpc

import (
	"context"
	"testing"
	"time"

	"github.com/pingcap/badger"
	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/metapb"
	"github.com/pingcap/kvproto/pkg/pdpb"
	"github.com/pingcap/tidb/pkg/kv"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/config"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/lockstore"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/pd"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
	"github.com/pingcap/tipb/go-tipb"

	"tidb-spark.test/cluster/tidb/internal/region"
)

// fakePD gives out ids and timestamps and takes heartbeats.
type fakePD struct {
	pd.Client
	next uint64
	ts   int64
}

func (f *fakePD) AllocID(context.Context) (uint64, error)                { f.next++; return f.next, nil }
func (f *fakePD) GetTS(context.Context) (int64, int64, error)            { f.ts++; return 1, f.ts, nil }
func (f *fakePD) PutStore(context.Context, *metapb.Store) error          { return nil }
func (f *fakePD) ReportRegion(*pdpb.RegionHeartbeatRequest)              {}
func (f *fakePD) GetGCSafePoint(context.Context) (uint64, error)         { return 0, nil }
func (f *fakePD) StoreHeartbeat(context.Context, *pdpb.StoreStats) error { return nil }
func (f *fakePD) Bootstrap(context.Context, *metapb.Store, *metapb.Region) (*pdpb.BootstrapResponse, error) {
	return new(pdpb.BootstrapResponse), nil
}
func (f *fakePD) SetRegionHeartbeatResponseHandler(func(*pdpb.RegionHeartbeatResponse)) {}

// harness is a whole store without network: the embedded server below our service and pipeline.
type harness struct {
	*Service
	t  *testing.T
	ts uint64
}

func embedded(t *testing.T) *harness {
	t.Helper()
	dir := t.TempDir()
	o := badger.DefaultOptions
	o.Dir, o.ValueDir, o.ManagedTxns = dir, dir, true
	db, err := badger.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	pdc := &fakePD{next: 100}
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
	return &harness{Service: NewService(server, bundle.LockStore, NewPipeline(local, NewShared())), t: t, ts: 10}
}

// at is the context of a request to the region of a raw key.
func (h *harness) at(key []byte) *kvrpcpb.Context {
	r := h.regions.Locate(key)
	return &kvrpcpb.Context{RegionId: r.Meta().Id, RegionEpoch: r.Meta().RegionEpoch, Peer: r.Meta().Peers[0]}
}

// lock prewrites keys in one transaction and returns its start timestamp.
func (h *harness) lock(pairs ...[]byte) uint64 {
	h.t.Helper()
	h.ts += 10
	req := &kvrpcpb.PrewriteRequest{Context: h.at(pairs[0]), StartVersion: h.ts, PrimaryLock: pairs[0], LockTtl: 10000}
	for i := 0; i < len(pairs); i += 2 {
		req.Mutations = append(req.Mutations, &kvrpcpb.Mutation{Op: kvrpcpb.Op_Put, Key: pairs[i], Value: pairs[i+1]})
	}
	resp, err := h.KvPrewrite(context.Background(), req)
	if err != nil || resp.RegionError != nil || len(resp.Errors) > 0 {
		h.t.Fatalf("prewrite: %v, %v", resp, err)
	}
	return h.ts
}

// put commits pairs of key and value, all of one region.
func (h *harness) put(pairs ...[]byte) {
	h.t.Helper()
	start := h.lock(pairs...)
	var keys [][]byte
	for i := 0; i < len(pairs); i += 2 {
		keys = append(keys, pairs[i])
	}
	resp, err := h.KvCommit(context.Background(), &kvrpcpb.CommitRequest{Context: h.at(keys[0]), StartVersion: start, CommitVersion: start + 5, Keys: keys})
	if err != nil || resp.RegionError != nil || resp.Error != nil {
		h.t.Fatalf("commit: %v, %v", resp, err)
	}
}

// dag sends executors for ranges (start, end, start, end, ..) of the region of the first start.
func (h *harness) dag(executors []*tipb.Executor, offsets []uint32, ranges ...[]byte) *coprocessor.Request {
	h.t.Helper()
	data, err := (&tipb.DAGRequest{Executors: executors, OutputOffsets: offsets, EncodeType: tipb.EncodeType_TypeDefault}).Marshal()
	if err != nil {
		h.t.Fatal(err)
	}
	req := &coprocessor.Request{Tp: kv.ReqTypeDAG, Data: data, StartTs: h.ts + 1000}
	for i := 0; i < len(ranges); i += 2 {
		req.Ranges = append(req.Ranges, &coprocessor.KeyRange{Start: ranges[i], End: ranges[i+1]})
	}
	if len(ranges) > 0 {
		req.Context = h.at(ranges[0])
	}
	return req
}

// run is the answer to a request: the response and what is in its data.
func (h *harness) run(req *coprocessor.Request) (*coprocessor.Response, *tipb.SelectResponse) {
	h.t.Helper()
	resp, err := h.Coprocessor(context.Background(), req)
	if err != nil {
		h.t.Fatal(err)
	}
	sel := new(tipb.SelectResponse)
	if err := sel.Unmarshal(resp.Data); err != nil {
		h.t.Fatal(err)
	}
	return resp, sel
}
