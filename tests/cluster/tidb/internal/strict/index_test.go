package strict

import (
	"strings"
	"testing"
	"time"

	"github.com/pingcap/tidb/pkg/kv"
	"github.com/pingcap/tidb/pkg/tablecodec"
	"github.com/pingcap/tidb/pkg/types"
	"github.com/pingcap/tidb/pkg/util/codec"
	"github.com/pingcap/tipb/go-tipb"
)

const pkFlag = -100 // in columns: an integer handle

// indexScan makes a request for columns; the primary ids are those of a common handle.
func indexScan(primary int, cols ...int64) *tipb.IndexScan {
	scan := &tipb.IndexScan{PrimaryColumnIds: make([]int64, primary)}
	for _, id := range cols {
		scan.Columns = append(scan.Columns, &tipb.ColumnInfo{ColumnId: id, PkHandle: id == pkFlag})
	}
	return scan
}

func encoded(t *testing.T, values ...any) []byte {
	t.Helper()
	b, err := codec.EncodeKey(time.UTC, nil, types.MakeDatums(values...)...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func entry(t *testing.T, values ...any) []byte {
	t.Helper()
	return append(tablecodec.EncodeTableIndexPrefix(5, 1), encoded(t, values...)...)
}

// withHandle is the value of an entry with a common handle: layout of version 0 (padded) or 1.
func withHandle(t *testing.T, version int, handle ...any) []byte {
	h := encoded(t, handle...)
	v := []byte{0}
	if version == 1 {
		v = append(v, flagVersion, 1)
	}
	v = append(v, flagCommonHandle, 0, byte(len(h)))
	return append(v, h...)
}

// index_scan_executor.rs new.
func TestColumnsOfIndexScans(t *testing.T) {
	for _, c := range []struct {
		scan          *tipb.IndexScan
		kind          handleKind
		index, handle int
		want          string
	}{
		{indexScan(0, 1, 2), noHandle, 2, 0, ""},
		{indexScan(0, 1, 2, pkFlag), intHandle, 2, 1, ""},
		{indexScan(0, 1, 2, -1), noHandle, 3, 0, ""}, // the flag decides, not the id
		{indexScan(0, 1, pkFlag, -2, -3), intHandle, 1, 1, ""},
		{indexScan(0, 1, -3), noHandle, 1, 0, ""},
		{indexScan(2, 1, 2, 3), commonHandle, 1, 2, ""},
		{indexScan(2, 1, 2, 3, -3), commonHandle, 1, 2, ""},
		{indexScan(2, 1), 0, 0, 0, "exceeds the length"},
		{indexScan(1, 1, pkFlag), 0, 0, 0, "Both int handle and common handle"},
	} {
		s, r := newIndexScan(c.scan)
		if c.want != "" {
			if r == nil || !strings.Contains(r.Error(), c.want) || r.Running {
				t.Errorf("%v: %v", c.scan, r)
			}
			continue
		}
		if r != nil || s.kind != c.kind || s.index != c.index || s.handle != c.handle {
			t.Errorf("%v: %+v, %v", c.scan, s, r)
		}
	}
}

// index_scan_executor.rs process_kv_pair: every kind of entry and of request once.
func TestEntriesOfIndexes(t *testing.T) {
	intInValue := []byte{0, 0, 0, 0, 0, 0, 0, 9}
	zero := []byte{'0'}
	global := append([]byte{8, flagPartitionID, 0, 0, 0, 0, 0, 0, 0, 7}, intInValue...)
	const wrongly = "TiKV would answer wrongly"
	const mode = "Expect to decode index values with common handles in `DecodeCommonHandle` mode"
	for _, c := range []struct {
		name       string
		scan       *tipb.IndexScan
		key, value []byte
		want       string
	}{
		{"unique, int handle", indexScan(0, 1, 2, pkFlag), entry(t, 1, "a"), intInValue, ""},
		{"unique, no handle", indexScan(0, 1, 2), entry(t, 1, "a"), intInValue, ""},
		{"unique, first column", indexScan(0, 1), entry(t, 1, "a"), intInValue, ""},
		{"unique, first column and int handle", indexScan(0, 1, pkFlag), entry(t, 1, "a"), intInValue, "Unexpected handle flag 1"},
		{"unique, too many columns", indexScan(0, 1, 2, 3), entry(t, 1, "a"), intInValue, "2th column is missing value"},
		{"index, int handle", indexScan(0, 1, 2, pkFlag), entry(t, 1, "a", 9), zero, ""},
		{"index, id -1 without the flag", indexScan(0, 1, 2, -1), entry(t, 1, "a", 9), zero, ""},
		{"index, a column taken for the handle", indexScan(0, 1, pkFlag), entry(t, 1, 2, 9), zero, wrongly},
		{"index, the handle is a column of it too", indexScan(0, 1, pkFlag), entry(t, 1, 9, 9), zero, ""},
		{"index, a short common handle, filled up", indexScan(1, 1, 2), append(entry(t, 1, 2), 0, 0), zero, ""},
		{"index, no handle left", indexScan(0, 1, 2, pkFlag), entry(t, 1, 2), zero, "Failed to decode handle in value"},
		{"global unique, int handle in value", indexScan(0, 1, pkFlag), entry(t, 1), global, ""},
		{"common, version 0", indexScan(2, 1, 2, 3), entry(t, 1), withHandle(t, 0, 4, "x"), ""},
		{"common, version 1", indexScan(2, 1, 2, 3), entry(t, 1), withHandle(t, 1, 4, "x"), ""},
		{"common, version 0, not asked for", indexScan(0, 1), entry(t, 1), withHandle(t, 0, 4, "x"), mode},
		{"common, version 1, not asked for", indexScan(0, 1), entry(t, 1), withHandle(t, 1, 4, "x"), mode},
		{"common, int asked for", indexScan(0, 1, pkFlag), entry(t, 1), withHandle(t, 1, 4, "x"), mode},
		{"common, only first columns of the index", indexScan(2, 2, 3), entry(t, 1), withHandle(t, 1, 4, "x"), ""},
		{"common, more handle columns than there are", indexScan(3, 1, 2, 3, 4), entry(t, 1), withHandle(t, 1, 4, "x"), "2th column is missing"},
		{"common in key", indexScan(2, 1, 2, 3), entry(t, 1, 4, "x"), zero, ""},
		{"common in key, version 1", indexScan(2, 1, 2, 3), entry(t, 1, 4, "x"), []byte{0, flagVersion, 1}, ""},
		{"common in key, not asked for", indexScan(0, 1), entry(t, 1, 4, "x"), zero, ""},
		{"common in key, a column left out", indexScan(2, 2, 3), entry(t, 1, 4, "x"), zero, wrongly},
		{"common in key, too many", indexScan(2, 1, 2, 3, 4), entry(t, 1, 4, "x"), zero, "1th column is missing"},
		{"corrupted tail", indexScan(0, 1), entry(t, 1), append([]byte{99}, make([]byte, 12)...), "`tail_len`: 99 is corrupted"},
		{"a row", indexScan(0, 1), tablecodec.EncodeRowKeyWithHandle(5, kv.IntHandle(1)), zero, "expected key sep type"},
	} {
		s, r := newIndexScan(c.scan)
		if r != nil {
			t.Fatalf("%s: %v", c.name, r)
		}
		r = s.CheckPair(c.key, c.value)
		if (r == nil) != (c.want == "") || r != nil && !strings.Contains(r.Error(), c.want) {
			t.Errorf("%s: %v", c.name, r)
		}
		if r == nil {
			continue
		}
		// These are found while rows are read: the error is in the data (handle_qe_response).
		var out tipb.SelectResponse
		if err := out.Unmarshal(r.Response().Data); err != nil || out.GetError().GetCode() != 10000 || r.Response().OtherError != "" {
			t.Errorf("%s: %v, %v", c.name, out.GetError(), err)
		}
	}
}
