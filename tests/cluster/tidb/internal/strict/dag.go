package strict

import (
	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/tipb/go-tipb"
)

// Plan is what TiKV makes of a DAG request, as far as the embedded store needs to be told.
type Plan struct {
	Ranges []*coprocessor.KeyRange // to read instead of those of the request
	Desc   bool
	Index  *IndexScan // nil for a table scan
	Rows   bool       // the answer is in rows (TypeDefault) although chunks were asked for
}

// Build is the part of a DAG request that TiKV does before it reads anything (runner.rs from_request,
// build_executors).
func Build(dag *tipb.DAGRequest, ranges []*coprocessor.KeyRange) (*Plan, *Refusal) {
	if len(dag.GetExecutors()) == 0 {
		return nil, refuse(srcRunner, "No executors")
	}
	p := &Plan{Ranges: ranges}
	var points bool
	var columns []*tipb.ColumnInfo
	switch scan := dag.Executors[0]; scan.GetTp() {
	case tipb.ExecType_TypeTableScan:
		// table_scan_executor.rs new: a row key of an integer handle may be a point, one of a common handle is not.
		p.Desc, points = scan.GetTblScan().GetDesc(), len(scan.GetTblScan().GetPrimaryColumnIds()) == 0
		columns = scan.GetTblScan().GetColumns()
	case tipb.ExecType_TypeIndexScan:
		p.Desc, points = scan.GetIdxScan().GetDesc(), scan.GetIdxScan().GetUnique()
		columns = scan.GetIdxScan().GetColumns()
		var r *Refusal
		if p.Index, r = newIndexScan(scan.GetIdxScan()); r != nil {
			return nil, r
		}
	default:
		return nil, refuse(srcRunner, "Unexpected first executor %v", scan.GetTp())
	}
	if r := checkTableRanges(ranges); r != nil {
		return nil, r
	}
	if points {
		p.Ranges = pointsExact(ranges)
	}
	if len(columns) == 0 {
		return nil, &Refusal{Msg: "a scan without columns has no rows (components/tidb_query_executors/src/util/scan_executor.rs)"}
	}
	schema := make([]*tipb.FieldType, len(columns))
	for i, c := range columns {
		schema[i] = fieldOf(c)
	}
	for _, e := range dag.Executors[1:] {
		var r *Refusal
		if schema, r = checkExecutor(e, schema); r != nil {
			return nil, r
		}
	}
	return p, p.checkOutput(dag, schema)
}

// checkExecutor looks at an executor above the scan and gives the schema of its rows.
func checkExecutor(e *tipb.Executor, schema []*tipb.FieldType) ([]*tipb.FieldType, *Refusal) {
	all := func(exprs ...*tipb.Expr) *Refusal {
		for _, x := range exprs {
			if r := checkTree(x, schema); r != nil {
				return r
			}
			// The value of an expression is decoded before it is used; that of a column of such a type cannot be.
			if ft := typeOf(x, schema); !evaluable(ft) {
				return refuseRunning(srcEval, "Unsupported type: %d", ft.GetTp())
			}
		}
		return nil
	}
	switch e.GetTp() {
	case tipb.ExecType_TypeSelection:
		return schema, all(e.GetSelection().GetConditions()...)
	case tipb.ExecType_TypeAggregation, tipb.ExecType_TypeStreamAgg:
		return checkAggregation(e.GetAggregation(), schema)
	case tipb.ExecType_TypeProjection:
		exprs := e.GetProjection().GetExprs()
		plain, seen := true, make(map[int64]bool) // columns, none twice: they are passed on as they are
		var out []*tipb.FieldType
		for _, x := range exprs {
			if r := checkTree(x, schema); r != nil {
				return nil, r
			}
			n, _ := columnOf(x)
			plain = plain && x.GetTp() == tipb.ExprType_ColumnRef && !seen[n]
			seen[n] = true
			out = append(out, typeOf(x, schema))
		}
		if plain {
			return out, nil
		}
		return out, all(exprs...)
	case tipb.ExecType_TypeTopN:
		if len(e.GetTopN().GetPartitionBy()) > 0 {
			return nil, notServed("TopN with partition_by")
		}
		for _, by := range e.GetTopN().GetOrderBy() {
			if r := all(by.GetExpr()); r != nil {
				return nil, r
			}
		}
		return schema, nil
	case tipb.ExecType_TypeLimit:
		if len(e.GetLimit().GetPartitionBy()) > 0 {
			return nil, notServed("Limit with partition_by")
		}
		return schema, nil
	}
	return nil, refuse(srcRunner, "Unexpected non-first executor %v", e.GetTp())
}

// notServed is for what TiKV does and the embedded store ignores.
func notServed(what string) *Refusal {
	return &Refusal{Source: "test store", Msg: what + " is served by TiKV, not by the test store"}
}

// checkOutput looks at the columns of the answer. When one of them has a type that TiKV cannot evaluate, the answer is
// in rows (runner.rs is_arrow_encodable).
func (p *Plan) checkOutput(dag *tipb.DAGRequest, schema []*tipb.FieldType) *Refusal {
	if len(dag.GetOutputOffsets()) == 0 {
		return &Refusal{Msg: "without output_offsets there are no columns in the answer (" + srcRunner + ")"}
	}
	for _, n := range dag.GetOutputOffsets() {
		if int(n) >= len(schema) {
			return refuse(srcRunner, "Invalid output offset (schema has %d columns, access index %d)", len(schema), n)
		}
		if !evaluable(schema[n]) {
			p.Rows = true
		}
	}
	return nil
}
