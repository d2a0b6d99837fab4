package strict

import (
	"bytes"

	"github.com/pingcap/kvproto/pkg/coprocessor"
)

const (
	srcSnapshot = "components/raftstore/src/store/region_snapshot.rs"
	srcTable    = "components/tidb_query_datatype/src/codec/table.rs"
	srcStore    = "src/storage/txn/store.rs"
	srcRunner   = "components/tidb_query_executors/src/runner.rs"
	srcScan     = "components/tidb_query_executors/src/util/scan_executor.rs"
	srcIdxScan  = "components/tidb_query_executors/src/index_scan_executor.rs"
)

// prefixNext is the key after all keys with this prefix, as TiKV counts: the last byte that is not 0xff grows by
// one and those after it become 0; when all are 0xff a 0 is appended (components/tidb_query_common/src/util.rs
// convert_to_prefix_next).
func prefixNext(key []byte) []byte {
	next := bytes.Clone(key)
	for i := len(next) - 1; i >= 0; i-- {
		if next[i]++; next[i] != 0 {
			return next
		}
	}
	return append(bytes.Repeat([]byte{0xff}, len(key)), 0)
}

// IsPoint tells whether TiKV may take the range for the single key at its start: its end is the prefix-next of it.
func IsPoint(start, end []byte) bool {
	return (len(end) == len(start) || len(end) == len(start)+1) && bytes.Equal(prefixNext(start), end)
}

// pointsExact makes every point range [key, key + 0x00), so that the embedded store reads that key only, and so
// that a page which ends there ends after the key (components/tidb_query_common/src/storage/range.rs
// from_pb_range, scanner.rs update_scanned_range_from_new_point).
func pointsExact(ranges []*coprocessor.KeyRange) []*coprocessor.KeyRange {
	out := make([]*coprocessor.KeyRange, len(ranges))
	for i, r := range ranges {
		if out[i] = r; IsPoint(r.Start, r.End) {
			out[i] = &coprocessor.KeyRange{Start: r.Start, End: append(bytes.Clone(r.Start), 0)}
		}
	}
	return out
}

// checkTableRanges refuses ranges whose ends are not keys of tables, and ranges without a key between their ends.
// The ends may be of different tables (table.rs check_table_ranges, called for every scan).
func checkTableRanges(ranges []*coprocessor.KeyRange) *Refusal {
	for _, r := range ranges {
		for _, key := range [][]byte{r.GetStart(), r.GetEnd()} {
			if len(key) < 9 || key[0] != 't' {
				return refuse(srcTable, "record key or index key expected, but got %v", key)
			}
		}
		if bytes.Compare(r.Start, r.End) >= 0 {
			return refuse(srcTable, "invalid range,range.start should be smaller than range.end, but got [%v,%v)", r.Start, r.End)
		}
	}
	return nil
}

// OutOfRegion refuses ranges that leave the region of the request: TiKV does not clip them (store.rs verify_range;
// for a point raftstore's region_snapshot.rs). The bounds are raw keys; an end of nil has no limit.
func (p *Plan) OutOfRegion(start, end []byte) *Refusal {
	for _, r := range p.Ranges {
		if bytes.Compare(r.GetStart(), start) >= 0 && (end == nil || bytes.Compare(r.GetEnd(), end) <= 0) {
			continue
		}
		if p.points && len(r.End) == len(r.Start)+1 && r.End[len(r.Start)] == 0 && bytes.HasPrefix(r.End, r.Start) {
			return refuse(srcSnapshot, "Key %x is out of [region] [%x, %x)", r.Start, start, end)
		}
		return refuse(srcStore, "Request range exceeds bound, request range:[%x, %x), physical bound:[%x, %x)",
			r.GetStart(), r.GetEnd(), start, end)
	}
	return nil
}
