// Package teststore is the control port's backend for the test store, in whose process it lives.
package teststore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/pd"

	"tidb-spark.test/cluster/tidb/internal/control"
	"tidb-spark.test/cluster/tidb/internal/fault"
	"tidb-spark.test/cluster/tidb/internal/region"
	"tidb-spark.test/cluster/tidb/internal/rpc"
)

// Backend answers the port's requests.
type Backend struct {
	Service *rpc.Service  // of the first store
	Pipe    *rpc.Pipeline // of the first store; faults, counters and regions are the same for all
	Stored  map[uint64]*rpc.Service
	PD      pd.Client
}

var _ control.Backend = (*Backend)(nil)

// Timestamp is a new one of PD.
func (b *Backend) Timestamp(ctx context.Context) (uint64, error) {
	physical, logical, err := b.PD.GetTS(ctx)
	return uint64(physical)<<18 + uint64(logical), err
}

// place is a region with the service of its leader's store.
type place struct {
	at      *region.Region
	service *rpc.Service
}

// Locate finds the region of a key.
func (b *Backend) Locate(_ context.Context, key []byte) (control.Place, error) {
	at := b.Pipe.Regions.Locate(key)
	if at == nil {
		return nil, fmt.Errorf("no region holds %x", key)
	}
	return place{at, b.Stored[at.Leader().StoreId]}, nil
}

func (p place) End() []byte {
	if len(p.at.Meta().EndKey) == 0 {
		return nil
	}
	return p.at.RawEnd()
}

func (p place) context() *kvrpcpb.Context {
	return &kvrpcpb.Context{RegionId: p.at.Meta().Id, RegionEpoch: p.at.Meta().RegionEpoch, Peer: p.at.Leader()}
}

func (p place) Scan(ctx context.Context, req *kvrpcpb.ScanRequest) (*kvrpcpb.ScanResponse, error) {
	req.Context = p.context()
	return p.service.KvScan(ctx, req)
}

func (p place) Prewrite(ctx context.Context, req *kvrpcpb.PrewriteRequest) (*kvrpcpb.PrewriteResponse, error) {
	req.Context = p.context()
	return p.service.Prewrite(ctx, req)
}

func (p place) PessimisticLock(ctx context.Context, req *kvrpcpb.PessimisticLockRequest) (*kvrpcpb.PessimisticLockResponse, error) {
	req.Context = p.context()
	return p.service.KvPessimisticLock(ctx, req)
}

// Regions are in key order.
func (b *Backend) Regions(context.Context) ([]control.Region, error) {
	regions := b.Pipe.Regions.Regions()
	out := make([]control.Region, 0, len(regions))
	for _, r := range regions {
		view, err := control.ViewOf(r.Meta(), r.Leader(), r.Size())
		if err != nil {
			return nil, err
		}
		out = append(out, view)
	}
	return out, nil
}

// Stores are those that the process plays.
func (b *Backend) Stores(context.Context) ([]control.Store, error) {
	var out []control.Store
	for _, l := range b.Pipe.Regions.Locals() {
		out = append(out, control.Store{ID: l.StoreID(), Address: l.Addr()})
	}
	return out, nil
}

// Methods are the counters since the start.
func (b *Backend) Methods(context.Context) (any, int64, error) {
	return b.Pipe.Stats.Snapshot(), b.Pipe.Stats.InFlight(), nil
}

// Split cuts at raw keys.
func (b *Backend) Split(ctx context.Context, keys [][]byte) error {
	for _, key := range keys {
		for {
			at := b.Pipe.Regions.Locate(key)
			if at == nil {
				return fmt.Errorf("no region holds %x", key)
			}
			_, err := b.Pipe.Regions.Split(ctx, at, [][]byte{key})
			if err == nil {
				break
			}
			if b.Pipe.Regions.Get(at.Meta().Id) == at { // not a race with a split by size
				return err
			}
		}
	}
	return nil
}

// TransferLeader makes the region's peer in that store its leader.
func (b *Backend) TransferLeader(_ context.Context, region, store uint64) error {
	return b.Pipe.Regions.TransferLeader(region, store)
}

// Merge is for a real store.
func (b *Backend) Merge(context.Context, uint64, uint64) error { return control.ErrNotHere }

// Schedule is for a real store.
func (b *Backend) Schedule(context.Context, json.RawMessage) error { return control.ErrNotHere }

// Locks are the live ones.
func (b *Backend) Locks(_ context.Context, limit int) ([]*kvrpcpb.LockInfo, error) {
	return b.Service.Locks(limit), nil
}

// Faults are the rules with their counts.
func (b *Backend) Faults() any { return b.Pipe.Faults.List() }

// SetFaults replaces the rules.
func (b *Backend) SetFaults(body []byte) error {
	rules, err := fault.Parse(body)
	if err != nil {
		return err
	}
	return b.Pipe.Faults.Replace(rules, b.Pipe.Known)
}

// ClearFaults removes the rules.
func (b *Backend) ClearFaults() error { return b.Pipe.Faults.Replace(nil, b.Pipe.Known) }
