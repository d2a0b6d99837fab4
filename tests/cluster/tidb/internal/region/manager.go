package region

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pingcap/badger"
	"github.com/pingcap/badger/y"
	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/metapb"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/pd"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
	"github.com/pingcap/tidb/pkg/util/codec"
)

// Options of a Manager.
type Options struct {
	Addr          string // address registered at PD
	StatusAddr    string
	Version       string        // version registered at PD, such as 8.5.0
	SplitSize     int64         // bytes; a region above 3/2 of it is cut into parts of this size
	CheckInterval time.Duration // how often sizes are looked at
	Heartbeat     time.Duration // how often all regions are reported to PD
}

// Manager holds all regions and answers as tikv.RegionManager.
type Manager struct {
	bundle  *mvcc.DBBundle
	pdc     pd.Client
	opts    Options
	store   *metapb.Store
	latches *latches
	started time.Time

	mu     sync.RWMutex
	byID   map[uint64]*Region
	sorted []*Region // by start key

	splitMu sync.Mutex // one split at a time

	dirtyMu sync.Mutex
	dirty   map[uint64]struct{}
	wake    chan struct{}
	closed  chan struct{}
}

var _ tikv.RegionManager = (*Manager)(nil)

// Open loads the regions of the bundle, or bootstraps the cluster at PD when there are none, and
// registers the store.
func Open(ctx context.Context, bundle *mvcc.DBBundle, pdc pd.Client, opts Options) (*Manager, error) {
	m := &Manager{
		bundle: bundle, pdc: pdc, opts: opts, latches: newLatches(), started: time.Now(),
		byID: make(map[uint64]*Region), dirty: make(map[uint64]struct{}),
		wake: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	if err := m.load(); err != nil {
		return nil, fmt.Errorf("load regions: %w", err)
	}
	if m.store == nil {
		if err := m.bootstrap(ctx); err != nil {
			return nil, fmt.Errorf("bootstrap the cluster at PD: %w", err)
		}
	}
	m.store.Address, m.store.StatusAddress, m.store.Version = opts.Addr, opts.StatusAddr, opts.Version
	m.store.StartTimestamp = m.started.Unix()
	if err := pdc.PutStore(ctx, m.store); err != nil {
		return nil, fmt.Errorf("register store %d at PD: %w", m.store.Id, err)
	}
	go m.heartbeatLoop()
	go m.storeHeartbeatLoop()
	go m.sizeLoop()
	return m, nil
}

// StoreID is the id that PD knows this store by.
func (m *Manager) StoreID() uint64 { return m.store.GetId() }

// Regions lists all regions in key order.
func (m *Manager) Regions() []*Region {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return append([]*Region(nil), m.sorted...)
}

// Locate finds the region of a raw key.
func (m *Manager) Locate(raw []byte) *Region {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.locate(raw)
}

func (m *Manager) locate(raw []byte) *Region {
	i := sort.Search(len(m.sorted), func(i int) bool { return bytes.Compare(m.sorted[i].rawStart, raw) > 0 })
	if i == 0 {
		return nil
	}
	return m.sorted[i-1]
}

// Get finds a region by id; nil when it is unknown.
func (m *Manager) Get(id uint64) *Region {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.byID[id]
}

// GetStoreIDByAddr implements tikv.RegionManager.
func (m *Manager) GetStoreIDByAddr(addr string) (uint64, error) {
	if addr != m.opts.Addr {
		return 0, fmt.Errorf("no store at %s", addr)
	}
	return m.store.Id, nil
}

// GetStoreAddrByStoreID implements tikv.RegionManager.
func (m *Manager) GetStoreAddrByStoreID(id uint64) (string, error) {
	if id != m.store.Id {
		return "", fmt.Errorf("no store %d", id)
	}
	return m.opts.Addr, nil
}

// GetStoreInfoFromCtx implements tikv.RegionManager.
func (m *Manager) GetStoreInfoFromCtx(ctx *kvrpcpb.Context) (string, uint64, *errorpb.Error) {
	if err := m.checkStore(ctx); err != nil {
		return "", 0, err
	}
	return m.opts.Addr, m.store.Id, nil
}

func (m *Manager) checkStore(ctx *kvrpcpb.Context) *errorpb.Error {
	if asked := ctx.GetPeer().GetStoreId(); asked != m.store.Id {
		return &errorpb.Error{
			Message:       fmt.Sprintf("to store id %d, mine %d", asked, m.store.Id),
			StoreNotMatch: &errorpb.StoreNotMatch{RequestStoreId: asked, ActualStoreId: m.store.Id},
		}
	}
	return nil
}

// GetRegionFromCtx implements tikv.RegionManager: the checks of TiKV in TiKV's order (store, region,
// peer, epoch).
func (m *Manager) GetRegionFromCtx(ctx *kvrpcpb.Context) (tikv.RegionCtx, *errorpb.Error) {
	r, err := m.Check(ctx)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Check is GetRegionFromCtx with the concrete type.
func (m *Manager) Check(ctx *kvrpcpb.Context) (*Region, *errorpb.Error) {
	if err := m.checkStore(ctx); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	r := m.byID[ctx.GetRegionId()]
	if r == nil {
		return nil, &errorpb.Error{
			Message:        fmt.Sprintf("region %d is missing", ctx.GetRegionId()),
			RegionNotFound: &errorpb.RegionNotFound{RegionId: ctx.GetRegionId()},
		}
	}
	if asked, mine := ctx.GetPeer().GetId(), r.meta.Peers[0].Id; asked != mine {
		return nil, &errorpb.Error{
			Message:        fmt.Sprintf("mismatch peer id %d != %d", asked, mine),
			MismatchPeerId: &errorpb.MismatchPeerId{RequestPeerId: asked, StorePeerId: mine},
		}
	}
	if e, have := ctx.GetRegionEpoch(), r.meta.RegionEpoch; e.GetVersion() != have.Version || e.GetConfVer() != have.ConfVer {
		return nil, m.epochNotMatch(r)
	}
	return r, nil
}

// EpochNotMatch is the error that TiKV gives for a stale epoch of the region.
func (m *Manager) EpochNotMatch(r *Region) *errorpb.Error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.epochNotMatch(r)
}

// epochNotMatch carries the region and its left neighbour, into which a split has moved what the
// region no longer has. The caller holds mu.
func (m *Manager) epochNotMatch(r *Region) *errorpb.Error {
	current := []*metapb.Region{r.meta}
	i := sort.Search(len(m.sorted), func(i int) bool { return bytes.Compare(m.sorted[i].rawStart, r.rawStart) >= 0 })
	if i > 0 {
		current = append(current, m.sorted[i-1].meta)
	}
	return &errorpb.Error{
		Message:       fmt.Sprintf("current epoch of region %d is %v", r.meta.Id, r.meta.RegionEpoch),
		EpochNotMatch: &errorpb.EpochNotMatch{CurrentRegions: current},
	}
}

// Close implements tikv.RegionManager.
func (m *Manager) Close() error {
	close(m.closed)
	m.splitMu.Lock() // a split in progress reaches the disk before the engine closes
	defer m.splitMu.Unlock()
	return m.save(m.Regions(), nil)
}

func (m *Manager) load() error {
	return m.bundle.DB.View(func(txn *badger.Txn) error {
		item, err := txn.Get(storeKey)
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		val, err := item.Value()
		if err != nil {
			return err
		}
		store := new(metapb.Store)
		if err := store.Unmarshal(val); err != nil {
			return err
		}
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Seek(regionPrefix); it.ValidForPrefix(regionPrefix); it.Next() {
			if val, err = it.Item().Value(); err != nil {
				return err
			}
			r, err := parseRecord(val, m.latches)
			if err != nil {
				return err
			}
			m.put(r)
		}
		m.store = store
		return nil
	})
}

// bootstrap makes the first region of a new cluster.
func (m *Manager) bootstrap(ctx context.Context) error {
	ids, err := m.allocIDs(ctx, 3)
	if err != nil {
		return err
	}
	store := &metapb.Store{Id: ids[0], Address: m.opts.Addr, Version: m.opts.Version}
	meta := &metapb.Region{
		Id: ids[1], RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1},
		Peers: []*metapb.Peer{{Id: ids[2], StoreId: store.Id}},
	}
	resp, err := m.pdc.Bootstrap(ctx, store, meta)
	if err != nil {
		return err
	}
	if e := resp.GetHeader().GetError(); e != nil {
		return fmt.Errorf("%s: this PD belongs to another data folder; give the store its old folder or both new ones", e.String())
	}
	r, err := newRegion(meta, 0, new(int64), m.latches)
	if err != nil {
		return err
	}
	m.store = store
	if err := m.save([]*Region{r}, store); err != nil {
		return err
	}
	m.put(r)
	// TiDB's own key spaces begin in regions of their own, as they do soon after the start of a real cluster.
	_, err = m.Split(ctx, r, [][]byte{{'m'}, {'n'}, {'t'}, {'u'}})
	return err
}

// put adds or replaces a region. The caller holds mu or is alone.
func (m *Manager) put(r *Region) {
	m.byID[r.meta.Id] = r
	i := sort.Search(len(m.sorted), func(i int) bool { return bytes.Compare(m.sorted[i].rawStart, r.rawStart) >= 0 })
	if i < len(m.sorted) && bytes.Equal(m.sorted[i].rawStart, r.rawStart) {
		m.sorted[i] = r
		return
	}
	m.sorted = append(m.sorted, nil)
	copy(m.sorted[i+1:], m.sorted[i:])
	m.sorted[i] = r
}

// save writes region records (and the store's own, when given) in one transaction of the engine.
func (m *Manager) save(regions []*Region, store *metapb.Store) error {
	return m.bundle.DB.Update(func(txn *badger.Txn) error {
		ts := atomic.AddUint64(&m.bundle.StateTS, 1)
		if store != nil {
			val, err := store.Marshal()
			if err != nil {
				return err
			}
			if err := txn.SetEntry(&badger.Entry{Key: y.KeyWithTs(storeKey, ts), Value: val}); err != nil {
				return err
			}
		}
		for _, r := range regions {
			val, err := r.record()
			if err != nil {
				return err
			}
			if err := txn.SetEntry(&badger.Entry{Key: y.KeyWithTs(recordKey(r.meta.Id), ts), Value: val}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m *Manager) allocIDs(ctx context.Context, n int) ([]uint64, error) {
	ids := make([]uint64, n)
	for i := range ids {
		var err error
		if ids[i], err = m.pdc.AllocID(ctx); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func encode(raw []byte) []byte { return codec.EncodeBytes(nil, raw) }
