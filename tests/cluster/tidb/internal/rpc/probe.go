package rpc

import (
	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"

	"tidb-spark.test/cluster/tidb/internal/fault"
)

// contextual is every request with a region context.
type contextual interface{ GetContext() *kvrpcpb.Context }

func contextOf(req any) *kvrpcpb.Context {
	if c, ok := req.(contextual); ok {
		return c.GetContext()
	}
	return nil
}

func point(key []byte) fault.Range { return fault.Range{Start: key, Point: true} }

func points(keys [][]byte) []fault.Range {
	out := make([]fault.Range, len(keys))
	for i, k := range keys {
		out[i] = point(k)
	}
	return out
}

func mutations(ms []*kvrpcpb.Mutation) []fault.Range {
	out := make([]fault.Range, len(ms))
	for i, m := range ms {
		out[i] = point(m.GetKey())
	}
	return out
}

// rangesOf lists the raw keys and ranges that a request touches; nil for requests that are not about
// keys.
func rangesOf(req any) []fault.Range {
	switch r := req.(type) {
	case *kvrpcpb.GetRequest:
		return []fault.Range{point(r.Key)}
	case *kvrpcpb.BatchGetRequest:
		return points(r.Keys)
	case *kvrpcpb.ScanRequest:
		if r.Reverse {
			return []fault.Range{{Start: r.EndKey, End: r.StartKey}}
		}
		return []fault.Range{{Start: r.StartKey, End: r.EndKey}}
	case *kvrpcpb.PrewriteRequest:
		return mutations(r.Mutations)
	case *kvrpcpb.PessimisticLockRequest:
		return mutations(r.Mutations)
	case *kvrpcpb.PessimisticRollbackRequest:
		return points(r.Keys)
	case *kvrpcpb.FlushRequest:
		return mutations(r.Mutations)
	case *kvrpcpb.CommitRequest:
		return points(r.Keys)
	case *kvrpcpb.BatchRollbackRequest:
		return points(r.Keys)
	case *kvrpcpb.CleanupRequest:
		return []fault.Range{point(r.Key)}
	case *kvrpcpb.CheckTxnStatusRequest:
		return []fault.Range{point(r.PrimaryKey)}
	case *kvrpcpb.TxnHeartBeatRequest:
		return []fault.Range{point(r.PrimaryLock)}
	case *kvrpcpb.CheckSecondaryLocksRequest:
		return points(r.Keys)
	case *kvrpcpb.ResolveLockRequest:
		return points(r.Keys)
	case *kvrpcpb.ScanLockRequest:
		return []fault.Range{{Start: r.StartKey, End: r.EndKey}}
	case *coprocessor.Request:
		out := make([]fault.Range, 0, len(r.Ranges))
		for _, kr := range r.Ranges {
			out = append(out, fault.Range{Start: kr.GetStart(), End: kr.GetEnd()})
		}
		for _, t := range r.Tasks {
			for _, kr := range t.GetRanges() {
				out = append(out, fault.Range{Start: kr.GetStart(), End: kr.GetEnd()})
			}
		}
		return out
	}
	return nil
}

// keysInRegion lists the single keys for which TiKV insists that they are inside the region of the
// request. (Ranges are clipped by TiKV, not refused.)
func keysInRegion(req any) []fault.Range {
	switch req.(type) {
	case *kvrpcpb.ScanRequest, *kvrpcpb.ScanLockRequest, *coprocessor.Request:
		return nil
	}
	return rangesOf(req)
}
