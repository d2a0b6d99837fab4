package rpc

import (
	"bytes"
	"context"
	"fmt"
	"reflect"

	"github.com/pingcap/kvproto/pkg/errorpb"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tidb-spark.test/cluster/tidb/internal/region"
)

// Keys outside the region of a request. TiKV looks at them when it has found the region, leader and epoch right, and
// does not answer with a region error but with one of the key, which no client tries again.

// withKeyError makes a response that says nothing but this error.
func withKeyError(resp reflect.Type, key []byte, text string) any {
	e := &kvrpcpb.KeyError{Abort: text}
	v := reflect.New(resp.Elem())
	if f := v.Elem().FieldByName("Pairs"); f.IsValid() { // KvBatchGet
		f.Set(reflect.ValueOf([]*kvrpcpb.KvPair{{Key: key, Error: e}}))
	} else if f := v.Elem().FieldByName("Errors"); f.IsValid() {
		f.Set(reflect.ValueOf([]*kvrpcpb.KeyError{e}))
	} else if f := v.Elem().FieldByName("Error"); f.IsValid() && f.Type() == reflect.TypeOf(e) {
		f.Set(reflect.ValueOf(e))
	} else {
		return nil
	}
	return v.Interface()
}

func keyOutside(key []byte, r *region.Region) string {
	return fmt.Sprintf("[components/raftstore/src/store/region_snapshot.rs]: Key %x is out of [region %d] [%x, %x)",
		key, r.Meta().Id, r.Meta().StartKey, r.Meta().EndKey)
}

// KvScan does not clip its range to the region (src/storage/txn/store.rs verify_range), and has no rows for a limit of
// 0 or a range whose end is before its start. The embedded server clips, and returns a row and locks.
func (s *Service) KvScan(ctx context.Context, req *kvrpcpb.ScanRequest) (*kvrpcpb.ScanResponse, error) {
	low, high := req.StartKey, req.EndKey
	if req.Reverse {
		low, high = high, low
	}
	r, regErr := s.regions.Check(req.GetContext())
	if regErr != nil {
		return &kvrpcpb.ScanResponse{RegionError: regErr}, nil
	}
	if len(low) > 0 && bytes.Compare(low, r.RawStart()) < 0 || len(high) > 0 && bytes.Compare(high, r.RawEnd()) > 0 {
		e := &kvrpcpb.KeyError{Abort: fmt.Sprintf("[src/storage/txn/store.rs]: Request range exceeds bound, request range:[%x, %x), physical bound:[%x, %x)",
			low, high, r.RawStart(), r.RawEnd())}
		return &kvrpcpb.ScanResponse{Error: e, Pairs: []*kvrpcpb.KvPair{{Error: e}}}, nil
	}
	if req.Limit == 0 || len(low) > 0 && len(high) > 0 && bytes.Compare(low, high) >= 0 {
		return new(kvrpcpb.ScanResponse), nil
	}
	return s.Server.KvScan(ctx, req)
}

// KvScanLock returns the locks with start_ts <= max_version in [start_key, end_key) of the region.
// The embedded server ignores the keys and leaves out start_ts == max_version. A start outside the region is refused
// by TiKV (region_snapshot.rs should_seekable), an end behind it is not; a range that ends before it starts ends TiKV.
func (s *Service) KvScanLock(_ context.Context, req *kvrpcpb.ScanLockRequest) (*kvrpcpb.ScanLockResponse, error) {
	r, regErr := s.regions.Check(req.GetContext())
	if regErr != nil {
		return &kvrpcpb.ScanLockResponse{RegionError: regErr}, nil
	}
	if len(req.EndKey) > 0 && bytes.Compare(req.StartKey, req.EndKey) > 0 {
		return nil, tikvPanics("a range of locks that ends before it starts")
	}
	start, end := r.RawStart(), r.RawEnd()
	if len(req.StartKey) > 0 {
		start = req.StartKey
		if bytes.Compare(start, r.RawStart()) < 0 || bytes.Compare(start, end) > 0 {
			return &kvrpcpb.ScanLockResponse{RegionError: &errorpb.Error{
				Message: keyOutside(start, r), KeyNotInRegion: &errorpb.KeyNotInRegion{
					Key: start, RegionId: r.Meta().Id, StartKey: r.Meta().StartKey, EndKey: r.Meta().EndKey},
			}}, nil
		}
	}
	if len(req.EndKey) > 0 && bytes.Compare(req.EndKey, end) < 0 {
		end = req.EndKey
	}
	return &kvrpcpb.ScanLockResponse{Locks: s.scanLocks(start, end, req.MaxVersion, int(req.Limit))}, nil
}

// tikvPanics is the answer to a request that would end the process of TiKV.
func tikvPanics(what string) error {
	return status.Errorf(codes.Internal, "refused by the test store, TiKV would end with a panic: %s", what)
}
