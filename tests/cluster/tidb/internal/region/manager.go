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
	"github.com/pingcap/kvproto/pkg/metapb"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/pd"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
	"github.com/pingcap/tidb/pkg/util/codec"
)

// Options of a Manager.
type Options struct {
	Addrs         []string      // addresses registered at PD, one for each store
	Version       string        // version registered at PD, such as 8.5.0
	SplitSize     int64         // bytes; a region above 3/2 of it is cut into parts of this size
	CheckInterval time.Duration // how often sizes are looked at
	Heartbeat     time.Duration // how often all regions are reported to PD
}

// Manager holds all regions; Local is its face to a store.
type Manager struct {
	bundle  *mvcc.DBBundle
	pdc     pd.Client
	opts    Options
	stores  []*metapb.Store
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
	if len(m.stores) == 0 {
		if err := m.bootstrap(ctx); err != nil {
			return nil, fmt.Errorf("bootstrap the cluster at PD: %w", err)
		}
	}
	if len(m.stores) != len(opts.Addrs) {
		return nil, fmt.Errorf("the data folder was made by %d stores and %d are asked for", len(m.stores), len(opts.Addrs))
	}
	for i, store := range m.stores {
		store.Address, store.Version = opts.Addrs[i], opts.Version
		store.StartTimestamp = m.started.Unix()
		if err := pdc.PutStore(ctx, store); err != nil {
			return nil, fmt.Errorf("register store %d at PD: %w", store.Id, err)
		}
	}
	pdc.SetRegionHeartbeatResponseHandler(m.onHeartbeatResponse)
	go m.heartbeatLoop()
	go m.storeHeartbeatLoop()
	go m.sizeLoop()
	return m, nil
}

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

// Close ends the background work and saves the sizes of the regions.
func (m *Manager) Close() error {
	close(m.closed)
	m.splitMu.Lock() // a split in progress reaches the disk before the engine closes
	defer m.splitMu.Unlock()
	return m.save(m.Regions(), nil)
}

func (m *Manager) load() error {
	return m.bundle.DB.View(func(txn *badger.Txn) error {
		for i := 0; ; i++ {
			item, err := txn.Get(storeRecordKey(i))
			if errors.Is(err, badger.ErrKeyNotFound) {
				break
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
			m.stores = append(m.stores, store)
		}
		it := txn.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Seek(regionPrefix); it.ValidForPrefix(regionPrefix); it.Next() {
			val, err := it.Item().Value()
			if err != nil {
				return err
			}
			r, err := parseRecord(val, m.latches)
			if err != nil {
				return err
			}
			m.put(r)
		}
		return nil
	})
}

// bootstrap makes the first region of a new cluster.
func (m *Manager) bootstrap(ctx context.Context) error {
	ids, err := m.allocIDs(ctx, 1+2*len(m.opts.Addrs))
	if err != nil {
		return err
	}
	meta := &metapb.Region{Id: ids[0], RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}
	var stores []*metapb.Store
	for i, addr := range m.opts.Addrs {
		store := &metapb.Store{Id: ids[1+2*i], Address: addr, Version: m.opts.Version}
		stores = append(stores, store)
		meta.Peers = append(meta.Peers, &metapb.Peer{Id: ids[2+2*i], StoreId: store.Id})
	}
	// PD takes one store with one peer here; it learns the others when they register and report.
	first := *meta
	first.Peers = meta.Peers[:1]
	resp, err := m.pdc.Bootstrap(ctx, stores[0], &first)
	if err != nil {
		return err
	}
	if e := resp.GetHeader().GetError(); e != nil {
		return fmt.Errorf("%s: this PD belongs to another data folder; give the store its old folder or both new ones", e.String())
	}
	meta.RegionEpoch.ConfVer += uint64(len(stores) - 1) // the peers that PD does not know yet
	r, err := newRegion(meta, 0, new(int64), m.latches)
	if err != nil {
		return err
	}
	m.stores = stores
	if err := m.save([]*Region{r}, stores); err != nil {
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

// save writes region records (and those of stores, when given) in one transaction of the engine.
func (m *Manager) save(regions []*Region, stores []*metapb.Store) error {
	return m.bundle.DB.Update(func(txn *badger.Txn) error {
		ts := atomic.AddUint64(&m.bundle.StateTS, 1)
		for i, store := range stores {
			val, err := store.Marshal()
			if err != nil {
				return err
			}
			if err := txn.SetEntry(&badger.Entry{Key: y.KeyWithTs(storeRecordKey(i), ts), Value: val}); err != nil {
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
