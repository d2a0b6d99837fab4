package rpc

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc64"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/kvproto/pkg/kvrpcpb"
	"github.com/pingcap/tipb/go-tipb"

	"tidb-spark.test/cluster/tidb/internal/strict"
)

const checksumBatch = 1024

var crcTable = crc64.MakeTable(crc64.ECMA)

// checksum is the exclusive or of the CRC-64 of every key with its value, as of TiKV (src/coprocessor/checksum.rs).
// The embedded server answers 1.
func (s *Service) checksum(ctx context.Context, req *coprocessor.Request) (*coprocessor.Response, error) {
	ask := new(tipb.ChecksumRequest)
	if err := ask.Unmarshal(req.Data); err != nil {
		return &coprocessor.Response{OtherError: err.Error()}, nil
	}
	r, regErr := s.regions.Check(req.Context)
	if regErr != nil {
		return &coprocessor.Response{RegionError: regErr}, nil
	}
	if ask.Algorithm != tipb.ChecksumAlgorithm_Crc64_Xor {
		return &coprocessor.Response{OtherError: fmt.Sprintf("unknown checksum algorithm %v", ask.Algorithm)}, nil
	}
	if refusal := (&strict.Plan{Ranges: req.Ranges}).OutOfRegion(r.RawStart(), r.RawEnd()); refusal != nil {
		return refused(req, refusal), nil
	}
	old, prefix := ask.GetRule().GetOldPrefix(), ask.GetRule().GetNewPrefix()
	sum := new(tipb.ChecksumResponse)
	for _, kr := range req.Ranges {
		for start := kr.Start; bytes.Compare(start, kr.End) < 0; {
			got, err := s.Server.KvScan(ctx, &kvrpcpb.ScanRequest{Context: req.Context, StartKey: start, EndKey: kr.End, Limit: checksumBatch, Version: req.StartTs})
			if err != nil || got.RegionError != nil {
				return &coprocessor.Response{RegionError: got.GetRegionError()}, err
			}
			for _, p := range got.Pairs {
				if p.Error != nil {
					return &coprocessor.Response{Locked: p.Error.Locked, OtherError: p.Error.Abort}, nil
				}
				key, ok := bytes.CutPrefix(p.Key, prefix)
				if !ok {
					return &coprocessor.Response{OtherError: fmt.Sprintf("Wrong prefix expect: %v", prefix)}, nil
				}
				crc := crc64.Update(crc64.Update(crc64.Checksum(old, crcTable), crcTable, key), crcTable, p.Value)
				sum.Checksum ^= crc
				sum.TotalKvs++
				sum.TotalBytes += uint64(len(p.Key) + len(p.Value) + len(old) - len(prefix))
			}
			if start = kr.End; len(got.Pairs) == checksumBatch {
				start = append(bytes.Clone(got.Pairs[len(got.Pairs)-1].Key), 0)
			}
		}
	}
	data, err := sum.Marshal()
	if err != nil {
		return nil, err
	}
	return &coprocessor.Response{Data: data}, nil
}
