package region

import (
	"fmt"

	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/metapb"
	"github.com/pingcap/kvproto/pkg/pdpb"
	"github.com/pingcap/log"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv"
	"go.uber.org/zap"
)

// Local is one store's view of the regions; it answers as tikv.RegionManager.
type Local struct {
	*Manager
	store *metapb.Store
}

var _ tikv.RegionManager = (*Local)(nil)

// Locals gives the views of all stores, in the order of Options.Addrs.
func (m *Manager) Locals() []*Local {
	var out []*Local
	for _, s := range m.stores {
		out = append(out, &Local{Manager: m, store: s})
	}
	return out
}

// StoreID is the id that PD knows this store by.
func (l *Local) StoreID() uint64 { return l.store.GetId() }

// Addr is the address of this store.
func (l *Local) Addr() string { return l.store.GetAddress() }

// GetStoreIDByAddr implements tikv.RegionManager.
func (l *Local) GetStoreIDByAddr(addr string) (uint64, error) {
	for _, s := range l.stores {
		if s.Address == addr {
			return s.Id, nil
		}
	}
	return 0, fmt.Errorf("no store at %s", addr)
}

// GetStoreAddrByStoreID implements tikv.RegionManager.
func (l *Local) GetStoreAddrByStoreID(id uint64) (string, error) {
	for _, s := range l.stores {
		if s.Id == id {
			return s.Address, nil
		}
	}
	return "", fmt.Errorf("no store %d", id)
}

// GetStoreInfoFromCtx implements tikv.RegionManager.
func (l *Local) GetStoreInfoFromCtx(ctx *kvrpcpb.Context) (string, uint64, *errorpb.Error) {
	if err := l.checkStore(ctx); err != nil {
		return "", 0, err
	}
	return l.store.Address, l.store.Id, nil
}

func (l *Local) checkStore(ctx *kvrpcpb.Context) *errorpb.Error {
	if asked := ctx.GetPeer().GetStoreId(); asked != l.store.Id {
		return &errorpb.Error{
			Message:       fmt.Sprintf("to store id %d, mine %d", asked, l.store.Id),
			StoreNotMatch: &errorpb.StoreNotMatch{RequestStoreId: asked, ActualStoreId: l.store.Id},
		}
	}
	return nil
}

// GetRegionFromCtx implements tikv.RegionManager: the checks of TiKV in TiKV's order (store, region,
// leader, peer, epoch).
func (l *Local) GetRegionFromCtx(ctx *kvrpcpb.Context) (tikv.RegionCtx, *errorpb.Error) {
	r, err := l.Check(ctx)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Check is GetRegionFromCtx with the concrete type.
func (l *Local) Check(ctx *kvrpcpb.Context) (*Region, *errorpb.Error) {
	if err := l.checkStore(ctx); err != nil {
		return nil, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	r := l.byID[ctx.GetRegionId()]
	if r == nil {
		return nil, &errorpb.Error{
			Message:        fmt.Sprintf("region %d is missing", ctx.GetRegionId()),
			RegionNotFound: &errorpb.RegionNotFound{RegionId: ctx.GetRegionId()},
		}
	}
	// A follower serves reads that ask for one; all stores share the data, so it is never behind.
	if r.leader.StoreId != l.store.Id && !ctx.GetReplicaRead() && !ctx.GetStaleRead() {
		return nil, &errorpb.Error{
			Message:   fmt.Sprintf("peer is not leader for region %d", r.meta.Id),
			NotLeader: &errorpb.NotLeader{RegionId: r.meta.Id, Leader: r.leader},
		}
	}
	if asked, mine := ctx.GetPeer().GetId(), r.peerIn(l.store.Id).GetId(); asked != mine {
		return nil, &errorpb.Error{
			Message:        fmt.Sprintf("mismatch peer id %d != %d", asked, mine),
			MismatchPeerId: &errorpb.MismatchPeerId{RequestPeerId: asked, StorePeerId: mine},
		}
	}
	if e, have := ctx.GetRegionEpoch(), r.meta.RegionEpoch; e.GetVersion() != have.Version || e.GetConfVer() != have.ConfVer {
		return nil, l.epochNotMatch(r)
	}
	return r, nil
}

// TransferLeader makes the region's peer in the store its leader. The epoch stays, as in TiKV.
func (m *Manager) TransferLeader(id, store uint64) error {
	m.splitMu.Lock()
	defer m.splitMu.Unlock()
	r := m.Get(id)
	if r == nil {
		return fmt.Errorf("no region %d", id)
	}
	peer := r.peerIn(store)
	if peer == nil {
		return fmt.Errorf("region %d has no peer in store %d", id, store)
	}
	moved := *r
	moved.leader = peer
	m.mu.Lock()
	m.put(&moved)
	m.mu.Unlock()
	m.report([]*Region{&moved})
	return nil
}

// onHeartbeatResponse carries out what PD asks for: of its orders only the transfer of a leader.
func (m *Manager) onHeartbeatResponse(resp *pdpb.RegionHeartbeatResponse) {
	to := resp.GetTransferLeader().GetPeer()
	if to == nil {
		return
	}
	if err := m.TransferLeader(resp.GetRegionId(), to.GetStoreId()); err != nil {
		log.Warn("transfer of a leader", zap.Uint64("region", resp.GetRegionId()), zap.Error(err))
	}
}
