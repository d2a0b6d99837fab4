package strict

import (
	"github.com/pingcap/tidb/pkg/parser/mysql"
	"github.com/pingcap/tipb/go-tipb"
)

const (
	srcAggr     = "components/tidb_query_aggr/src/parser.rs"
	srcAggrUtil = "components/tidb_query_aggr/src/util.rs"
	srcAggrExec = "components/tidb_query_executors/src/util/aggr_executor.rs"
	srcSlowHash = "components/tidb_query_executors/src/slow_hash_aggr_executor.rs"
)

// checkAggregation refuses aggregate functions that TiKV does not have or not for these types, and gives the schema
// of the result: those of the functions, then the groups (components/tidb_query_aggr/src/impl_*.rs parse_rpn). Hash
// and stream aggregation are alike in this.
func checkAggregation(agg *tipb.Aggregation, schema []*tipb.FieldType) ([]*tipb.FieldType, *Refusal) {
	var out []*tipb.FieldType
	for _, g := range agg.GetGroupBy() {
		if r := checkTree(g, schema); r != nil {
			return nil, r
		}
		if ft := typeOf(g, schema); !evaluable(ft) {
			return nil, panics(srcSlowHash, "a group of type %d", ft.GetTp())
		}
	}
	for _, f := range agg.GetAggFunc() {
		fts, r := checkAggregate(f, schema)
		if r != nil {
			return nil, r
		}
		out = append(out, fts...)
	}
	for _, g := range agg.GetGroupBy() {
		out = append(out, typeOf(g, schema))
	}
	return out, nil
}

var count = &tipb.FieldType{Tp: int32(mysql.TypeLonglong), Flag: uint32(mysql.UnsignedFlag)}

// checkAggregate gives the columns of one function.
func checkAggregate(f *tipb.Expr, schema []*tipb.FieldType) ([]*tipb.FieldType, *Refusal) {
	switch f.GetTp() {
	case tipb.ExprType_Count, tipb.ExprType_Sum, tipb.ExprType_Avg, tipb.ExprType_First, tipb.ExprType_Max, tipb.ExprType_Min,
		tipb.ExprType_Agg_BitAnd, tipb.ExprType_Agg_BitOr, tipb.ExprType_Agg_BitXor,
		tipb.ExprType_Variance, tipb.ExprType_VarPop, tipb.ExprType_VarSamp:
	default:
		return nil, panics(srcAggr, "Aggregation function meet blacklist aggr function %v", f.GetTp())
	}
	if len(f.GetChildren()) == 0 {
		return nil, panics(srcAggr, "%v without an argument", f.GetTp())
	}
	if f.GetHasDistinct() || len(f.GetChildren()) > 1 {
		return nil, &Refusal{Msg: "DISTINCT and all arguments of an aggregate function but the first are ignored (" + srcAggr + ")"}
	}
	arg := f.GetChildren()[0]
	if r := checkTree(arg, schema); r != nil {
		return nil, r
	}
	ft, out := typeOf(arg, schema), f.GetFieldType()
	in, known := evalType(ft.GetTp())
	switch f.GetTp() {
	case tipb.ExprType_Count:
		if !known {
			return nil, refuseRunning(srcEval, "Unsupported type: %d", ft.GetTp())
		}
		return []*tipb.FieldType{count}, nil
	case tipb.ExprType_Agg_BitAnd, tipb.ExprType_Agg_BitOr, tipb.ExprType_Agg_BitXor:
		if !known {
			return nil, refuse(srcEval, "Unsupported type: %d", ft.GetTp())
		}
		if r := castTypes(in, 'i'); r != nil && in != 'i' {
			return nil, r
		}
		if !evaluable(out) {
			return nil, panics(srcAggrExec, "a result of type %d", out.GetTp())
		}
		return []*tipb.FieldType{out}, nil
	}
	want := in
	switch f.GetTp() {
	case tipb.ExprType_First, tipb.ExprType_Max, tipb.ExprType_Min:
		if !known {
			return nil, panics(srcAggr, "%v of type %d", f.GetTp(), ft.GetTp())
		}
	default:
		if _, r := evalOf(out); r != nil {
			return nil, r
		}
		var r *Refusal
		if want, r = summed(ft); r != nil {
			if tp := f.GetTp(); tp != tipb.ExprType_Sum && tp != tipb.ExprType_Avg { // impl_variance.rs: must not happen
				return nil, panics(srcAggr, "%v of type %d", tp, ft.GetTp())
			}
			return nil, r
		}
	}
	got, r := evalOf(out)
	if r != nil {
		return nil, r
	}
	if got != want {
		return nil, refuse(srcAggr, "Unexpected return field type %d", out.GetTp())
	}
	switch f.GetTp() {
	case tipb.ExprType_Max, tipb.ExprType_Min:
		if r := checkCollation(out); r != nil {
			return nil, r
		}
	case tipb.ExprType_Avg:
		return []*tipb.FieldType{count, out}, nil
	case tipb.ExprType_Variance, tipb.ExprType_VarPop, tipb.ExprType_VarSamp:
		return []*tipb.FieldType{count, out, out}, nil
	}
	return []*tipb.FieldType{out}, nil
}

// summed is the type in which Sum, Avg and Var* add: integers as decimals, all but numbers as doubles (util.rs
// rewrite_exp_for_sum_avg).
func summed(ft *tipb.FieldType) (byte, *Refusal) {
	in, ok := evalType(ft.GetTp())
	switch {
	case !ok:
		return 0, refuse(srcAggrUtil, "Unsupported type: %d", ft.GetTp())
	case in == 'i' && byte(ft.GetTp()) != mysql.TypeBit:
		return 'd', nil
	case in == 'd' || in == 'r':
		return in, nil
	}
	return 'r', castTypes(in, 'r')
}
