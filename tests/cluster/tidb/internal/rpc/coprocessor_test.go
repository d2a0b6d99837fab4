package rpc

import (
	"strings"
	"testing"
	"time"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/tidb/pkg/kv"
	"github.com/pingcap/tidb/pkg/parser/mysql"
	"github.com/pingcap/tidb/pkg/tablecodec"
	"github.com/pingcap/tidb/pkg/types"
	"github.com/pingcap/tidb/pkg/util/codec"
	"github.com/pingcap/tidb/pkg/util/rowcodec"
	"github.com/pingcap/tipb/go-tipb"
)

const bigint = int32(mysql.TypeLonglong)

func (h *harness) row(n int64) []byte {
	return tablecodec.EncodeRowKeyWithHandle(h.table, kv.IntHandle(n))
}

// rows puts rows with the handles into the table: column 2 holds ten times the handle.
func rows(t *testing.T, h *harness, handles ...int64) {
	t.Helper()
	var pairs [][]byte
	for _, n := range handles {
		var enc rowcodec.Encoder
		value, err := enc.Encode(time.UTC, []int64{2}, types.MakeDatums(n*10), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, h.row(n), value)
	}
	h.put(pairs...)
}

func tableScan(desc bool) []*tipb.Executor {
	return []*tipb.Executor{{Tp: tipb.ExecType_TypeTableScan, TblScan: &tipb.TableScan{TableId: 5, Desc: desc, Columns: []*tipb.ColumnInfo{
		{ColumnId: 1, Tp: bigint, PkHandle: true, Flag: int32(mysql.PriKeyFlag | mysql.NotNullFlag)}, {ColumnId: 2, Tp: bigint},
	}}}}
}

// ints are the first columns of the rows of an answer.
func ints(t *testing.T, sel *tipb.SelectResponse, columns int) []int64 {
	t.Helper()
	if sel.Error != nil {
		t.Fatal(sel.Error)
	}
	var out []int64
	for _, c := range sel.Chunks {
		ds, err := codec.Decode(c.RowsData, 1)
		if len(c.RowsData) > 0 && err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(ds); i += columns {
			out = append(out, ds[i].GetInt64())
		}
	}
	return out
}

func equal(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// components/tidb_query_common/src/storage/range.rs from_pb_range and scanner.rs: a point of an integer handle.
func TestPointRangesReadOneKey(t *testing.T) {
	h := open(t)
	rows(t, h, 1, 2, 3, 255, 256)
	key := h.row
	prefix := tablecodec.GenTableRecordPrefix(h.table)
	for _, c := range []struct {
		name       string
		start, end []byte
		want       []int64
	}{
		{"[t5_r, t5_s)", prefix, kv.Key(prefix).PrefixNext(), nil},
		{"[t5_r 00, t5_s)", append(append([]byte{}, prefix...), 0), kv.Key(prefix).PrefixNext(), []int64{1, 2, 3, 255, 256}},
		{"[1, 2)", key(1), key(2), []int64{1}},
		{"[255, 256)", key(255), key(256), []int64{255}},
		{"[1, 3)", key(1), key(3), []int64{1, 2}},
		// A prefix of handles: 8 bytes of which the last is missing.
		{"[0.., 1..)", key(0)[:18], key(256)[:18], nil},
	} {
		for _, desc := range []bool{false, true} {
			resp, sel := h.run(h.dag(tableScan(desc), []uint32{0, 1}, c.start, c.end))
			want := append([]int64(nil), c.want...)
			if desc {
				for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
					want[i], want[j] = want[j], want[i]
				}
			}
			if got := ints(t, sel, 2); resp.OtherError != "" || !equal(got, want) {
				t.Errorf("%s, desc %v: %v, %v", c.name, desc, got, resp.OtherError)
			}
		}
	}
}

// scanner.rs: a page that ends with a point ends behind the key, and the last page has no range.
func TestPagesEndBehindPoints(t *testing.T) {
	h := open(t)
	var handles []int64
	var ranges [][]byte
	for n := int64(1); n <= 100; n++ {
		handles = append(handles, n)
		ranges = append(ranges, h.row(n), h.row(n+1))
	}
	rows(t, h, handles...)
	req := h.dag(tableScan(false), []uint32{0}, ranges...)
	h.chunks(req).PagingSize = 40
	resp, _ := h.run(req)
	end := string(resp.GetRange().GetEnd())
	// TiKV reads 32 rows and then twice as many each time, the embedded store 32 each time.
	if end != string(h.row(64))+"\x00" && end != string(h.row(96))+"\x00" || string(resp.Range.Start) != string(ranges[0]) {
		t.Errorf("page: %v", resp.Range)
	}
	req.PagingSize = 1000
	if resp, _ := h.run(req); resp.Range != nil {
		t.Errorf("last page: %v", resp.Range)
	}
}

// src/storage/txn/store.rs verify_range; components/tidb_query_datatype/src/codec/table.rs check_table_ranges.
func TestRangesOutsideTheRegionAreRefused(t *testing.T) {
	h := open(t)
	rows(t, h, 1, 2, 3)
	key := h.row
	h.split(key(3))
	for _, c := range []struct {
		start, end []byte
		want       string
	}{
		{key(1), key(3), ""}, {key(1), key(4), "Request range exceeds bound"}, {key(3), key(9), ""}, {key(2), key(2), "invalid range"},
		{key(2), key(1), "invalid range"}, {[]byte("abc"), key(1), "record key or index key expected"},
	} {
		resp, _ := h.run(h.dag(tableScan(false), []uint32{0}, c.start, c.end))
		if !strings.Contains(resp.OtherError, c.want) || (c.want == "") != (resp.OtherError == "") {
			t.Errorf("[%x, %x): %q", c.start, c.end, resp.OtherError)
		}
	}
	req := h.dag(tableScan(false), []uint32{0}, key(1), key(2))
	req.Context = h.at(key(3))
	if resp, _ := h.run(req); !strings.Contains(resp.OtherError, "is out of [region") {
		t.Errorf("a point outside: %v", resp)
	}
}

// index_scan_executor.rs build_operations: the error is in the data, with code 10000.
func TestIndexOfAClusteredTableNeedsItsHandle(t *testing.T) {
	h := open(t)
	entry := func(n int64) []byte {
		b, err := codec.EncodeKey(time.UTC, tablecodec.EncodeTableIndexPrefix(h.table, 1), types.NewDatum(n))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	handle, err := codec.EncodeKey(time.UTC, nil, types.MakeDatums(int64(7), "x")...)
	if err != nil {
		t.Fatal(err)
	}
	h.put(entry(1), append([]byte{0, 125, 1, 127, 0, byte(len(handle))}, handle...))
	prefix := tablecodec.EncodeTableIndexPrefix(h.table, 1)
	scan := func(primary []int64, columns ...*tipb.ColumnInfo) []*tipb.Executor {
		return []*tipb.Executor{{Tp: tipb.ExecType_TypeIndexScan, IdxScan: &tipb.IndexScan{TableId: 5, IndexId: 1, Columns: columns, PrimaryColumnIds: primary}}}
	}
	f := &tipb.ColumnInfo{ColumnId: 3, Tp: bigint}
	a, b := &tipb.ColumnInfo{ColumnId: 1, Tp: bigint}, &tipb.ColumnInfo{ColumnId: 2, Tp: int32(mysql.TypeVarchar), Collation: 63}
	end := append(append([]byte{}, prefix...), 0xff)
	resp, sel := h.run(h.dag(scan(nil, f), []uint32{0}, prefix, end))
	if e := sel.GetError(); e.GetCode() != 10000 || !strings.Contains(e.GetMsg(), "`DecodeCommonHandle` mode") || resp.OtherError != "" {
		t.Errorf("without the handle: %v, %v", e, resp)
	}
	if _, sel := h.run(h.dag(scan([]int64{1, 2}, f, a, b), []uint32{0, 1}, prefix, end)); !equal(ints(t, sel, 2), []int64{1}) {
		t.Errorf("with the handle: %v", sel)
	}
	if resp, _ := h.run(h.dag(scan([]int64{1, 2}, f), []uint32{0}, prefix, end)); !strings.Contains(resp.OtherError, "exceeds the length") {
		t.Errorf("too few columns: %v", resp)
	}
}

// src/coprocessor/endpoint.rs process_batch_tasks: each task has an answer of its own.
func TestTasksOfOtherRegionsAreAnsweredOneByOne(t *testing.T) {
	h := open(t)
	rows(t, h, 1, 2, 3)
	key := h.row
	h.split(key(3))
	req := h.dag(tableScan(false), []uint32{0}, key(1), key(9)) // leaves its region
	there := h.at(key(3))
	task := func(id uint64, start, end []byte) *coprocessor.StoreBatchTask {
		return &coprocessor.StoreBatchTask{TaskId: id, RegionId: there.RegionId, RegionEpoch: there.RegionEpoch, Peer: there.Peer,
			Ranges: []*coprocessor.KeyRange{{Start: start, End: end}}}
	}
	req.Tasks = []*coprocessor.StoreBatchTask{task(1, key(3), key(9)), task(2, key(2), key(9))}
	resp, _ := h.run(req)
	if resp.OtherError == "" || len(resp.BatchResponses) != 2 {
		t.Fatal(resp)
	}
	sel := new(tipb.SelectResponse)
	if err := sel.Unmarshal(resp.BatchResponses[0].Data); err != nil || !equal(ints(t, sel, 1), []int64{3}) {
		t.Errorf("first task: %v, %v", resp.BatchResponses[0], err)
	}
	if r := resp.BatchResponses[1]; r.OtherError == "" || r.TaskId != 2 {
		t.Errorf("second task: %v", r)
	}
}

// components/tidb_query_executors/src/runner.rs: errors of the build are other_error, and the answer is in rows when a
// column of it has a type that TiKV cannot evaluate.
func TestRefusalsAndRowsReachTheClient(t *testing.T) {
	h := open(t)
	rows(t, h, 1, 2)
	prefix := tablecodec.GenTableRecordPrefix(h.table)
	end := append(append([]byte{}, prefix...), 0xff)
	ft := &tipb.FieldType{Tp: bigint}
	column := &tipb.Expr{Tp: tipb.ExprType_ColumnRef, Val: codec.EncodeInt(nil, 1), FieldType: ft}
	condition := &tipb.Expr{Tp: tipb.ExprType_ScalarFunc, Sig: tipb.ScalarFuncSig_IntIsNull, FieldType: ft, Children: []*tipb.Expr{column}}
	executors := append(tableScan(false), &tipb.Executor{Tp: tipb.ExecType_TypeSelection, Selection: &tipb.Selection{Conditions: []*tipb.Expr{condition}}})
	if resp, sel := h.run(h.dag(executors, []uint32{0}, prefix, end)); resp.OtherError != "" || len(ints(t, sel, 1)) != 0 {
		t.Errorf("IS NULL: %v", resp)
	}
	condition.Sig = tipb.ScalarFuncSig_JsonSearchSig
	if resp, _ := h.run(h.dag(executors, []uint32{0}, prefix, end)); !strings.Contains(resp.OtherError, "ScalarFunction JsonSearchSig is not supported") {
		t.Errorf("JSON_SEARCH: %v", resp)
	}
	scan := tableScan(false)
	scan[0].TblScan.Columns[1].Tp = int32(mysql.TypeSet)
	scan[0].TblScan.Columns[1].Elems = []string{"a", "b", "c", "d", "e"}
	for offset, encoding := range []tipb.EncodeType{tipb.EncodeType_TypeChunk, tipb.EncodeType_TypeDefault} {
		if _, sel := h.run(h.chunks(h.dag(scan, []uint32{uint32(offset)}, prefix, end))); sel.GetEncodeType() != encoding || sel.Error != nil {
			t.Errorf("column %d: %v, %v", offset, sel.GetEncodeType(), sel.Error)
		}
	}
}
