package strict

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/tidb/pkg/tablecodec"
	"github.com/pingcap/tipb/go-tipb"
)

func rng(start, end string) *coprocessor.KeyRange {
	return &coprocessor.KeyRange{Start: []byte(start), End: []byte(end)}
}

// The cases of TiKV's own tests of components/tidb_query_common/src/util.rs and some of ours.
func TestIsPoint(t *testing.T) {
	for _, c := range []struct {
		start, end string
		want       bool
	}{
		{"", "\x00", true}, {"\x01", "\x02", true}, {"\xff", "\xff\x00", true}, {"\xff\xff", "\xff\xff\x00", true},
		{"\x01\xff", "\x02\x00", true}, {"\x00\x01\xff\x05", "\x00\x01\xff\x06", true}, {"\x00\xff\xff", "\x01\x00\x00", true},
		{"\x01\xff", "\x02", false}, {"\x01\xff", "\x02\x01", false}, {"\x01", "\x01\x00", false}, {"\xff", "\x00", false},
		{"\xff\xff", "\xff\xff\x01", false}, {"\x01", "\x03", false}, {"ab", "ad", false}, {"ab", "b", false},
		{"t_r", "t_s", true}, {"t_r\x00", "t_s", false},
	} {
		if got := IsPoint([]byte(c.start), []byte(c.end)); got != c.want {
			t.Errorf("[%x, %x): %v", c.start, c.end, got)
		}
		if next := prefixNext([]byte(c.start)); c.want != bytes.Equal(next, []byte(c.end)) {
			t.Errorf("prefix-next of %x is %x", c.start, next)
		}
	}
}

// table_scan_executor.rs and index_scan_executor.rs: which scans accept points.
func TestPointsAreExact(t *testing.T) {
	prefix := string(tablecodec.GenTableRecordPrefix(5))
	all := rng(prefix, prefix[:len(prefix)-1]+"s") // [t5_r, t5_s): one key for TiKV, and no such key exists
	table := func(primary ...int64) *tipb.Executor {
		return &tipb.Executor{Tp: tipb.ExecType_TypeTableScan, TblScan: &tipb.TableScan{Columns: []*tipb.ColumnInfo{{ColumnId: 1}}, PrimaryColumnIds: primary}}
	}
	index := func(unique *bool) *tipb.Executor {
		return &tipb.Executor{Tp: tipb.ExecType_TypeIndexScan, IdxScan: &tipb.IndexScan{Columns: []*tipb.ColumnInfo{{ColumnId: 1}}, Unique: unique}}
	}
	yes, no := true, false
	for _, c := range []struct {
		name string
		scan *tipb.Executor
		want bool
	}{
		{"integer handle", table(), true}, {"common handle", table(1), false},
		{"unique index", index(&yes), true}, {"index", index(&no), false}, {"index, not said", index(nil), false},
	} {
		wide := rng(prefix, prefix[:len(prefix)-1]+"s\x00")
		p, r := Build(&tipb.DAGRequest{Executors: []*tipb.Executor{c.scan}, OutputOffsets: []uint32{0}}, []*coprocessor.KeyRange{all, wide})
		if r != nil {
			t.Fatalf("%s: %v", c.name, r)
		}
		if exact := string(p.Ranges[0].End) == prefix+"\x00"; exact != c.want {
			t.Errorf("%s: %x", c.name, p.Ranges[0].End)
		}
		if !bytes.Equal(p.Ranges[1].End, wide.End) || string(all.End) != prefix[:len(prefix)-1]+"s" {
			t.Errorf("%s: a range was changed that is no point, or the request's own", c.name)
		}
	}
}

// components/tidb_query_datatype/src/codec/table.rs check_table_ranges, src/storage/txn/store.rs verify_range.
func TestRangesThatAreRefused(t *testing.T) {
	k := func(s string) string { return "t\x80\x00\x00\x00\x00\x00\x00" + s }
	for _, c := range []struct {
		start, end, want string
	}{
		{k("\x05"), k("\x06"), ""}, {k("\x05_r"), k("\x05_s"), ""}, {k("\x05_r"), k("\x07_i"), ""},
		{k("\x05"), k("\x05"), "invalid range"}, {k("\x06"), k("\x05"), "invalid range"},
		{"", k("\x05"), "record key or index key"}, {k("\x05"), "", "record key or index key"},
		{"m\x80\x00\x00\x00\x00\x00\x00\x00", k("\x05"), "record key or index key"}, {k(""), k("\x05"), "record key or index key"},
		{k("\x05"), "xx", "record key or index key"},
	} {
		r := checkTableRanges([]*coprocessor.KeyRange{rng(k("\x01"), k("\x02")), rng(c.start, c.end)})
		if (r == nil) != (c.want == "") || r != nil && !strings.Contains(r.Error(), c.want) {
			t.Errorf("[%x, %x): %v", c.start, c.end, r)
		}
		if r != nil && (r.Response().OtherError == "" || r.Response().Data != nil) {
			t.Errorf("[%x, %x): %v", c.start, c.end, r.Response())
		}
	}
	for _, c := range []struct {
		start, end string
		ok         bool
	}{{"b", "c", true}, {"a", "c", false}, {"b", "d", false}, {"b\x00", "bz", true}} {
		if r := (&Plan{Ranges: []*coprocessor.KeyRange{rng(c.start, c.end)}}).OutOfRegion([]byte("b"), []byte("c")); (r == nil) != c.ok {
			t.Errorf("[%s, %s) in [b, c): %v", c.start, c.end, r)
		}
	}
	if r := (&Plan{Ranges: []*coprocessor.KeyRange{rng("a", "z")}}).OutOfRegion(nil, nil); r != nil {
		t.Errorf("the only region: %v", r)
	}
}
