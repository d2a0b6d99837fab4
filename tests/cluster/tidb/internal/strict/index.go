package strict

import (
	"bytes"
	"encoding/binary"

	"github.com/pingcap/tidb/pkg/util/codec"
	"github.com/pingcap/tipb/go-tipb"
)

// Ids of columns that are not in the index (components/tidb_query_datatype/src/codec/table.rs).
const (
	partitionIDColumn = -2
	physicalIDColumn  = -3
)

// Flags in index values and keys (table.rs, datum.rs).
const (
	maxOldValue      = 9
	flagCommonHandle = 127
	flagPartitionID  = 126
	flagVersion      = 125
	flagRestored     = 128
	flagInt          = 3
	flagUint         = 4
)

type handleKind int

const (
	noHandle handleKind = iota
	intHandle
	commonHandle
)

// IndexScan is how TiKV reads the entries of an index for a request: by the counts of columns, not by their ids.
type IndexScan struct {
	kind    handleKind
	index   int // leading columns, taken from the key
	handle  int // columns of the handle behind them
	version int // of the first entry; -1 before it
}

// newIndexScan divides the columns of the request: columns of the index, the handle, and the ids of partition and
// physical table (index_scan_executor.rs new).
func newIndexScan(scan *tipb.IndexScan) (*IndexScan, *Refusal) {
	cols := scan.GetColumns()
	left := len(cols)
	last := func(id int64) bool { return left > 0 && cols[left-1].GetColumnId() == id }
	if last(physicalIDColumn) {
		left--
	}
	if last(partitionIDColumn) {
		left--
	}
	s := &IndexScan{version: -1}
	isInt := left > 0 && cols[left-1].GetPkHandle()
	switch primary := len(scan.GetPrimaryColumnIds()); {
	case isInt && primary > 0:
		return nil, refuse(srcIdxScan, "Both int handle and common handle are push downed")
	case isInt:
		s.kind, s.handle = intHandle, 1
	case primary > 0:
		s.kind, s.handle = commonHandle, primary
	}
	if s.handle > left {
		return nil, refuse(srcIdxScan, "The number of handle columns exceeds the length of `columns_info`")
	}
	s.index = left - s.handle
	return s, nil
}

// CheckPair decodes an entry of the index as TiKV does and tells how TiKV would fail with it. Where TiKV would take
// other columns of the key for the handle without noticing, it is refused here.
func (s *IndexScan) CheckPair(key, value []byte) *Refusal {
	fail := func(format string, args ...any) *Refusal { return refuseRunning(srcIdxScan, format, args...) }
	if len(key) < 19 || key[0] != 't' || string(key[9:11]) != "_i" {
		return refuseRunning(srcTable, "expected key sep type %x, but got key %x)", "_i", key)
	}
	payload := key[19:]
	if s.version < 0 {
		v, r := valueVersion(value)
		if r != nil {
			return r
		}
		s.version = v
	}
	payload, missing := cut(payload, s.index)
	if len(value) <= maxOldValue {
		if missing >= 0 {
			return fail("%dth column is missing value", missing)
		}
		return s.checkHandleOfKey(payload, value, len(payload) == 0)
	}
	tail := int(value[0])
	if tail >= len(value) {
		return fail("`tail_len`: %d is corrupted", tail)
	}
	head := 1
	if s.version == 1 {
		head = 3
	}
	if head+tail > len(value) {
		return fail("`tail_len`: %d is corrupted", tail)
	}
	options := value[head : len(value)-tail]
	handle, options, r := splitCommonHandle(options)
	if r != nil {
		return r
	}
	if len(handle) > 0 && s.kind != commonHandle {
		return fail("Expect to decode index values with common handles in `DecodeCommonHandle` mode.")
	}
	if len(options) > 0 && options[0] == flagPartitionID {
		if len(options) < 9 {
			return fail("Remaining len %d is too short to decode partition ID", len(options))
		}
		options = options[9:]
	}
	if len(options) > 0 && options[0] != flagRestored {
		return fail("Unexpected corrupted extra bytes: %x", options)
	}
	if missing >= 0 && (len(options) == 0 || s.version == 1) { // else the columns come from the restored data
		return fail("%dth column is missing value", missing)
	}
	switch {
	case s.kind == commonHandle && len(handle) > 0:
		if _, missing := cut(handle, s.handle); missing >= 0 {
			return fail("%dth column is missing value", missing)
		}
		return nil
	case s.kind == intHandle && tail >= 8:
		return nil
	}
	return s.checkHandleOfKey(payload, value, false)
}

// checkHandleOfKey looks at what follows the columns of the index in the key.
func (s *IndexScan) checkHandleOfKey(rest, value []byte, inValue bool) *Refusal {
	fail := func(format string, args ...any) *Refusal { return refuseRunning(srcIdxScan, format, args...) }
	switch s.kind {
	case intHandle:
		if inValue {
			if len(value) < 8 {
				return fail("Failed to decode handle in value as i64")
			}
			return nil
		}
		if len(rest) > 0 && rest[0] == flagPartitionID {
			if len(rest) < 9 {
				return fail("Remaining len %d is too short to decode partition ID", len(rest))
			}
			rest = rest[9:]
		}
		switch {
		case len(rest) == 0:
			return fail("Key is empty, cannot decode handle")
		case rest[0] != flagInt && rest[0] != flagUint:
			return fail("Unexpected handle flag %d", rest[0])
		case len(rest) < 9:
			return fail("Failed to decode handle in key as i64")
		}
		// A column of the index may be the handle itself: TiDB asks for it once, and either of the two is right.
		if after := rest[9:]; len(after) >= 9 && handleBits(after[len(after)-9:]) == handleBits(rest[:9]) {
			return nil
		}
		rest = rest[9:]
	case commonHandle:
		var missing int
		if rest, missing = cut(rest, s.handle); missing >= 0 {
			return fail("%dth column is missing value", missing)
		}
	case noHandle:
		return nil
	}
	// TiDB fills a common handle of fewer than nine bytes up with zeros.
	if s.kind == commonHandle {
		rest = bytes.TrimLeft(rest, "\x00")
	}
	if len(rest) > 0 {
		return &Refusal{Running: true, Msg: "the index has more columns than the request has before the handle, " +
			"so that columns of the index are taken for the handle (" + srcIdxScan + ")"}
	}
	return nil
}

// handleBits is the handle of an integer datum of a key, signed or not, by its bits.
func handleBits(datum []byte) uint64 {
	bits := binary.BigEndian.Uint64(datum[1:9])
	if datum[0] == flagInt {
		bits ^= 1 << 63
	}
	return bits
}

// cut takes n datums off a key; missing is the index of the first that is not there, or -1.
func cut(b []byte, n int) (rest []byte, missing int) {
	for i := range n {
		if len(b) == 0 {
			return b, i
		}
		_, next, err := codec.CutOne(b)
		if err != nil {
			return b, i
		}
		b = next
	}
	return b, -1
}

// valueVersion is the layout of an index value; TiKV asks the first value only.
func valueVersion(value []byte) (int, *Refusal) {
	switch {
	case len(value) == 3 || len(value) == 4:
		return 1, nil
	case len(value) <= maxOldValue:
		return 0, nil
	case int(value[0]) >= len(value):
		return 0, refuseRunning(srcIdxScan, "`tail_len`: %d is corrupted", value[0])
	case value[0] <= 1 && value[1] == flagVersion:
		return int(value[2]), nil
	}
	return 0, nil
}

func splitCommonHandle(b []byte) (handle, rest []byte, r *Refusal) {
	if len(b) == 0 || b[0] != flagCommonHandle {
		return nil, b, nil
	}
	if len(b) < 3 {
		return nil, nil, refuseRunning(srcIdxScan, "Fail to read common handle's length from value: %x", b)
	}
	n := int(binary.BigEndian.Uint16(b[1:]))
	if 3+n > len(b) {
		return nil, nil, refuseRunning(srcIdxScan, "`handle_len` is corrupted: %d", n)
	}
	return b[3 : 3+n], b[3+n:], nil
}
