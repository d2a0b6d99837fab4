// Package region owns the regions of the test store.
//
// One process may be several stores: every region has a peer in each, one of which leads, and all
// share the data. A Local is what one store knows.
//
// TiDB's test store comes with a region manager that cannot split on request and that numbers the
// epochs of a split differently from TiKV. This one does what TiKV does where a client can see it:
//
//	request -> Local.GetRegionFromCtx (store, region, leader, peer, epoch) -> Region (bounds, latches)
//	SplitRegion RPC, /split, size check -> Manager.Split -> disk -> PD heartbeat
//
// After a split the right-most part keeps the id and all parts share the new epoch version. Regions
// are kept in the key-value engine below the prefix 0xff, which no client can reach.
package region

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/pingcap/kvproto/pkg/metapb"
	"github.com/pingcap/tidb/pkg/util/codec"
)

// Keys of the store's own records. The prefix 0xff is above every key of TiDB.
var (
	internalPrefix = []byte{0xff}
	storeKey       = []byte("\xffcluster/store")
	regionPrefix   = []byte("\xffcluster/region/")
)

// Region is one region at one epoch. Its bounds never change: a split makes new values. It is what
// tikv.RegionCtx asks for.
type Region struct {
	meta     *metapb.Region
	leader   *metapb.Peer
	rawStart []byte
	rawEnd   []byte // 0xff for the last region, so that the store's own records stay out of reach
	size     int64  // bytes at the last measurement
	keys     int64  // keys at the last measurement; 0 before the first
	diff     *int64 // bytes written since; shared with the successor that keeps the id
	latches  *latches
}

// Meta returns the metadata as PD and clients see it (memory-comparable bounds).
func (r *Region) Meta() *metapb.Region { return r.meta }

// Leader is the peer that serves the region.
func (r *Region) Leader() *metapb.Peer { return r.leader }

// peerIn is the region's peer in a store; nil when it has none there.
func (r *Region) peerIn(store uint64) *metapb.Peer {
	for _, p := range r.meta.Peers {
		if p.StoreId == store {
			return p
		}
	}
	return nil
}

// Diff points to the number of bytes written since the last size measurement.
func (r *Region) Diff() *int64 { return r.diff }

// RawStart is the first key of the region, decoded; nil for the first region.
func (r *Region) RawStart() []byte { return r.rawStart }

// RawEnd is the exclusive end of the region, decoded.
func (r *Region) RawEnd() []byte { return r.rawEnd }

// AcquireLatches serialises writers of the same keys. Hashes are sorted and unique.
func (r *Region) AcquireLatches(hashes []uint64) { r.latches.acquire(hashes) }

// ReleaseLatches is the counterpart of AcquireLatches.
func (r *Region) ReleaseLatches(hashes []uint64) { r.latches.release(hashes) }

// Contains tells whether a raw key belongs to the region.
func (r *Region) Contains(raw []byte) bool {
	return bytes.Compare(raw, r.rawStart) >= 0 && bytes.Compare(raw, r.rawEnd) < 0
}

// Size is the approximate size in bytes.
func (r *Region) Size() int64 { return atomic.LoadInt64(&r.size) + atomic.LoadInt64(r.diff) }

// Keys is the number of keys at the last measurement, of what was committed then.
func (r *Region) Keys() int64 { return atomic.LoadInt64(&r.keys) }

func newRegion(meta *metapb.Region, size int64, diff *int64, l *latches) (*Region, error) {
	if len(meta.Peers) == 0 {
		return nil, fmt.Errorf("region %d has no peers", meta.Id)
	}
	r := &Region{meta: meta, size: size, diff: diff, latches: l, rawEnd: internalPrefix}
	// Ids are given out in turn, so that this spreads the leaders over the stores.
	r.leader = meta.Peers[meta.Id%uint64(len(meta.Peers))]
	var err error
	if len(meta.StartKey) > 0 {
		if _, r.rawStart, err = codec.DecodeBytes(meta.StartKey, nil); err != nil {
			return nil, fmt.Errorf("start key of region %d: %w", meta.Id, err)
		}
	}
	if len(meta.EndKey) > 0 {
		if _, r.rawEnd, err = codec.DecodeBytes(meta.EndKey, nil); err != nil {
			return nil, fmt.Errorf("end key of region %d: %w", meta.Id, err)
		}
	}
	return r, nil
}

// record is the stored form: size (8 bytes, little endian) and the protobuf metadata.
func (r *Region) record() ([]byte, error) {
	meta, err := r.meta.Marshal()
	if err != nil {
		return nil, err
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(max(r.Size(), 0))), meta...), nil
}

func parseRecord(data []byte, l *latches) (*Region, error) {
	if len(data) < 8 {
		return nil, fmt.Errorf("region record of %d bytes", len(data))
	}
	meta := new(metapb.Region)
	if err := meta.Unmarshal(data[8:]); err != nil {
		return nil, err
	}
	return newRegion(meta, int64(binary.LittleEndian.Uint64(data)), new(int64), l)
}

// storeRecordKey is the key of the n-th store's record; that of the first has no suffix.
func storeRecordKey(n int) []byte {
	if n == 0 {
		return storeKey
	}
	return append(bytes.Clone(storeKey), byte(n))
}

func recordKey(id uint64) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(regionPrefix), id)
}
