package region

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pingcap/badger"
	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/metapb"
	"github.com/pingcap/log"
	"go.uber.org/zap"
)

// Split cuts a region at raw keys and returns the parts in key order. Keys on or outside the bounds
// are ignored, as TiKV ignores them; with none left the region itself is returned. A region that is
// no longer current is an error.
func (m *Manager) Split(ctx context.Context, r *Region, keys [][]byte) ([]*Region, error) {
	return m.split(ctx, r, keys, nil)
}

// extent is what a part of a region holds.
type extent struct{ bytes, keys int64 }

// split is Split with what the parts hold, where it was measured.
func (m *Manager) split(ctx context.Context, r *Region, keys [][]byte, extents []extent) ([]*Region, error) {
	m.splitMu.Lock()
	defer m.splitMu.Unlock()
	if current := m.Get(r.meta.Id); current != r {
		return nil, fmt.Errorf("region %d has changed", r.meta.Id)
	}
	cuts := make([][]byte, 0, len(keys))
	for _, k := range keys {
		if r.Contains(k) && !bytes.Equal(k, r.rawStart) {
			cuts = append(cuts, bytes.Clone(k))
		}
	}
	slices.SortFunc(cuts, bytes.Compare)
	cuts = slices.CompactFunc(cuts, bytes.Equal)
	if len(cuts) == 0 {
		return []*Region{r}, nil
	}
	each := 1 + len(m.stores) // the region and its peers
	ids, err := m.allocIDs(ctx, each*len(cuts))
	if err != nil {
		return nil, err
	}
	if len(extents) != len(cuts)+1 {
		extents = nil
	}
	parts := make([]*Region, 0, len(cuts)+1)
	version := r.meta.RegionEpoch.Version + uint64(len(cuts))
	for i := range len(cuts) + 1 {
		meta := &metapb.Region{
			Id: r.meta.Id, StartKey: r.meta.StartKey, EndKey: r.meta.EndKey, Peers: r.meta.Peers,
			RegionEpoch: &metapb.RegionEpoch{ConfVer: r.meta.RegionEpoch.ConfVer, Version: version},
		}
		diff := r.diff
		if i > 0 {
			meta.StartKey = encode(cuts[i-1])
		}
		if i < len(cuts) { // the right-most part keeps the id
			meta.EndKey = encode(cuts[i])
			meta.Id, meta.Peers = ids[each*i], nil
			for n, store := range m.stores {
				meta.Peers = append(meta.Peers, &metapb.Peer{Id: ids[each*i+1+n], StoreId: store.Id})
			}
			diff = new(int64)
		}
		share := int64(len(cuts) + 1)
		has := extent{bytes: r.Size() / share}
		if extents != nil {
			has = extents[i]
		}
		part, err := newRegion(meta, has.bytes, diff, m.latches)
		if err != nil {
			return nil, err
		}
		part.keys = has.keys
		if i == len(cuts) {
			part.leader = r.leader
		}
		parts = append(parts, part)
	}
	atomic.StoreInt64(r.diff, 0)
	if err := m.save(parts, nil); err != nil {
		return nil, err
	}
	m.mu.Lock()
	for _, p := range parts {
		m.put(p)
	}
	m.mu.Unlock()
	m.report(parts)
	log.Info("region split", zap.Uint64("id", r.meta.Id), zap.Int("parts", len(parts)), zap.Uint64("version", version))
	return parts, nil
}

// SplitRegion implements the RPC of that name: SplitKeys (or the older SplitKey) are raw keys.
func (l *Local) SplitRegion(req *kvrpcpb.SplitRegionRequest) *kvrpcpb.SplitRegionResponse {
	r, regErr := l.Check(req.GetContext())
	if regErr != nil {
		return &kvrpcpb.SplitRegionResponse{RegionError: regErr}
	}
	keys := req.SplitKeys
	if len(keys) == 0 && len(req.SplitKey) > 0 { //nolint:staticcheck // older clients
		keys = [][]byte{req.SplitKey} //nolint:staticcheck // older clients
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	parts, err := l.Split(ctx, r, keys)
	if err != nil {
		if now := l.Get(r.meta.Id); now != nil && now != r {
			return &kvrpcpb.SplitRegionResponse{RegionError: l.EpochNotMatch(now)}
		}
		return &kvrpcpb.SplitRegionResponse{RegionError: &errorpb.Error{Message: err.Error()}}
	}
	resp := new(kvrpcpb.SplitRegionResponse)
	for _, p := range parts {
		resp.Regions = append(resp.Regions, p.meta)
	}
	return resp
}

// sizeLoop splits regions that have grown, and lets PD know of sizes soon after they have changed.
func (m *Manager) sizeLoop() {
	tick := time.NewTicker(m.opts.CheckInterval)
	defer tick.Stop()
	for {
		select {
		case <-m.closed:
			return
		case <-tick.C:
		}
		for _, r := range m.Regions() {
			if !m.worthMeasuring(r) {
				continue
			}
			if err := m.measure(r); err != nil {
				log.Warn("size of a region", zap.Uint64("region", r.meta.Id), zap.Error(err))
			}
		}
	}
}

// worthMeasuring tells regions that may have to be split, and those that were not measured yet or have grown by half since (and by a
// sixteenth of the split size, as TiKV has it): each byte that is written is then read three times at most.
func (m *Manager) worthMeasuring(r *Region) bool {
	size, grown, step := r.Size(), atomic.LoadInt64(r.diff), m.opts.SplitSize/16
	switch {
	case size > m.opts.SplitSize*3/2:
		return true
	case r.Keys() == 0: // not measured since a start, or since a split that shared out the size blindly
		return size > 0
	default:
		return grown > step && grown > atomic.LoadInt64(&r.size)/2
	}
}

// locked tells whether some key of the region is locked. What a transaction writes counts as growth before it is committed.
func (m *Manager) locked(r *Region) bool {
	it := m.bundle.LockStore.NewIterator()
	it.Seek(r.rawStart)
	return it.Valid() && bytes.Compare(it.Key(), r.rawEnd) < 0
}

// measure counts a region's bytes and keys and cuts it where parts have reached the split size. Only committed
// data counts; the last part may be up to 3/2 of the size, so that it is not cut again at once.
func (m *Manager) measure(r *Region) error {
	written := atomic.LoadInt64(r.diff)
	// Looked at after the counter and before the data: what was counted and is not locked any more will be found.
	settled := !m.locked(r)
	if !settled && r.Size() <= m.opts.SplitSize*3/2 {
		return nil // once the transaction has ended
	}
	var cuts [][]byte
	var extents []extent
	var total, part extent
	err := m.bundle.DB.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		for it.Seek(r.rawStart); it.Valid(); it.Next() {
			item := it.Item()
			if bytes.Compare(item.Key(), r.rawEnd) >= 0 {
				break
			}
			n := int64(len(item.Key()) + item.ValueSize())
			if part.bytes >= m.opts.SplitSize {
				cuts, extents = append(cuts, item.KeyCopy(nil)), append(extents, part)
				part = extent{}
			}
			part.bytes, part.keys = part.bytes+n, part.keys+1
			total.bytes, total.keys = total.bytes+n, total.keys+1
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n := len(cuts); n > 0 && part.bytes < m.opts.SplitSize/2 {
		part.bytes, part.keys = part.bytes+extents[n-1].bytes, part.keys+extents[n-1].keys
		cuts, extents = cuts[:n-1], extents[:n-1]
	}
	if total.bytes <= m.opts.SplitSize*3/2 || len(cuts) == 0 {
		if !settled {
			return nil
		}
		// Overwrites and deletions were counted as growth: remember what is really there.
		atomic.StoreInt64(&r.size, total.bytes)
		atomic.StoreInt64(&r.keys, total.keys)
		atomic.AddInt64(r.diff, -written)
		m.report([]*Region{r})
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = m.split(ctx, r, cuts, append(extents, part))
	return err
}
