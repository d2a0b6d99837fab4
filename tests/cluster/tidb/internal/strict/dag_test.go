package strict

import (
	"fmt"
	"testing"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/tidb/pkg/tablecodec"
	"github.com/pingcap/tipb/go-tipb"
)

func aggregate(tp tipb.ExprType, ret byte, arg *tipb.Expr) *tipb.Expr {
	e := &tipb.Expr{Tp: tp, FieldType: field(ret)}
	if arg != nil {
		e.Children = []*tipb.Expr{arg}
	}
	return e
}

// components/tidb_query_aggr/src/parser.rs and impl_*.rs: functions, and types of argument and result.
func TestAggregateFunctions(t *testing.T) {
	const types = "irdstujevbS"
	schema := schemaOf(types)
	sumOf := map[byte]byte{'i': 'd', 'r': 'r', 'd': 'd', 's': 'r', 't': 'r', 'u': 'r', 'j': 'r', 'e': 'r', 'b': 'r'}
	for i := range types {
		c, in := column(int64(i), types[i]), types[i]
		unknown := in == 'S'
		for _, tp := range []tipb.ExprType{tipb.ExprType_Sum, tipb.ExprType_Avg, tipb.ExprType_VarPop, tipb.ExprType_VarSamp, tipb.ExprType_Variance} {
			for _, ret := range "irds" {
				fts, r := checkAggregate(aggregate(tp, byte(ret), c), schema)
				ok := sumOf[in] == byte(ret)
				if (r == nil) != ok {
					t.Errorf("%v of %c as %c: %v", tp, in, ret, r)
				}
				if n := map[tipb.ExprType]int{tipb.ExprType_Sum: 1, tipb.ExprType_Avg: 2}[tp]; ok && len(fts) != n && (n > 0 || len(fts) != 3) {
					t.Errorf("%v has %d columns", tp, len(fts))
				}
			}
		}
		for _, tp := range []tipb.ExprType{tipb.ExprType_Max, tipb.ExprType_Min, tipb.ExprType_First} {
			_, r := checkAggregate(aggregate(tp, in, c), schema)
			if (r == nil) == unknown || unknown && !r.Panics {
				t.Errorf("%v of %c: %v", tp, in, r)
			}
			_, r = checkAggregate(aggregate(tp, 'j', c), schema)
			if (r == nil) != (in == 'j') {
				t.Errorf("%v of %c as JSON: %v", tp, in, r)
			}
		}
		if _, r := checkAggregate(aggregate(tipb.ExprType_Count, 'i', c), schema); (r == nil) == unknown || unknown && !r.Running {
			t.Errorf("count of %c: %v", in, r)
		}
		if _, r := checkAggregate(aggregate(tipb.ExprType_Agg_BitOr, 'i', c), schema); (r == nil) != (in != 'S' && in != 'v') {
			t.Errorf("bit_or of %c: %v", in, r)
		}
	}
	for _, tp := range []tipb.ExprType{tipb.ExprType_GroupConcat, tipb.ExprType_ApproxCountDistinct, tipb.ExprType_JsonArrayAgg, tipb.ExprType_StddevPop} {
		if _, r := checkAggregate(aggregate(tp, 's', column(0, 'i')), schema); r == nil || !r.Panics {
			t.Errorf("%v: %v", tp, r)
		}
	}
	_, r := checkAggregate(aggregate(tipb.ExprType_Count, 'i', nil), schema)
	want(t, "count of nothing", r, "panic")
	distinct := aggregate(tipb.ExprType_Count, 'i', column(0, 'i'))
	distinct.HasDistinct = true
	_, r = checkAggregate(distinct, schema)
	want(t, "distinct", r, "are ignored")
	two := aggregate(tipb.ExprType_Count, 'i', column(0, 'i'))
	two.Children = append(two.Children, column(1, 'r'))
	_, r = checkAggregate(two, schema)
	want(t, "two arguments", r, "are ignored")
}

func dagOf(columns string, offsets []uint32, more ...*tipb.Executor) *tipb.DAGRequest {
	scan := &tipb.TableScan{}
	for i := range columns {
		scan.Columns = append(scan.Columns, &tipb.ColumnInfo{ColumnId: int64(i + 1), Tp: int32(ExampleTypes[columns[i]])})
	}
	return &tipb.DAGRequest{OutputOffsets: offsets, Executors: append([]*tipb.Executor{{Tp: tipb.ExecType_TypeTableScan, TblScan: scan}}, more...)}
}

// components/tidb_query_executors/src/runner.rs build_executors and from_request.
func TestExecutors(t *testing.T) {
	first := []uint32{0}
	by := func(e *tipb.Expr) []*tipb.ByItem { return []*tipb.ByItem{{Expr: e}} }
	selection := func(e ...*tipb.Expr) *tipb.Executor {
		return &tipb.Executor{Tp: tipb.ExecType_TypeSelection, Selection: &tipb.Selection{Conditions: e}}
	}
	agg := func(group []*tipb.Expr, f ...*tipb.Expr) *tipb.Executor {
		return &tipb.Executor{Tp: tipb.ExecType_TypeAggregation, Aggregation: &tipb.Aggregation{GroupBy: group, AggFunc: f}}
	}
	project := func(e ...*tipb.Expr) *tipb.Executor {
		return &tipb.Executor{Tp: tipb.ExecType_TypeProjection, Projection: &tipb.Projection{Exprs: e}}
	}
	topN := func(t *tipb.TopN) *tipb.Executor { return &tipb.Executor{Tp: tipb.ExecType_TypeTopN, TopN: t} }
	limit := func(l *tipb.Limit) *tipb.Executor { return &tipb.Executor{Tp: tipb.ExecType_TypeLimit, Limit: l} }
	count := aggregate(tipb.ExprType_Count, 'i', column(0, 'i'))
	avg := aggregate(tipb.ExprType_Avg, 'd', column(0, 'i'))
	for i, c := range []struct {
		dag  *tipb.DAGRequest
		want string
	}{
		{dagOf("is", first), ""},
		{dagOf("is", []uint32{2}), "Invalid output offset (schema has 2 columns, access index 2)"},
		{dagOf("is", nil), "without output_offsets"}, {dagOf("", first), "without columns"},
		{&tipb.DAGRequest{OutputOffsets: first, RootExecutor: dagOf("i", nil).Executors[0]}, "No executors"},
		{&tipb.DAGRequest{OutputOffsets: first, Executors: []*tipb.Executor{selection()}}, "Unexpected first executor TypeSelection"},
		{dagOf("i", first, dagOf("i", first).Executors[0]), "Unexpected non-first executor TypeTableScan"},
		{dagOf("i", first, &tipb.Executor{Tp: tipb.ExecType_TypeSort}), "Unexpected non-first executor TypeSort"},
		{dagOf("i", first, &tipb.Executor{Tp: tipb.ExecType_TypeJoin}), "Unexpected non-first executor TypeJoin"},
		{dagOf("is", first, selection(call(tipb.ScalarFuncSig_EQInt, 'i', "ii"))), ""},
		{dagOf("i", first, selection(column(0, 'i'))), ""}, {dagOf("S", first, selection(column(0, 'S'))), "Unsupported type"},
		{dagOf("i", first, selection(call(tipb.ScalarFuncSig_EQInt, 'i', "ii"))), "Invalid column offset"},
		{dagOf("is", []uint32{0, 1, 2}, agg([]*tipb.Expr{column(1, 's')}, avg)), ""}, // count, sum, group
		{dagOf("is", []uint32{3}, agg([]*tipb.Expr{column(1, 's')}, avg)), "schema has 3 columns"},
		{dagOf("iS", first, agg([]*tipb.Expr{column(1, 'S')}, count)), "panic"},
		{dagOf("ie", first, agg([]*tipb.Expr{column(1, 'e')}, count)), ""},
		{dagOf("is", first, agg(nil, count), selection(column(1, 'i'))), "schema has 1 columns"},
		{dagOf("is", []uint32{1}, project(column(1, 's'), column(0, 'i'))), ""},
		{dagOf("iS", []uint32{0}, project(column(1, 'S'), column(0, 'i'))), ""}, // passed on
		{dagOf("iS", []uint32{0}, project(column(1, 'S'), column(1, 'S'))), "Unsupported type"},
		{dagOf("is", []uint32{2}, project(column(1, 's'), column(0, 'i'))), "Invalid output offset"},
		{dagOf("is", first, topN(&tipb.TopN{Limit: 3, OrderBy: by(column(1, 's'))})), ""},
		{dagOf("iS", first, topN(&tipb.TopN{Limit: 3, OrderBy: by(column(1, 'S'))})), "Unsupported type"},
		{dagOf("is", first, topN(&tipb.TopN{Limit: 3, OrderBy: by(column(9, 's'))})), "Invalid column offset"},
		{dagOf("is", first, topN(&tipb.TopN{Limit: 3, PartitionBy: by(column(1, 's'))})), ""},
		{dagOf("is", first, limit(&tipb.Limit{Limit: 3})), ""},
		{dagOf("is", first, limit(&tipb.Limit{})), "panic"},
		{dagOf("is", first, selection(), limit(&tipb.Limit{})), ""},
		{dagOf("is", first, limit(&tipb.Limit{Limit: 3, PartitionBy: by(column(1, 's'))})), ""},
		{dagOf("is", first, limit(&tipb.Limit{Limit: 3, PartitionBy: by(column(2, 's'))})), "Invalid column offset"},
	} {
		prefix := string(tablecodec.GenTableRecordPrefix(5))
		_, r := Build(c.dag, []*coprocessor.KeyRange{rng(prefix, prefix+"\xff")})
		want(t, fmt.Sprint(i, " ", c.dag), r, c.want)
	}
}

// runner.rs is_arrow_encodable: only the columns of the answer count.
func TestRowsInsteadOfChunks(t *testing.T) {
	prefix := string(tablecodec.GenTableRecordPrefix(5))
	for _, c := range []struct {
		columns string
		offsets []uint32
		rows    bool
	}{{"irdstujevb", []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, false}, {"iS", []uint32{0, 1}, true}, {"iS", []uint32{0}, false}} {
		dag := dagOf(c.columns, c.offsets)
		dag.EncodeType = tipb.EncodeType_TypeChunk
		p, r := Build(dag, []*coprocessor.KeyRange{rng(prefix, prefix+"\xff")})
		if r != nil || p.Changed != c.rows || (dag.EncodeType == tipb.EncodeType_TypeDefault) != c.rows {
			t.Errorf("%s %v: %+v, %v, %v", c.columns, c.offsets, p, dag.EncodeType, r)
		}
	}
}

// partition_top_n_executor.rs: TiKV keeps some rows of each partition, here all are kept.
func TestPartitionsAreLeftToTheClient(t *testing.T) {
	prefix := string(tablecodec.GenTableRecordPrefix(5))
	by := []*tipb.ByItem{{Expr: column(0, 'i')}}
	id := "TopN_7"
	dag := dagOf("i", []uint32{0}, &tipb.Executor{Tp: tipb.ExecType_TypeTopN, TopN: &tipb.TopN{Limit: 1, PartitionBy: by}, ExecutorId: &id})
	p, r := Build(dag, []*coprocessor.KeyRange{rng(prefix, prefix+"\xff")})
	if e := dag.Executors[1]; r != nil || !p.Changed || e.Tp != tipb.ExecType_TypeSelection || len(e.Selection.Conditions) > 0 || e.GetExecutorId() != id {
		t.Errorf("%v, %v", dag, r)
	}
}
