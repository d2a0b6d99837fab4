package rpc

import (
	"slices"
	"sync"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
)

// gates keep reads of a region and its async-commit or one-phase prewrites apart.
//
// Such a prewrite takes its min_commit_ts (or commit_ts) from PD and makes its locks visible a moment
// later. A read with a newer timestamp in between sees neither lock nor value, and a second read with
// the same timestamp sees the value. TiKV has its in-memory lock table against that; TiDB's store has
// nothing, so here the prewrite has the region for itself.
type gates struct {
	mu sync.Mutex
	by map[uint64]*sync.RWMutex
}

func (g *gates) of(region uint64) *sync.RWMutex {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil {
		g.by = make(map[uint64]*sync.RWMutex)
	}
	m := g.by[region]
	if m == nil {
		m = new(sync.RWMutex)
		g.by[region] = m
	}
	return m
}

// enter waits until the request may run and returns how to leave.
func (g *gates) enter(req any) func() {
	switch r := req.(type) {
	case *kvrpcpb.PrewriteRequest:
		if r.UseAsyncCommit || r.TryOnePc {
			m := g.of(r.GetContext().GetRegionId())
			m.Lock()
			return m.Unlock
		}
	case *kvrpcpb.GetRequest, *kvrpcpb.BatchGetRequest, *kvrpcpb.ScanRequest:
		m := g.of(contextOf(req).GetRegionId())
		m.RLock()
		return m.RUnlock
	case *coprocessor.Request:
		ids := []uint64{r.GetContext().GetRegionId()}
		for _, t := range r.Tasks {
			ids = append(ids, t.GetRegionId())
		}
		slices.Sort(ids) // one order for all, so that no two requests wait for each other
		ids = slices.Compact(ids)
		for _, id := range ids {
			g.of(id).RLock()
		}
		return func() {
			for _, id := range ids {
				g.of(id).RUnlock()
			}
		}
	}
	return func() {}
}
