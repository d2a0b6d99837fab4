package rpc

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/tidb/pkg/tablecodec"
	"github.com/pingcap/tipb/go-tipb"

	"tidb-spark.test/cluster/tidb/internal/strict"
)

// verdicts sends requests over an empty range to TiKV and compares: what package strict refuses must be refused, and
// nothing else. It needs a TiKV (STRICT_PD), because the embedded store is not asked what it thinks of expressions.
type verdicts struct {
	*harness
	start, end []byte
	n, wrong   int
}

func compare(t *testing.T) *verdicts {
	h := open(t)
	if h.own != nil {
		t.Skip("compares with a TiKV, see STRICT_PD")
	}
	prefix := tablecodec.GenTableRecordPrefix(h.table)
	return &verdicts{harness: h, start: append(bytes.Clone(prefix), 0), end: append(bytes.Clone(prefix), 0xff)}
}

// columns is a scan of columns of the types.
func columns(types string) *tipb.Executor {
	scan := &tipb.TableScan{TableId: 5}
	for i := range types {
		scan.Columns = append(scan.Columns, &tipb.ColumnInfo{ColumnId: int64(i + 1), Tp: int32(strict.ExampleTypes[types[i]]), Collation: -46})
	}
	return &tipb.Executor{Tp: tipb.ExecType_TypeTableScan, TblScan: scan}
}

func (v *verdicts) check(name, types string, executors ...*tipb.Executor) {
	v.t.Helper()
	dag := &tipb.DAGRequest{Executors: append([]*tipb.Executor{columns(types)}, executors...), OutputOffsets: []uint32{0}}
	_, ours := strict.Build(dag, []*coprocessor.KeyRange{{Start: v.start, End: v.end}})
	if ours != nil && (ours.Panics || ours.Source == "" || ours.Running) {
		return // the process would be gone; or TiKV notices nothing, or only with rows
	}
	v.n++
	resp, sel := v.run(v.dag(dag.Executors, dag.OutputOffsets, v.start, v.end))
	got := resp.OtherError
	if e := sel.GetError(); e != nil {
		got += e.GetMsg()
	}
	if (got == "") == (ours == nil) {
		return
	}
	if v.wrong++; v.wrong <= 40 {
		v.t.Errorf("%s: TiKV says %q, we say %v", name, got, ours)
	}
}

func projection(e *tipb.Expr) *tipb.Executor {
	return &tipb.Executor{Tp: tipb.ExecType_TypeProjection, Projection: &tipb.Projection{Exprs: []*tipb.Expr{e}}}
}

func TestTiKVAgreesOnSignatures(t *testing.T) {
	v := compare(t)
	const all = "irdstujevS"
	for _, sig := range strict.Signatures() {
		ret, args := strict.ExampleOf(sig)
		v.check(fmt.Sprint(sig), "iiiiiiii", projection(strict.ExampleCall(sig, ret, args)))
		for i := range len(args) {
			for _, other := range all {
				changed := []byte(args)
				changed[i] = byte(other)
				v.check(fmt.Sprintf("%v(%s)", sig, changed), "iiiiiiii", projection(strict.ExampleCall(sig, ret, string(changed))))
			}
		}
		for _, other := range all {
			v.check(fmt.Sprintf("%v as %c", sig, other), "iiiiiiii", projection(strict.ExampleCall(sig, byte(other), args)))
		}
		if args != "" {
			v.check(fmt.Sprintf("%v with one argument less", sig), "iiiiiiii", projection(strict.ExampleCall(sig, ret, args[1:])))
		}
		v.check(fmt.Sprintf("%v with one argument more", sig), "iiiiiiii", projection(strict.ExampleCall(sig, ret, args+"i")))
	}
	t.Logf("%d calls, %d other verdicts", v.n, v.wrong)
}

func TestTiKVAgreesOnCastsConstantsAndAggregates(t *testing.T) {
	v := compare(t)
	const all = "irdstujevbS"
	for _, from := range all {
		for _, to := range all {
			name := fmt.Sprintf("%c as %c", from, to)
			v.check("cast "+name, string(from), projection(strict.ExampleCall(tipb.ScalarFuncSig_CastIntAsInt, byte(to), string(from))))
			for tp := range tipb.ExprType_name {
				if tp := tipb.ExprType(tp); tp >= tipb.ExprType_Count {
					f := &tipb.Expr{Tp: tp, FieldType: strict.ExampleField(byte(to)), Children: []*tipb.Expr{strict.ExampleColumn(0, byte(from))}}
					agg := &tipb.Aggregation{AggFunc: []*tipb.Expr{f}}
					v.check(fmt.Sprint(tp, " of ", name), string(from), &tipb.Executor{Tp: tipb.ExecType_TypeAggregation, Aggregation: agg})
				}
			}
		}
		for tp := range tipb.ExprType_name {
			for _, val := range []string{"\x80\x00\x00\x00\x00\x00\x00\x01", "\x01"} {
				e := &tipb.Expr{Tp: tipb.ExprType(tp), FieldType: strict.ExampleField(byte(from)), Val: []byte(val)}
				if e.Tp == tipb.ExprType_ColumnRef || e.Tp == tipb.ExprType_ScalarFunc || strings.IndexByte("djevt", byte(from)) >= 0 {
					continue // their values have forms of their own
				}
				v.check(fmt.Sprintf("constant %v of %c, %d bytes", e.Tp, from, len(val)), "i", projection(e))
			}
		}
	}
	for id := int32(-310); id < 60; id++ {
		e := strict.ExampleCall(tipb.ScalarFuncSig_EQString, 'i', "ss")
		e.FieldType.Collate = id
		v.check(fmt.Sprint("collation ", id), "ss", projection(e))
	}
	for _, name := range []string{"utf8mb4", "utf8", "latin1", "gbk", "binary", "ascii", "gb18030", "", "ucs2"} {
		e := strict.ExampleCall(tipb.ScalarFuncSig_LowerUTF8, 's', "s")
		e.Children[0].FieldType.Charset = name
		v.check("character set "+name, "s", projection(e))
	}
	for tp := range tipb.ExecType_name {
		v.check(fmt.Sprint(tipb.ExecType(tp)), "i", &tipb.Executor{Tp: tipb.ExecType(tp), TblScan: columns("i").TblScan, Limit: new(tipb.Limit),
			TopN: new(tipb.TopN), Selection: new(tipb.Selection), Projection: projection(strict.ExampleColumn(0, 'i')).Projection,
			Aggregation: &tipb.Aggregation{GroupBy: []*tipb.Expr{strict.ExampleColumn(0, 'i')}}})
	}
	deep := strict.ExampleColumn(0, 'i')
	for n := 2; n <= 1000; n++ {
		deep = &tipb.Expr{Tp: tipb.ExprType_ScalarFunc, Sig: tipb.ScalarFuncSig_UnaryNotInt, FieldType: strict.ExampleField('i'), Children: []*tipb.Expr{deep}}
		if n > 990 {
			v.check(fmt.Sprint("depth ", n), "i", projection(deep))
		}
	}
	t.Logf("%d requests, %d other verdicts", v.n, v.wrong)
}
