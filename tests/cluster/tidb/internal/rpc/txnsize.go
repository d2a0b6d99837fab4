package rpc

import (
	"sync"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
)

// txnSizes remembers PrewriteRequest.txn_size so that LockInfo.txn_size can be returned: TiDB's store
// does not keep it in its locks. Clients choose by it between resolving one key and a whole region.
// The newest maxTxnSizes are kept; they do not survive a restart (0 is returned then).
type txnSizes struct {
	mu    sync.Mutex
	by    map[txnRegion]uint64
	order []txnRegion
}

type txnRegion struct{ startTS, region uint64 }

const maxTxnSizes = 1 << 17

func (t *txnSizes) observe(req, resp any) {
	r, ok := req.(*kvrpcpb.PrewriteRequest)
	if !ok || r.TxnSize == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = make(map[txnRegion]uint64)
	}
	// The entry of region 0 serves when a split has moved the lock to another region.
	for _, k := range []txnRegion{{r.StartVersion, r.GetContext().GetRegionId()}, {r.StartVersion, 0}} {
		if _, known := t.by[k]; !known {
			t.order = append(t.order, k)
		}
		t.by[k] = max(t.by[k], r.TxnSize)
	}
	for len(t.order) > maxTxnSizes {
		delete(t.by, t.order[0])
		t.order = t.order[1:]
	}
}

// fill completes the locks of a response.
func (t *txnSizes) fill(region uint64, resp any) {
	set := func(locks ...*kvrpcpb.LockInfo) {
		for _, l := range locks {
			if l == nil || l.TxnSize != 0 {
				continue
			}
			t.mu.Lock()
			n, ok := t.by[txnRegion{l.LockVersion, region}]
			if !ok {
				n = t.by[txnRegion{l.LockVersion, 0}]
			}
			t.mu.Unlock()
			l.TxnSize = n
		}
	}
	pairs := func(ps []*kvrpcpb.KvPair) {
		for _, p := range ps {
			set(p.GetError().GetLocked())
		}
	}
	switch r := resp.(type) {
	case *coprocessor.Response:
		set(r.Locked)
		for _, b := range r.BatchResponses {
			set(b.GetLocked())
		}
	case *kvrpcpb.GetResponse:
		set(r.GetError().GetLocked())
	case *kvrpcpb.ScanResponse:
		pairs(r.Pairs)
	case *kvrpcpb.BatchGetResponse:
		pairs(r.Pairs)
	case *kvrpcpb.PrewriteResponse:
		for _, e := range r.Errors {
			set(e.GetLocked())
		}
	case *kvrpcpb.PessimisticLockResponse:
		for _, e := range r.Errors {
			set(e.GetLocked())
		}
	case *kvrpcpb.CheckTxnStatusResponse:
		set(r.LockInfo)
	case *kvrpcpb.CheckSecondaryLocksResponse:
		set(r.Locks...)
	case *kvrpcpb.ScanLockResponse:
		set(r.Locks...)
	}
}
