package strict

import (
	"slices"

	"github.com/pingcap/kvproto/pkg/coprocessor"
	"github.com/pingcap/tipb/go-tipb"
)

// Plan is what TiKV makes of a DAG request, as far as the embedded store needs to be told.
type Plan struct {
	Ranges []*coprocessor.KeyRange // to read instead of those of the request
	Desc   bool
	Index  *IndexScan // nil for a table scan
	// Changed says that the request itself was changed for the embedded store: the answer is in rows although chunks
	// were asked for, or an executor that it does not know was replaced.
	Changed bool
	points  bool // ranges may be points
}

// Build is the part of a DAG request that TiKV does before it reads anything (runner.rs from_request,
// build_executors). It may change the request, see Plan.Changed.
func Build(dag *tipb.DAGRequest, ranges []*coprocessor.KeyRange) (*Plan, *Refusal) {
	if len(dag.GetExecutors()) == 0 {
		return nil, refuse(srcRunner, "No executors")
	}
	p := &Plan{Ranges: ranges}
	var columns []*tipb.ColumnInfo
	switch scan := dag.Executors[0]; scan.GetTp() {
	case tipb.ExecType_TypeTableScan:
		// table_scan_executor.rs new: a row key of an integer handle may be a point, one of a common handle is not.
		p.Desc, p.points = scan.GetTblScan().GetDesc(), len(scan.GetTblScan().GetPrimaryColumnIds()) == 0
		columns = scan.GetTblScan().GetColumns()
	case tipb.ExecType_TypeIndexScan:
		p.Desc, p.points = scan.GetIdxScan().GetDesc(), scan.GetIdxScan().GetUnique()
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
	if p.points {
		p.Ranges = pointsExact(ranges)
	}
	if len(columns) == 0 {
		return nil, &Refusal{Msg: "a scan without columns has no rows (" + srcScan + ")"}
	}
	schema := make([]*tipb.FieldType, len(columns))
	for i, c := range columns {
		schema[i] = fieldOf(c)
	}
	for i, e := range dag.Executors {
		if i == 0 {
			continue
		}
		var r *Refusal
		if schema, r = checkExecutor(e, schema); r != nil {
			return nil, r
		}
		if i == 1 && e.GetTp() == tipb.ExecType_TypeLimit && e.GetLimit().GetLimit() == 0 && !partitioned(e) {
			return nil, panics(srcScan, "assertion failed: scan_rows > 0 (a limit of 0 above a scan)")
		}
		if partitioned(e) {
			p.Changed = true
			dag.Executors[i] = &tipb.Executor{Tp: tipb.ExecType_TypeSelection, Selection: new(tipb.Selection), ExecutorId: e.ExecutorId}
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
		for _, by := range slices.Concat(e.GetTopN().GetPartitionBy(), e.GetTopN().GetOrderBy()) {
			if r := all(by.GetExpr()); r != nil {
				return nil, r
			}
		}
		return schema, nil
	case tipb.ExecType_TypeLimit:
		for _, by := range e.GetLimit().GetPartitionBy() {
			if r := all(by.GetExpr()); r != nil {
				return nil, r
			}
		}
		return schema, nil
	}
	return nil, refuse(srcRunner, "Unexpected non-first executor %v", e.GetTp())
}

// partitioned tells whether an executor keeps some rows of each partition (partition_top_n_executor.rs). The embedded
// store does not look at the partitions; all rows are a right answer too, as the client chooses again.
func partitioned(e *tipb.Executor) bool {
	return len(e.GetTopN().GetPartitionBy()) > 0 || len(e.GetLimit().GetPartitionBy()) > 0
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
		if !evaluable(schema[n]) && dag.GetEncodeType() != tipb.EncodeType_TypeDefault {
			p.Changed, dag.EncodeType = true, tipb.EncodeType_TypeDefault
		}
	}
	return nil
}
