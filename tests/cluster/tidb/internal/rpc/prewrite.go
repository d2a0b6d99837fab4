package rpc

import (
	"context"
	"sync"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
)

// prewriteOptimistic answers key by key, as TiKV does:
//   - a key with a lock of this transaction is left as it is, and the others are prewritten. The
//     embedded server takes the whole request for a repeated one when it meets the first such key, and
//     answers success without the others: a request that was cut anew after a split loses keys there.
//   - a key that this transaction has committed makes the whole request a success without effect. The
//     embedded server calls it a conflict of the transaction with itself.
//   - a key that was rolled back for this transaction is refused. The embedded server looks at the
//     primary only.
func (s *Service) prewriteOptimistic(ctx context.Context, req *kvrpcpb.PrewriteRequest) (*kvrpcpb.PrewriteResponse, error) {
	for todo := s.withoutLock(req.Mutations, req.StartVersion); ; {
		part := *req
		if len(todo) > 0 { // else all is done, and only the region is checked
			part.Mutations = todo
		}
		for _, m := range todo {
			gone, err := s.rolledBackKey(ctx, req, m.GetKey())
			if err != nil {
				return nil, err
			}
			if gone {
				return &kvrpcpb.PrewriteResponse{Errors: []*kvrpcpb.KeyError{{Conflict: &kvrpcpb.WriteConflict{
					StartTs: req.StartVersion, ConflictTs: req.StartVersion, ConflictCommitTs: req.StartVersion,
					Key: m.GetKey(), Primary: req.PrimaryLock, Reason: kvrpcpb.WriteConflict_SelfRolledBack,
				}}}}, nil
			}
		}
		resp, err := s.Server.KvPrewrite(ctx, &part)
		if err != nil || resp.RegionError != nil {
			return resp, err
		}
		for _, e := range resp.Errors {
			if c := e.GetConflict(); c != nil && c.ConflictTs == req.StartVersion && c.ConflictCommitTs > req.StartVersion {
				return &kvrpcpb.PrewriteResponse{}, nil
			}
		}
		if len(resp.Errors) > 0 {
			return resp, nil
		}
		// A second request of the transaction may have locked one of them in between: then the others are missing.
		left := s.withoutLock(todo, req.StartVersion)
		if len(left) == 0 || len(left) == len(todo) { // the latter: only checks, or resolved meanwhile
			return resp, nil
		}
		todo = left
	}
}

// withoutLock lists the mutations whose keys the transaction has not locked.
func (s *Service) withoutLock(ms []*kvrpcpb.Mutation, startTS uint64) []*kvrpcpb.Mutation {
	var out []*kvrpcpb.Mutation
	for _, m := range ms {
		held := s.locks.Get(m.GetKey(), nil)
		if len(held) == 0 || mvcc.DecodeLock(held).StartTS != startTS {
			out = append(out, m)
		}
	}
	return out
}

// rolledBackKey tells whether a key without a lock of the transaction was rolled back for it. Only
// transactions with a rollback in this process are looked up.
func (s *Service) rolledBackKey(ctx context.Context, req *kvrpcpb.PrewriteRequest, key []byte) (bool, error) {
	if !s.rollbacks.has(req.StartVersion) {
		return false, nil
	}
	resp, err := s.Server.KvCheckTxnStatus(ctx, &kvrpcpb.CheckTxnStatusRequest{
		Context: req.Context, PrimaryKey: key, LockTs: req.StartVersion,
	})
	if err != nil {
		return false, err
	}
	return resp.RegionError == nil && resp.Error == nil && resp.LockTtl == 0 && resp.CommitVersion == 0, nil
}

// rollbacks remembers transactions of which something was rolled back; the newest maxRollbacks are kept.
type rollbacks struct {
	mu    sync.Mutex
	by    map[uint64]struct{}
	order []uint64
}

const maxRollbacks = 1 << 16

func (r *rollbacks) has(startTS uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.by[startTS]
	return ok
}

func (r *rollbacks) add(startTS uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = make(map[uint64]struct{})
	}
	if _, ok := r.by[startTS]; ok {
		return
	}
	r.by[startTS] = struct{}{}
	if r.order = append(r.order, startTS); len(r.order) > maxRollbacks {
		delete(r.by, r.order[0])
		r.order = r.order[1:]
	}
}

// observe notes requests that may roll back.
func (r *rollbacks) observe(req any) {
	switch q := req.(type) {
	case *kvrpcpb.BatchRollbackRequest:
		r.add(q.StartVersion)
	case *kvrpcpb.CleanupRequest:
		r.add(q.StartVersion)
	case *kvrpcpb.CheckSecondaryLocksRequest:
		r.add(q.StartVersion)
	case *kvrpcpb.CheckTxnStatusRequest:
		r.add(q.LockTs)
	case *kvrpcpb.ResolveLockRequest:
		if len(q.TxnInfos) == 0 && q.CommitVersion == 0 {
			r.add(q.StartVersion)
		}
		for _, t := range q.TxnInfos {
			if t.Status == 0 {
				r.add(t.Txn)
			}
		}
	}
}
