package region

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pingcap/badger"
	"github.com/pingcap/badger/y"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/metapb"
	"github.com/pingcap/kvproto/pkg/pdpb"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/lockstore"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/pd"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
)

// fakePD gives out ids and takes heartbeats; the manager uses nothing else of PD.
type fakePD struct {
	pd.Client
	next    uint64
	reports chan *pdpb.RegionHeartbeatRequest
}

func (f *fakePD) AllocID(context.Context) (uint64, error) { f.next++; return f.next, nil }
func (f *fakePD) Bootstrap(context.Context, *metapb.Store, *metapb.Region) (*pdpb.BootstrapResponse, error) {
	return new(pdpb.BootstrapResponse), nil
}
func (f *fakePD) SetRegionHeartbeatResponseHandler(func(*pdpb.RegionHeartbeatResponse)) {}
func (f *fakePD) PutStore(context.Context, *metapb.Store) error                         { return nil }
func (f *fakePD) StoreHeartbeat(context.Context, *pdpb.StoreStats) error                { return nil }
func (f *fakePD) ReportRegion(r *pdpb.RegionHeartbeatRequest)                           { f.reports <- r }

func open(t *testing.T, dir string, splitSize int64, more ...string) (*Local, *mvcc.DBBundle) {
	t.Helper()
	o := badger.DefaultOptions
	o.Dir, o.ValueDir, o.ManagedTxns = dir, dir, true
	db, err := badger.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	bundle := &mvcc.DBBundle{DB: db, LockStore: lockstore.NewMemStore(1 << 20), StateTS: 1000}
	m, err := Open(context.Background(), bundle, &fakePD{next: 100, reports: make(chan *pdpb.RegionHeartbeatRequest, 1000)},
		Options{Addrs: append([]string{"127.0.0.1:1"}, more...), Version: "8.5.0", SplitSize: splitSize, CheckInterval: 10 * time.Millisecond, Heartbeat: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return m.Locals()[0], bundle
}

// whole checks that the regions cover the key space once, in order.
func whole(t *testing.T, m *Local) {
	t.Helper()
	regions := m.Regions()
	var at []byte
	for i, r := range regions {
		if !bytes.Equal(r.Meta().StartKey, at) {
			t.Fatalf("region %d starts at %x, want %x", r.Meta().Id, r.Meta().StartKey, at)
		}
		if m.Get(r.Meta().Id) != r {
			t.Fatalf("region %d is not found by its id", r.Meta().Id)
		}
		at = r.Meta().EndKey
		if (len(at) == 0) != (i == len(regions)-1) {
			t.Fatalf("region %d ends at %x", r.Meta().Id, at)
		}
	}
}

func contextFor(r *Region) *kvrpcpb.Context {
	return &kvrpcpb.Context{RegionId: r.Meta().Id, RegionEpoch: r.Meta().RegionEpoch, Peer: r.Meta().Peers[0]}
}

func TestSplitAsTiKVDoes(t *testing.T) {
	m, bundle := open(t, t.TempDir(), 1<<30)
	whole(t, m)
	before := m.Locate([]byte("tk"))
	resp := m.SplitRegion(&kvrpcpb.SplitRegionRequest{
		Context:   contextFor(before),
		SplitKeys: [][]byte{[]byte("tm"), []byte("tc"), []byte("t"), []byte("tm"), []byte("zz")}, // unsorted, bounds, twice, outside
	})
	if resp.RegionError != nil || len(resp.Regions) != 3 {
		t.Fatalf("split: %v", resp)
	}
	whole(t, m)
	last := resp.Regions[2]
	if last.Id != before.Meta().Id {
		t.Errorf("the right-most part has id %d, not %d", last.Id, before.Meta().Id)
	}
	for _, r := range resp.Regions {
		if want := before.Meta().RegionEpoch.Version + 2; r.RegionEpoch.Version != want {
			t.Errorf("region %d has version %d, want %d", r.Id, r.RegionEpoch.Version, want)
		}
	}
	if _, e := m.Check(contextFor(before)); e.GetEpochNotMatch() == nil || len(e.EpochNotMatch.CurrentRegions) != 2 {
		t.Errorf("stale epoch: %v", e)
	}
	if again := m.SplitRegion(&kvrpcpb.SplitRegionRequest{Context: contextFor(before), SplitKeys: [][]byte{[]byte("td")}}); again.RegionError.GetEpochNotMatch() == nil {
		t.Errorf("split of a stale region: %v", again)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := bundle.DB.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestChecksOfTheContext(t *testing.T) {
	m, bundle := open(t, t.TempDir(), 1<<30)
	defer func() { _ = m.Close(); _ = bundle.DB.Close() }()
	r := m.Locate([]byte("t"))
	if _, e := m.Check(contextFor(r)); e != nil {
		t.Fatalf("a good context: %v", e)
	}
	ctx := contextFor(r)
	ctx.Peer = &metapb.Peer{Id: r.Meta().Peers[0].Id, StoreId: 999}
	if _, e := m.Check(ctx); e.GetStoreNotMatch().GetRequestStoreId() != 999 {
		t.Errorf("store: %v", e)
	}
	ctx.Peer = &metapb.Peer{Id: 999, StoreId: m.StoreID()}
	if _, e := m.Check(ctx); e.GetMismatchPeerId().GetRequestPeerId() != 999 {
		t.Errorf("peer: %v", e)
	}
	ctx = contextFor(r)
	ctx.RegionId = 999
	if _, e := m.Check(ctx); e.GetRegionNotFound().GetRegionId() != 999 {
		t.Errorf("region: %v", e)
	}
}

func TestRegionsSurviveAndSplitBySize(t *testing.T) {
	dir := t.TempDir()
	m, bundle := open(t, dir, 2048)
	err := bundle.DB.Update(func(txn *badger.Txn) error {
		for i := range 200 {
			e := &badger.Entry{Key: y.KeyWithTs([]byte(fmt.Sprintf("t%04d", i)), 5), Value: make([]byte, 95)}
			if err := txn.SetEntry(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	*m.Locate([]byte("t")).Diff() += 20000
	m.report(m.Regions())
	deadline := time.Now().Add(5 * time.Second)
	for len(m.Regions()) < 5+8 {
		if time.Now().After(deadline) {
			t.Fatalf("%d regions", len(m.Regions()))
		}
		time.Sleep(5 * time.Millisecond)
	}
	whole(t, m)
	first := m.Locate([]byte("t"))
	if size := first.Size(); size < 2048 || size > 3072 {
		t.Errorf("first part has %d bytes", size)
	}
	// PD hears of what is there: 200 keys of 100 bytes and their versions.
	reported := make(map[uint64]*pdpb.RegionHeartbeatRequest)
	var size, keys uint64
	for keys != 200 {
		select {
		case r := <-m.pdc.(*fakePD).reports:
			reported[r.Region.Id] = r
		case <-time.After(5 * time.Second):
			t.Fatalf("%d keys reported", keys)
		}
		size, keys = 0, 0
		for _, r := range reported {
			size, keys = size+r.ApproximateSize, keys+r.ApproximateKeys
		}
	}
	if size < 20000 || size > 24000 {
		t.Errorf("%d bytes reported", size)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	n := len(m.Regions())
	if err := bundle.DB.Close(); err != nil {
		t.Fatal(err)
	}
	again, bundle := open(t, dir, 2048)
	defer func() { _ = again.Close(); _ = bundle.DB.Close() }()
	whole(t, again)
	if len(again.Regions()) != n || again.StoreID() != m.StoreID() {
		t.Errorf("%d regions of store %d came back, want %d of %d", len(again.Regions()), again.StoreID(), n, m.StoreID())
	}
}

func TestSeveralStores(t *testing.T) {
	dir := t.TempDir()
	m, bundle := open(t, dir, 1<<30, "127.0.0.1:2", "127.0.0.1:3")
	locals := m.Locals()
	leaders := make(map[uint64]int)
	for _, r := range m.Regions() {
		if len(r.Meta().Peers) != 3 {
			t.Fatalf("region %d has %d peers", r.Meta().Id, len(r.Meta().Peers))
		}
		leaders[r.Leader().StoreId]++
	}
	if len(leaders) < 2 {
		t.Errorf("all leaders are in one store: %v", leaders)
	}
	r := m.Locate([]byte("t"))
	for i, l := range locals {
		if err := m.TransferLeader(r.Meta().Id, l.StoreID()); err != nil {
			t.Fatal(err)
		}
		for j, other := range locals {
			ctx := contextFor(r)
			ctx.Peer = r.peerIn(other.StoreID())
			_, e := other.Check(ctx)
			if i == j && e != nil {
				t.Errorf("leader refuses: %v", e)
			}
			if i != j && e.GetNotLeader().GetLeader().GetStoreId() != l.StoreID() {
				t.Errorf("follower: %v", e)
			}
			ctx.ReplicaRead = true
			if _, e := other.Check(ctx); e != nil {
				t.Errorf("replica read: %v", e)
			}
		}
	}
	if err := m.TransferLeader(r.Meta().Id, 999); err == nil {
		t.Error("leader in a store that does not exist")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), bundle, m.pdc, Options{Addrs: []string{"127.0.0.1:1"}, CheckInterval: time.Hour, Heartbeat: time.Hour})
	if err == nil {
		t.Error("opened with another number of stores")
	}
	if err := bundle.DB.Close(); err != nil {
		t.Fatal(err)
	}
}
