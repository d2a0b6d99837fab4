package rpc

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"
)

// Commands of a transaction that TiKV answers otherwise than the embedded server. Each was tried on both.

// KvGet says that there is no value; the embedded server only returns none.
func (s *Service) KvGet(ctx context.Context, req *kvrpcpb.GetRequest) (*kvrpcpb.GetResponse, error) {
	resp, err := s.Server.KvGet(ctx, req)
	if err == nil && resp.RegionError == nil && resp.Error == nil && len(resp.Value) == 0 {
		resp.NotFound = true
	}
	return resp, err
}

// KvCommit (src/storage/txn/commands/commit.rs, actions/commit.rs) refuses a commit_ts that is not above start_ts,
// commits a key again whose lock left no value (Op_Lock), as it does with others, and returns the commit_ts.
func (s *Service) KvCommit(ctx context.Context, req *kvrpcpb.CommitRequest) (*kvrpcpb.CommitResponse, error) {
	if len(req.Keys) == 0 {
		return nil, tikvPanics("a commit without keys")
	}
	if req.CommitVersion <= req.StartVersion {
		if _, regErr := s.regions.Check(req.GetContext()); regErr != nil {
			return &kvrpcpb.CommitResponse{RegionError: regErr}, nil
		}
		return &kvrpcpb.CommitResponse{Error: &kvrpcpb.KeyError{Abort: fmt.Sprintf(
			"[src/storage/txn/commands/commit.rs]: InvalidTxnTso { start_ts: %d, commit_ts: %d }", req.StartVersion, req.CommitVersion)}}, nil
	}
	part := *req
	part.Keys = slices.Clone(req.Keys) // the embedded server sorts them in place
	resp, err := s.Server.KvCommit(ctx, &part)
	if err == nil && resp.RegionError == nil && resp.GetError().GetRetryable() != "" {
		var left [][]byte
		for _, key := range req.Keys {
			done, err := s.committed(ctx, req, key)
			if err != nil {
				return nil, err
			}
			if !done {
				left = append(left, key)
			}
		}
		if len(left) == len(req.Keys) {
			return resp, nil
		}
		if resp = new(kvrpcpb.CommitResponse); len(left) > 0 {
			part.Keys = left
			resp, err = s.Server.KvCommit(ctx, &part)
		}
	}
	if err == nil && resp.RegionError == nil && resp.Error == nil {
		resp.CommitVersion = req.CommitVersion
	}
	return resp, err
}

// committed tells whether a key without a lock of the transaction was committed by it.
func (s *Service) committed(ctx context.Context, req *kvrpcpb.CommitRequest, key []byte) (bool, error) {
	if held := s.locks.Get(key, nil); len(held) > 0 && mvcc.DecodeLock(held).StartTS == req.StartVersion {
		return false, nil
	}
	resp, err := s.Server.KvCheckTxnStatus(ctx, &kvrpcpb.CheckTxnStatusRequest{Context: req.Context, PrimaryKey: key, LockTs: req.StartVersion})
	return err == nil && resp.RegionError == nil && resp.Error == nil && resp.CommitVersion > 0, err
}

// KvTxnHeartBeat names the transaction whose lock is gone (src/storage/txn/commands/txn_heart_beat.rs).
func (s *Service) KvTxnHeartBeat(ctx context.Context, req *kvrpcpb.TxnHeartBeatRequest) (*kvrpcpb.TxnHeartBeatResponse, error) {
	resp, err := s.Server.KvTxnHeartBeat(ctx, req)
	if err == nil && resp.GetError().GetAbort() != "" {
		resp.Error = &kvrpcpb.KeyError{TxnNotFound: &kvrpcpb.TxnNotFound{StartTs: req.StartVersion, PrimaryKey: req.PrimaryLock}}
	}
	return resp, err
}

// KvResolveLock refuses to commit a lock below its min_commit_ts (actions/commit.rs), as KvCommit does; and TiKV
// asserts that there is a transaction (src/storage/txn/commands/mod.rs).
func (s *Service) KvResolveLock(ctx context.Context, req *kvrpcpb.ResolveLockRequest) (*kvrpcpb.ResolveLockResponse, error) {
	commits := make(map[uint64]uint64)
	for _, t := range req.TxnInfos {
		if t.Txn == 0 {
			return nil, tikvPanics("a transaction 0 to resolve")
		}
		commits[t.Txn] = t.Status
	}
	if len(req.TxnInfos) == 0 {
		if req.StartVersion == 0 {
			return nil, tikvPanics("a transaction 0 to resolve")
		}
		commits[req.StartVersion] = req.CommitVersion
	}
	for start, commit := range commits {
		if commit == 0 {
			delete(commits, start)
		}
	}
	if len(commits) > 0 {
		r, regErr := s.regions.Check(req.GetContext())
		if regErr != nil {
			return &kvrpcpb.ResolveLockResponse{RegionError: regErr}, nil
		}
		if e := s.tooEarly(req.Keys, r.RawStart(), r.RawEnd(), commits); e != nil {
			return &kvrpcpb.ResolveLockResponse{Error: &kvrpcpb.KeyError{CommitTsExpired: e}}, nil
		}
	}
	return s.Server.KvResolveLock(ctx, req)
}

// tooEarly finds a lock, of the keys or else of the range, that must not be committed at the commit_ts given for its
// transaction.
func (s *Service) tooEarly(keys [][]byte, start, end []byte, commits map[uint64]uint64) *kvrpcpb.CommitTsExpired {
	check := func(key, value []byte) *kvrpcpb.CommitTsExpired {
		lock := mvcc.DecodeLock(value)
		commit, ok := commits[lock.StartTS]
		if !ok || commit >= lock.MinCommitTS {
			return nil
		}
		return &kvrpcpb.CommitTsExpired{StartTs: lock.StartTS, AttemptedCommitTs: commit, Key: bytes.Clone(key), MinCommitTs: lock.MinCommitTS}
	}
	for _, key := range keys {
		if held := s.locks.Get(key, nil); len(held) > 0 {
			if e := check(key, held); e != nil {
				return e
			}
		}
	}
	if len(keys) > 0 {
		return nil
	}
	it := s.locks.NewIterator()
	for it.Seek(start); it.Valid() && (len(end) == 0 || bytes.Compare(it.Key(), end) < 0); it.Next() {
		if e := check(it.Key(), it.Value()); e != nil {
			return e
		}
	}
	return nil
}

// completePrewrite fills what TiKV says besides: whose conflict it is, and the min_commit_ts of a repeated request.
func (s *Service) completePrewrite(req *kvrpcpb.PrewriteRequest, resp *kvrpcpb.PrewriteResponse) {
	for _, e := range resp.Errors {
		if e.Conflict == nil {
			continue
		}
		if len(e.Conflict.Primary) == 0 {
			e.Conflict.Primary = req.PrimaryLock
		}
		if e.Retryable == "" {
			e.Retryable = "[src/storage/txn/actions/prewrite.rs]: WriteConflict"
		}
	}
	if resp.RegionError != nil || len(resp.Errors) > 0 || !req.UseAsyncCommit || resp.MinCommitTs != 0 {
		return
	}
	if resp.OnePcCommitTs != 0 {
		resp.MinCommitTs = resp.OnePcCommitTs
		return
	}
	for _, m := range req.Mutations {
		if held := s.locks.Get(m.GetKey(), nil); len(held) > 0 {
			if lock := mvcc.DecodeLock(held); lock.StartTS == req.StartVersion && lock.UseAsyncCommit {
				resp.MinCommitTs = max(resp.MinCommitTs, lock.MinCommitTS)
			}
		}
	}
}
