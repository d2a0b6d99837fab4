package rpc

import (
	"testing"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
)

func TestTransactionsWithRollbacksAreRemembered(t *testing.T) {
	var r rollbacks
	for _, req := range []any{
		&kvrpcpb.BatchRollbackRequest{StartVersion: 1},
		&kvrpcpb.CleanupRequest{StartVersion: 2},
		&kvrpcpb.CheckTxnStatusRequest{LockTs: 3},
		&kvrpcpb.CheckSecondaryLocksRequest{StartVersion: 4},
		&kvrpcpb.ResolveLockRequest{StartVersion: 5},
		&kvrpcpb.ResolveLockRequest{TxnInfos: []*kvrpcpb.TxnInfo{{Txn: 6}, {Txn: 20, Status: 30}}},
		&kvrpcpb.ResolveLockRequest{StartVersion: 21, CommitVersion: 30},
		&kvrpcpb.PrewriteRequest{StartVersion: 22},
	} {
		r.observe(req)
	}
	for ts := uint64(1); ts <= 22; ts++ {
		if r.has(ts) != (ts <= 6) {
			t.Errorf("transaction %d: %v", ts, r.has(ts))
		}
	}
	for ts := uint64(100); ts < 100+maxRollbacks; ts++ {
		r.add(ts)
		r.add(ts)
	}
	if r.has(1) || !r.has(100+maxRollbacks-1) || len(r.by) != maxRollbacks || len(r.order) != maxRollbacks {
		t.Errorf("%d transactions kept, %d in order", len(r.by), len(r.order))
	}
}
