package rpc

import (
	"bytes"
	"context"

	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/lockstore"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv"
	"github.com/pingcap/tidb/pkg/store/mockstore/unistore/tikv/mvcc"

	"tidb-spark.test/cluster/tidb/internal/region"
)

// Service is TiDB's test store with the differences from TiKV that matter to clients removed.
type Service struct {
	*tikv.Server
	regions   *region.Local
	locks     *lockstore.MemStore
	pipe      *Pipeline
	rollbacks *rollbacks
}

// NewService wraps the server and binds the pipeline to the result.
func NewService(server *tikv.Server, locks *lockstore.MemStore, pipe *Pipeline) *Service {
	s := &Service{Server: server, regions: pipe.Regions, locks: locks, pipe: pipe, rollbacks: &pipe.rollbacks}
	pipe.Bind(s)
	return s
}

// PhysicalScanLock is KvScanLock over the whole store.
func (s *Service) PhysicalScanLock(_ context.Context, req *kvrpcpb.PhysicalScanLockRequest) (*kvrpcpb.PhysicalScanLockResponse, error) {
	return &kvrpcpb.PhysicalScanLockResponse{Locks: s.scanLocks(req.StartKey, nil, req.MaxTs, int(req.Limit))}, nil
}

// Locks lists live locks of the whole store, at most limit of them (0 for all).
func (s *Service) Locks(limit int) []*kvrpcpb.LockInfo {
	locks := s.scanLocks(nil, nil, ^uint64(0), limit)
	s.pipe.txnSize.fill(0, &kvrpcpb.ScanLockResponse{Locks: locks})
	return locks
}

func (s *Service) scanLocks(start, end []byte, maxTS uint64, limit int) []*kvrpcpb.LockInfo {
	var locks []*kvrpcpb.LockInfo
	it := s.locks.NewIterator()
	if len(start) == 0 {
		it.SeekToFirst()
	} else {
		it.Seek(start)
	}
	for ; it.Valid() && (limit <= 0 || len(locks) < limit); it.Next() {
		if len(end) > 0 && bytes.Compare(it.Key(), end) >= 0 {
			break
		}
		// The iterator reuses its buffers and a decoded lock points into them.
		lock := mvcc.DecodeLock(bytes.Clone(it.Value()))
		if lock.StartTS <= maxTS {
			locks = append(locks, lock.ToLockInfo(bytes.Clone(it.Key())))
		}
	}
	return locks
}

// SplitRegion really splits; see region.Manager.
func (s *Service) SplitRegion(_ context.Context, req *kvrpcpb.SplitRegionRequest) (*kvrpcpb.SplitRegionResponse, error) {
	if req.GetIsRawKv() {
		return &kvrpcpb.SplitRegionResponse{RegionError: &errorpb.Error{Message: "raw regions are not supported"}}, nil
	}
	return s.regions.SplitRegion(req), nil
}

// Prewrite executes a prewrite of the store's own (POST /lock) outside faults and counters.
func (s *Service) Prewrite(ctx context.Context, req *kvrpcpb.PrewriteRequest) (*kvrpcpb.PrewriteResponse, error) {
	resp, err := s.KvPrewrite(ctx, req)
	if err == nil {
		s.pipe.txnSize.observe(req, resp)
	}
	return resp, err
}
