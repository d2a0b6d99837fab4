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
}

// Build is the part of a DAG request that TiKV does before it reads anything (runner.rs build_executors).
func Build(dag *tipb.DAGRequest, ranges []*coprocessor.KeyRange) (*Plan, *Refusal) {
	if len(dag.GetExecutors()) == 0 {
		return nil, refuse(srcRunner, "No executors")
	}
	p := &Plan{Ranges: ranges}
	var points bool
	switch scan := dag.Executors[0]; scan.GetTp() {
	case tipb.ExecType_TypeTableScan:
		// table_scan_executor.rs new: a row key of an integer handle may be a point, one of a common handle is not.
		p.Desc, points = scan.GetTblScan().GetDesc(), len(scan.GetTblScan().GetPrimaryColumnIds()) == 0
	case tipb.ExecType_TypeIndexScan:
		p.Desc, points = scan.GetIdxScan().GetDesc(), scan.GetIdxScan().GetUnique()
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
	return p, nil
}
