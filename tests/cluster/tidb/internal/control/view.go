package control

import (
	"encoding/hex"
	"fmt"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/metapb"
	"github.com/pingcap/tidb/pkg/util/codec"
)

// Region is a region as the port shows it.
type Region struct {
	ID       uint64 `json:"id"`
	Leader   uint64 `json:"leader"`    // peer id
	StoreID  uint64 `json:"store_id"`  // of the leader
	StartKey string `json:"start_key"` // hex of the raw key, empty for the first region
	EndKey   string `json:"end_key"`   // hex of the raw key, empty for the last region
	ConfVer  uint64 `json:"conf_ver"`
	Version  uint64 `json:"version"`
	Size     int64  `json:"size"` // bytes, approximate
	Peers    []Peer `json:"peers"`
}

// Peer is a copy of a region.
type Peer struct {
	ID      uint64 `json:"id"`
	StoreID uint64 `json:"store_id"`
}

// ViewOf describes a region by what PD and its leader know of it. A key that is not memory-comparable is an error.
func ViewOf(meta *metapb.Region, leader *metapb.Peer, size int64) (Region, error) {
	v := Region{
		ID: meta.Id, Leader: leader.GetId(), StoreID: leader.GetStoreId(),
		ConfVer: meta.GetRegionEpoch().GetConfVer(), Version: meta.GetRegionEpoch().GetVersion(), Size: size, Peers: []Peer{},
	}
	for _, peer := range meta.Peers {
		v.Peers = append(v.Peers, Peer{ID: peer.Id, StoreID: peer.StoreId})
	}
	for _, end := range []struct {
		key  []byte
		into *string
	}{{meta.StartKey, &v.StartKey}, {meta.EndKey, &v.EndKey}} {
		if len(end.key) == 0 {
			continue
		}
		_, raw, err := codec.DecodeBytes(end.key, nil)
		if err != nil {
			return v, fmt.Errorf("region %d ends at %x: %w", meta.Id, end.key, err)
		}
		*end.into = hex.EncodeToString(raw)
	}
	return v, nil
}

type lockView struct {
	Key         string   `json:"key"`
	Primary     string   `json:"primary"`
	StartTS     uint64   `json:"start_ts"`
	Type        string   `json:"type"`
	TTL         uint64   `json:"ttl_ms"`
	TxnSize     uint64   `json:"txn_size"`
	ForUpdateTS uint64   `json:"for_update_ts"`
	MinCommitTS uint64   `json:"min_commit_ts"`
	AsyncCommit bool     `json:"async_commit"`
	Secondaries []string `json:"secondaries"`
}

func lockViews(locks []*kvrpcpb.LockInfo) []lockView {
	out := make([]lockView, 0, len(locks))
	for _, l := range locks {
		v := lockView{
			Key: hex.EncodeToString(l.Key), Primary: hex.EncodeToString(l.PrimaryLock), StartTS: l.LockVersion,
			Type: l.LockType.String(), TTL: l.LockTtl, TxnSize: l.TxnSize, ForUpdateTS: l.LockForUpdateTs,
			MinCommitTS: l.MinCommitTs, AsyncCommit: l.UseAsyncCommit, Secondaries: []string{},
		}
		for _, s := range l.Secondaries {
			v.Secondaries = append(v.Secondaries, hex.EncodeToString(s))
		}
		out = append(out, v)
	}
	return out
}

func unhex(list ...string) ([][]byte, error) {
	out := make([][]byte, 0, len(list))
	for _, h := range list {
		b, err := hex.DecodeString(h)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", h, err)
		}
		out = append(out, b)
	}
	return out, nil
}
