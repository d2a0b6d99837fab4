package rpc

import (
	"context"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
)

// Requests whose first reply was lost and which TiKV answers again. The embedded server does not know
// them all, because in the tests it was made for no reply is ever lost.

// KvPrewrite answers a repeated async-commit or one-phase prewrite of a transaction that is committed
// with success and its commit timestamp. The embedded server calls it a write conflict of the
// transaction with itself.
func (s *Service) KvPrewrite(ctx context.Context, req *kvrpcpb.PrewriteRequest) (*kvrpcpb.PrewriteResponse, error) {
	if len(req.Mutations) == 0 {
		return nil, tikvPanics("a prewrite without mutations")
	}
	resp, err := s.prewrite(ctx, req)
	if err == nil {
		s.completePrewrite(req, resp)
	}
	return resp, err
}

func (s *Service) prewrite(ctx context.Context, req *kvrpcpb.PrewriteRequest) (*kvrpcpb.PrewriteResponse, error) {
	if req.ForUpdateTs == 0 && !req.UseAsyncCommit && !req.TryOnePc {
		return s.prewriteOptimistic(ctx, req)
	}
	resp, err := s.Server.KvPrewrite(ctx, req)
	if err != nil || !req.UseAsyncCommit && !req.TryOnePc {
		return resp, err
	}
	for _, e := range resp.Errors {
		c := e.GetConflict()
		if c == nil || c.ConflictTs != req.StartVersion || c.ConflictCommitTs <= req.StartVersion {
			continue
		}
		if req.TryOnePc {
			return &kvrpcpb.PrewriteResponse{OnePcCommitTs: c.ConflictCommitTs}, nil
		}
		return &kvrpcpb.PrewriteResponse{MinCommitTs: c.ConflictCommitTs}, nil
	}
	return resp, nil
}

// KvPessimisticLock answers a repeated lock request in the mode ForceLock (one key) from the lock that
// is there. The embedded server panics.
func (s *Service) KvPessimisticLock(ctx context.Context, req *kvrpcpb.PessimisticLockRequest) (*kvrpcpb.PessimisticLockResponse, error) {
	if req.WakeUpMode != kvrpcpb.PessimisticLockWakeUpMode_WakeUpModeForceLock || len(req.Mutations) != 1 {
		return s.Server.KvPessimisticLock(ctx, req)
	}
	held := s.locks.Get(req.Mutations[0].GetKey(), nil)
	if len(held) == 0 {
		return s.Server.KvPessimisticLock(ctx, req)
	}
	lock := mvcc.DecodeLock(held)
	if lock.StartTS != req.StartVersion || lock.ForUpdateTS < req.ForUpdateTs {
		return s.Server.KvPessimisticLock(ctx, req)
	}
	plain := *req
	plain.WakeUpMode = kvrpcpb.PessimisticLockWakeUpMode_WakeUpModeNormal
	plain.ReturnValues, plain.CheckExistence = true, false
	resp, err := s.Server.KvPessimisticLock(ctx, &plain)
	if err != nil || resp.RegionError != nil || len(resp.Errors) > 0 || len(resp.NotFounds) != 1 || len(resp.Values) != 1 {
		return resp, err
	}
	result := &kvrpcpb.PessimisticLockKeyResult{
		Type: kvrpcpb.PessimisticLockKeyResultType_LockResultNormal, Value: resp.Values[0], Existence: !resp.NotFounds[0],
	}
	if lock.ForUpdateTS > req.ForUpdateTs { // it was locked in spite of a newer version
		result.Type = kvrpcpb.PessimisticLockKeyResultType_LockResultLockedWithConflict
		result.LockedWithConflictTs = lock.ForUpdateTS
	}
	return &kvrpcpb.PessimisticLockResponse{Results: []*kvrpcpb.PessimisticLockKeyResult{result}}, nil
}
