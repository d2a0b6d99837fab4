package rpc

import (
	"bytes"
	"context"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/kvproto/pkg/tikvpb"
	"github.com/pingcap/log"
	"github.com/pingcap/tidb/pkg/kv"
	"github.com/pingcap/tipb/go-tipb"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tidb-spark.test/cluster/tidb/internal/strict"
)

// indexEntriesChecked is how many entries of a request are looked at for a layout that TiKV refuses. The entries
// of an index are alike but for those with NULLs, so that the first ones decide.
const indexEntriesChecked = 1024

// Coprocessor answers a request and the tasks for other regions that came with it, each on its own, as TiKV does
// (src/coprocessor/endpoint.rs process_batch_tasks). The embedded server leaves the tasks out after an error of
// the first.
func (s *Service) Coprocessor(ctx context.Context, req *coprocessor.Request) (*coprocessor.Response, error) {
	own := *req
	own.Tasks = nil
	resp, err := s.task(ctx, &own)
	if err != nil {
		return resp, err
	}
	for _, t := range req.Tasks {
		part, rctx := own, kvrpcpb.Context{}
		if req.Context != nil {
			rctx = *req.Context
		}
		rctx.RegionId, rctx.RegionEpoch, rctx.Peer = t.RegionId, t.RegionEpoch, t.Peer
		part.IsCacheEnabled, part.Ranges, part.Context = false, t.Ranges, &rctx
		r, err := s.task(ctx, &part)
		if err != nil {
			return nil, err
		}
		resp.BatchResponses = append(resp.BatchResponses, &coprocessor.StoreBatchTaskResponse{
			TaskId: t.TaskId, Data: r.Data, RegionError: r.RegionError, Locked: r.Locked, OtherError: r.OtherError,
			ExecDetailsV2: r.ExecDetailsV2,
		})
	}
	return resp, nil
}

// task answers for one region.
func (s *Service) task(ctx context.Context, req *coprocessor.Request) (*coprocessor.Response, error) {
	if req.Tp == kv.ReqTypeChecksum {
		return s.checksum(ctx, req)
	}
	if req.Tp != kv.ReqTypeDAG {
		return s.Server.Coprocessor(ctx, req)
	}
	dag := new(tipb.DAGRequest)
	if err := dag.Unmarshal(req.Data); err != nil {
		return &coprocessor.Response{OtherError: err.Error()}, nil
	}
	r, regErr := s.regions.Check(req.Context)
	if regErr != nil {
		return &coprocessor.Response{RegionError: regErr}, nil
	}
	plan, refusal := strict.Build(dag, req.Ranges)
	if refusal == nil {
		refusal = plan.OutOfRegion(r.RawStart(), r.RawEnd())
	}
	if refusal != nil {
		return refused(req, refusal), nil
	}
	req.Ranges = plan.Ranges
	if plan.Changed {
		data, err := dag.Marshal()
		if err != nil {
			return nil, err
		}
		req.Data = data
	}
	if plan.Index != nil {
		refusal, err := s.checkIndex(ctx, req, plan)
		if err != nil {
			return nil, err
		}
		if refusal != nil {
			return refused(req, refusal), nil
		}
	}
	resp, err := s.Server.Coprocessor(ctx, req)
	if err == nil {
		completeRange(req, resp)
	}
	return resp, err
}

// refused is TiKV's answer, which is also written to the log: a client does not always tell why it was refused.
func refused(req *coprocessor.Request, r *strict.Refusal) *coprocessor.Response {
	log.Warn("a coprocessor request is refused, as by TiKV", zap.Error(r), zap.Uint64("region", req.GetContext().GetRegionId()),
		zap.String("source", req.GetContext().GetRequestSource()))
	return r.Response()
}

// checkIndex looks at the first entries of an index scan.
func (s *Service) checkIndex(ctx context.Context, req *coprocessor.Request, plan *strict.Plan) (*strict.Refusal, error) {
	left := indexEntriesChecked
	for i := range req.Ranges {
		scan := &kvrpcpb.ScanRequest{Context: req.Context, Version: req.StartTs, Limit: uint32(left),
			StartKey: req.Ranges[i].Start, EndKey: req.Ranges[i].End}
		if plan.Desc {
			last := req.Ranges[len(req.Ranges)-1-i]
			scan.StartKey, scan.EndKey, scan.Reverse = last.End, last.Start, true
		}
		got, err := s.Server.KvScan(ctx, scan)
		if err != nil || got.RegionError != nil {
			return nil, err
		}
		for _, pair := range got.Pairs {
			if pair.Error != nil { // a lock: the request itself meets it
				return nil, nil
			}
			if r := plan.Index.CheckPair(pair.Key, pair.Value); r != nil {
				return r, nil
			}
		}
		if left -= len(got.Pairs); left <= 0 {
			break
		}
	}
	return nil, nil
}

// completeRange gives the scanned range of a page both its ends, and none with the last page, as TiKV
// does. The embedded server sets only the end at which the next page begins, and always.
func completeRange(req *coprocessor.Request, resp *coprocessor.Response) {
	if resp.GetRange() == nil || len(req.Ranges) == 0 {
		return
	}
	first, last := req.Ranges[0].GetStart(), req.Ranges[len(req.Ranges)-1].GetEnd()
	scanned := &coprocessor.KeyRange{Start: resp.Range.Start, End: resp.Range.End}
	if len(scanned.Start) == 0 { // ascending
		scanned.Start = first
	}
	if len(scanned.End) == 0 { // descending
		scanned.End = last
	}
	resp.Range = scanned
	if bytes.Equal(scanned.Start, first) && bytes.Equal(scanned.End, last) {
		resp.Range = nil
	}
}

// CoprocessorStream is not served by TiKV either; the embedded server would end it without an answer.
func (s *Service) CoprocessorStream(*coprocessor.Request, tikvpb.Tikv_CoprocessorStreamServer) error {
	return status.Error(codes.Unimplemented, "CoprocessorStream is not served")
}
