package region

import (
	"context"
	"time"

	"github.com/pingcap/kvproto/pkg/pdpb"
	"github.com/pingcap/log"
	"go.uber.org/zap"
)

// report asks for a prompt heartbeat of these regions.
func (m *Manager) report(regions []*Region) {
	m.dirtyMu.Lock()
	for _, r := range regions {
		m.dirty[r.meta.Id] = struct{}{}
	}
	m.dirtyMu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// heartbeatLoop sends changed regions at once and all regions every period: a PD that was restarted
// knows no leaders until it hears of them. It has a goroutine of its own because PD's client blocks
// while PD is away, and that must not stop requests or splits.
func (m *Manager) heartbeatLoop() {
	all := time.NewTicker(m.opts.Heartbeat)
	defer all.Stop()
	m.report(m.Regions())
	for {
		select {
		case <-m.closed:
			return
		case <-all.C:
			m.report(m.Regions())
		case <-m.wake:
		}
		m.dirtyMu.Lock()
		dirty := m.dirty
		m.dirty = make(map[uint64]struct{})
		m.dirtyMu.Unlock()
		for id := range dirty {
			r := m.Get(id)
			if r == nil {
				continue
			}
			m.pdc.ReportRegion(&pdpb.RegionHeartbeatRequest{
				Region: r.meta, Leader: r.leader, Term: 6,
				// Bytes; PD makes MiB of them, at least one.
				ApproximateSize: uint64(max(r.Size(), 1)), ApproximateKeys: uint64(r.Keys()),
			})
		}
	}
}

// storeHeartbeatLoop keeps the stores "Up" for PD.
func (m *Manager) storeHeartbeatLoop() {
	const space = 100 << 30 // enough that PD never thinks of a full disk
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		for _, store := range m.stores {
			stats := &pdpb.StoreStats{
				StoreId: store.Id, Capacity: space, Available: space, RegionCount: uint32(len(m.Regions())),
				StartTime: uint32(m.started.Unix()),
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if err := m.pdc.StoreHeartbeat(ctx, stats); err != nil {
				log.Warn("store heartbeat", zap.Error(err))
			}
			cancel()
		}
		select {
		case <-m.closed:
			return
		case <-tick.C:
		}
	}
}
