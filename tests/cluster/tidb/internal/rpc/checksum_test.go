package rpc

import (
	"fmt"
	"hash/crc64"
	"strings"
	"testing"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/kvproto/pkg/tikvpb"
	"github.com/pingcap/tidb/pkg/kv"
	"github.com/pingcap/tidb/pkg/tablecodec"
	"github.com/pingcap/tipb/go-tipb"
)

// src/coprocessor/checksum.rs
func TestChecksum(t *testing.T) {
	h := open(t)
	prefix := tablecodec.EncodeTableIndexPrefix(h.table, 1)
	other := tablecodec.EncodeTableIndexPrefix(h.table+1, 1)
	var pairs [][]byte
	var want, renamed, bytes uint64
	table := crc64.MakeTable(crc64.ECMA)
	for i := range 3000 {
		key := fmt.Sprintf("%s%06d", []byte(prefix), i)
		value := strings.Repeat("v", i%7+1)
		pairs = append(pairs, []byte(key), []byte(value))
		want ^= crc64.Checksum([]byte(key+value), table)
		renamed ^= crc64.Checksum([]byte(string(other)+key[len(prefix):]+value), table)
		bytes += uint64(len(key) + len(value))
	}
	h.put(pairs...)
	for _, c := range []struct {
		rule *tipb.ChecksumRewriteRule
		want uint64
	}{{nil, want}, {&tipb.ChecksumRewriteRule{OldPrefix: other, NewPrefix: prefix}, renamed}} {
		data, err := (&tipb.ChecksumRequest{ScanOn: tipb.ChecksumScanOn_Index, Algorithm: tipb.ChecksumAlgorithm_Crc64_Xor, Rule: c.rule}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		resp := ask(h, tikvpb.TikvClient.Coprocessor, &coprocessor.Request{Tp: kv.ReqTypeChecksum, Data: data, StartTs: h.now(), Context: h.at(prefix),
			Ranges: []*coprocessor.KeyRange{{Start: prefix, End: append(prefix[:len(prefix):len(prefix)], 0xff)}}})
		sum := new(tipb.ChecksumResponse)
		if err := sum.Unmarshal(resp.Data); err != nil || sum.Checksum != c.want || sum.TotalKvs != 3000 || sum.TotalBytes != bytes {
			t.Errorf("%v, want %d, %d bytes; %v, %v", sum, c.want, bytes, resp.OtherError, err)
		}
	}
}
