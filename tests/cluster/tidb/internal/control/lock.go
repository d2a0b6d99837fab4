package control

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
)

// lockRequest leaves locks as a writer would that died after its prewrite.
type lockRequest struct {
	StartTS             uint64   `json:"start_ts"` // 0: a new timestamp from PD
	Primary             string   `json:"primary"`  // hex of the raw key
	Keys                []string `json:"keys"`     // keys to lock, hex; the primary is locked only if it is here
	Value               string   `json:"value"`    // hex; of every key
	Op                  string   `json:"op"`       // put (default), del, lock, insert
	TTLMs               uint64   `json:"ttl_ms"`   // default 3000
	AsyncCommit         bool     `json:"async_commit"`
	Secondaries         []string `json:"secondaries"` // hex; of an async commit, kept in the primary's lock
	Pessimistic         bool     `json:"pessimistic"`
	ForUpdateTS         uint64   `json:"for_update_ts"` // of a pessimistic lock; default start_ts
	MinCommitTS         uint64   `json:"min_commit_ts"`
	TxnSize             uint64   `json:"txn_size"` // default: number of keys
	MaxCommitTS         uint64   `json:"max_commit_ts"`
	SkipConstraintCheck bool     `json:"skip_constraint_check"`
}

type lockAnswer struct {
	StartTS     uint64 `json:"start_ts"`
	Locked      int    `json:"locked"`
	MinCommitTS uint64 `json:"min_commit_ts"` // what the store answered to an async commit prewrite
}

func (p port) lock(ctx context.Context, _ *http.Request, body []byte) (any, error) {
	req := lockRequest{TTLMs: 3000, Op: "put"}
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	keys, err := unhex(req.Keys...)
	if err != nil {
		return nil, err
	}
	secondaries, err := unhex(req.Secondaries...)
	if err != nil {
		return nil, err
	}
	single, err := unhex(req.Primary, req.Value)
	if err != nil {
		return nil, err
	}
	primary, value := single[0], single[1]
	op, known := map[string]kvrpcpb.Op{
		"put": kvrpcpb.Op_Put, "del": kvrpcpb.Op_Del, "lock": kvrpcpb.Op_Lock, "insert": kvrpcpb.Op_Insert,
	}[req.Op]
	if len(keys) == 0 || len(primary) == 0 || !known {
		return nil, fmt.Errorf("primary and keys are needed, and op one of put, del, lock, insert")
	}
	if req.StartTS == 0 {
		if req.StartTS, err = p.Timestamp(ctx); err != nil {
			return nil, err
		}
	}
	if req.ForUpdateTS == 0 {
		req.ForUpdateTS = req.StartTS
	}
	if req.TxnSize == 0 {
		req.TxnSize = uint64(len(keys))
	}
	answer := lockAnswer{StartTS: req.StartTS}
	for _, key := range keys {
		// TiDB answers an INSERT before it has committed all its keys: for these locks it waits, and for a region that moves.
		for patience := time.Now().Add(5 * time.Second); ; time.Sleep(again) {
			regionError, errs, minCommitTS, err := p.lockKey(ctx, req, key, primary, value, op, secondaries)
			if err != nil {
				return nil, err
			}
			if regionError == nil && len(errs) == 0 {
				answer.MinCommitTS = max(answer.MinCommitTS, minCommitTS)
				break
			}
			late := time.Now().After(patience)
			if regionError != nil && late {
				return nil, fmt.Errorf("lock %x: %s (locked before: %d)", key, regionError, answer.Locked)
			}
			if regionError == nil && (errs[0].Locked == nil || late) {
				return nil, fmt.Errorf("lock %x: %s (locked before: %d)", key, errs[0], answer.Locked)
			}
		}
		answer.Locked++
	}
	return answer, nil
}

// lockKey sends the request for one key to its region. What the region and the store have against it comes first, then what the store answers
// to an async commit prewrite.
func (p port) lockKey(ctx context.Context, req lockRequest, key, primary, value []byte, op kvrpcpb.Op, secondaries [][]byte) (
	*errorpb.Error, []*kvrpcpb.KeyError, uint64, error) {
	at, err := p.Locate(ctx, key)
	if err != nil {
		return nil, nil, 0, err
	}
	if req.Pessimistic {
		resp, err := at.PessimisticLock(ctx, &kvrpcpb.PessimisticLockRequest{
			Mutations:   []*kvrpcpb.Mutation{{Op: kvrpcpb.Op_PessimisticLock, Key: key}},
			PrimaryLock: primary, StartVersion: req.StartTS, LockTtl: req.TTLMs, ForUpdateTs: req.ForUpdateTS,
			WaitTimeout: -1, MinCommitTs: req.MinCommitTS,
		})
		return resp.GetRegionError(), resp.GetErrors(), 0, err
	}
	prewrite := &kvrpcpb.PrewriteRequest{
		Mutations:   []*kvrpcpb.Mutation{{Op: op, Key: key, Value: value}},
		PrimaryLock: primary, StartVersion: req.StartTS, LockTtl: req.TTLMs, TxnSize: req.TxnSize,
		MinCommitTs: req.MinCommitTS, UseAsyncCommit: req.AsyncCommit, MaxCommitTs: req.MaxCommitTS,
		SkipConstraintCheck: req.SkipConstraintCheck,
	}
	if req.AsyncCommit && string(key) == string(primary) {
		prewrite.Secondaries = secondaries
	}
	resp, err := at.Prewrite(ctx, prewrite)
	return resp.GetRegionError(), resp.GetErrors(), resp.GetMinCommitTs(), err
}
