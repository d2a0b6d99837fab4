package control

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

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

func (c *Control) lock(r *http.Request, body []byte) (any, error) {
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
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	if req.StartTS == 0 {
		physical, logical, err := c.PD.GetTS(ctx)
		if err != nil {
			return nil, err
		}
		req.StartTS = uint64(physical)<<18 + uint64(logical)
	}
	if req.ForUpdateTS == 0 {
		req.ForUpdateTS = req.StartTS
	}
	if req.TxnSize == 0 {
		req.TxnSize = uint64(len(keys))
	}
	answer := lockAnswer{StartTS: req.StartTS}
	for _, key := range keys {
		at := c.Pipe.Regions.Locate(key)
		if at == nil {
			return nil, fmt.Errorf("no region holds %x", key)
		}
		kctx := &kvrpcpb.Context{RegionId: at.Meta().Id, RegionEpoch: at.Meta().RegionEpoch, Peer: at.Leader()}
		// TiDB answers an INSERT before it has committed all its keys: for these locks it waits.
		for patience := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			errs, minCommitTS, err := c.lockKey(ctx, req, kctx, key, primary, value, op, secondaries)
			if err != nil {
				return nil, err
			}
			if len(errs) == 0 {
				answer.MinCommitTS = max(answer.MinCommitTS, minCommitTS)
				break
			}
			if errs[0].Locked == nil || time.Now().After(patience) {
				return nil, fmt.Errorf("lock %x: %s (locked before: %d)", key, errs[0], answer.Locked)
			}
		}
		answer.Locked++
	}
	return answer, nil
}

// lockKey sends the request for one key to the store of its region. What the store has against it comes first, then what it answers to an
// async commit prewrite.
func (c *Control) lockKey(ctx context.Context, req lockRequest, kctx *kvrpcpb.Context, key, primary, value []byte, op kvrpcpb.Op,
	secondaries [][]byte) ([]*kvrpcpb.KeyError, uint64, error) {
	service := c.Stores[kctx.Peer.StoreId]
	if req.Pessimistic {
		resp, err := service.KvPessimisticLock(ctx, &kvrpcpb.PessimisticLockRequest{
			Context: kctx, Mutations: []*kvrpcpb.Mutation{{Op: kvrpcpb.Op_PessimisticLock, Key: key}},
			PrimaryLock: primary, StartVersion: req.StartTS, LockTtl: req.TTLMs, ForUpdateTs: req.ForUpdateTS,
			WaitTimeout: -1, MinCommitTs: req.MinCommitTS,
		})
		if err != nil {
			return nil, 0, err
		}
		if resp.RegionError != nil {
			return nil, 0, fmt.Errorf("lock %x: %s", key, resp.RegionError)
		}
		return resp.Errors, 0, nil
	}
	prewrite := &kvrpcpb.PrewriteRequest{
		Context: kctx, Mutations: []*kvrpcpb.Mutation{{Op: op, Key: key, Value: value}},
		PrimaryLock: primary, StartVersion: req.StartTS, LockTtl: req.TTLMs, TxnSize: req.TxnSize,
		MinCommitTs: req.MinCommitTS, UseAsyncCommit: req.AsyncCommit, MaxCommitTs: req.MaxCommitTS,
		SkipConstraintCheck: req.SkipConstraintCheck,
	}
	if req.AsyncCommit && string(key) == string(primary) {
		prewrite.Secondaries = secondaries
	}
	resp, err := service.Prewrite(ctx, prewrite)
	if err != nil {
		return nil, 0, err
	}
	if resp.RegionError != nil {
		return nil, 0, fmt.Errorf("lock %x: %s", key, resp.RegionError)
	}
	return resp.Errors, resp.MinCommitTs, nil
}
