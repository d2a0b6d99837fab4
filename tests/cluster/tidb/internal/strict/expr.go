package strict

import (
	"strings"

	"github.com/pingcap/tidb/pkg/util/codec"
	"github.com/pingcap/tipb/go-tipb"
)

const (
	srcExpr     = "components/tidb_query_expr/src/lib.rs"
	srcBuilder  = "components/tidb_query_expr/src/types/expr_builder.rs"
	srcFunction = "components/tidb_query_expr/src/types/function.rs"
	srcCast     = "components/tidb_query_expr/src/impl_cast.rs"
	srcTime     = "components/tidb_query_expr/src/impl_time.rs"
)

// constants are the kinds of constants that TiKV reads, and the type that each must have.
var constants = map[tipb.ExprType]byte{
	tipb.ExprType_Int64: 'i', tipb.ExprType_Uint64: 'i', tipb.ExprType_String: 's', tipb.ExprType_Bytes: 's',
	tipb.ExprType_Float32: 'r', tipb.ExprType_Float64: 'r', tipb.ExprType_MysqlTime: 't', tipb.ExprType_MysqlDuration: 'u',
	tipb.ExprType_MysqlDecimal: 'd', tipb.ExprType_MysqlJson: 'j', tipb.ExprType_MysqlEnum: 'e', tipb.ExprType_MysqlBit: 'i',
	tipb.ExprType_TiDBVectorFloat32: 'v',
}

// fixedSize are the constants of 8 bytes.
const fixedSize = "irtu"

// maxDepth is how deep expressions may be nested: TiKV reads 1000 messages inside each other
// (end-point-recursion-limit), of which the executors take two and the type of the deepest expression one.
const maxDepth = 997

func tooDeep(e *tipb.Expr, left int) bool {
	if left == 0 {
		return true
	}
	for _, c := range e.GetChildren() {
		if tooDeep(c, left-1) {
			return true
		}
	}
	return false
}

// checkTree is checkExpr of a whole expression.
func checkTree(e *tipb.Expr, schema []*tipb.FieldType) *Refusal {
	if tooDeep(e, maxDepth) {
		return refuse("src/coprocessor/endpoint.rs", "WireError(OverRecursionLimit)")
	}
	return checkExpr(e, schema)
}

// checkExpr refuses what TiKV cannot make an expression of (expr_builder.rs build_from_expr_tree). The schema is
// that of the rows the expression is evaluated on.
func checkExpr(e *tipb.Expr, schema []*tipb.FieldType) *Refusal {
	switch e.GetTp() {
	case tipb.ExprType_ScalarFunc:
		if r := checkCall(e); r != nil {
			return r
		}
		for _, c := range e.GetChildren() {
			if r := checkExpr(c, schema); r != nil {
				return r
			}
		}
		return nil
	case tipb.ExprType_ColumnRef:
		n, ok := columnOf(e)
		if !ok {
			return refuse(srcBuilder, "Unable to decode column reference offset from the request")
		}
		if n < 0 || n >= int64(len(schema)) {
			return refuse(srcBuilder, "Invalid column offset (schema has %d columns, access index %d)", len(schema), n)
		}
		return nil
	}
	return checkConstant(e)
}

func columnOf(e *tipb.Expr) (int64, bool) {
	_, n, err := codec.DecodeInt(e.GetVal())
	return n, err == nil
}

func checkConstant(e *tipb.Expr) *Refusal {
	t, r := evalOf(e.GetFieldType())
	if r != nil || e.GetTp() == tipb.ExprType_Null {
		return r
	}
	if want, ok := constants[e.GetTp()]; !ok || want != t {
		return refuse(srcBuilder, "Unexpected ExprType %v and EvalType %s", e.GetTp(), evalNames[t])
	}
	if strings.IndexByte(fixedSize, t) >= 0 && e.GetTp() != tipb.ExprType_MysqlBit && len(e.GetVal()) < 8 {
		return refuse(srcBuilder, "Unable to decode %v from the request", e.GetTp())
	}
	return nil
}

// isConstant tells whether TiKV takes the expression for a value that is the same in all rows; others than these are
// an error (expr_builder.rs is_expr_eval_to_scalar).
func isConstant(e *tipb.Expr) (bool, *Refusal) {
	switch e.GetTp() {
	case tipb.ExprType_ScalarFunc, tipb.ExprType_ColumnRef:
		return false, nil
	case tipb.ExprType_Null:
		return true, nil
	case tipb.ExprType_MysqlBit:
	default:
		if _, ok := constants[e.GetTp()]; ok {
			return true, nil
		}
	}
	return false, refuse(srcBuilder, "Unsupported expression type %v", e.GetTp())
}

// checkCall looks at one call: signature, types of arguments and result, and what some functions need besides.
func checkCall(e *tipb.Expr) *Refusal {
	s, ok := signatures[e.GetSig()]
	if !ok {
		return refuse(srcExpr, "ScalarFunction %v is not supported in batch mode", e.GetSig())
	}
	if s.cast {
		return checkCast(e)
	}
	if r := checkTexts(e); r != nil {
		return r
	}
	if r := s.checkTypes(e); r != nil {
		return refuse(srcFunction, "Invalid function (sig = %v) signature: %v", e.GetSig(), r)
	}
	return checkUnit(e)
}

func (s signature) checkTypes(e *tipb.Expr) *Refusal {
	args := e.GetChildren()
	if r := wantType(e, s.ret); r != nil {
		return r
	}
	switch {
	case !s.varied && len(args) != len(s.fixed):
		return refuse(srcFunction, "Expect %d arguments, received %d", len(s.fixed), len(args))
	case s.varied && s.max >= 0 && len(args) > s.max:
		return refuse(srcFunction, "Expect at most %d arguments, received %d", s.max, len(args))
	case s.varied && len(args) < s.min:
		return refuse(srcFunction, "Expect at least %d arguments, received %d", s.min, len(args))
	}
	for i, a := range args {
		var want byte
		switch {
		case !s.varied:
			want = s.fixed[i]
		case s.each != 0:
			want = s.each
		default:
			var r *Refusal
			if want, r = s.wantAt(i, len(args)); r != nil {
				return r
			}
		}
		if want == 0 {
			continue
		}
		if r := wantType(a, want); r != nil {
			return r
		}
	}
	return nil
}

// wantAt is the type of an argument by the function's own check (the validators in impl_control.rs, impl_json.rs,
// impl_string.rs); 0 for any.
func (s signature) wantAt(i, n int) (byte, *Refusal) {
	pair := func(first, second byte) byte {
		if i%2 == 0 {
			return first
		}
		return second
	}
	odd := refuse("components/tidb_query_expr/src/impl_json.rs", "Incorrect parameter count in the call to native function 'JSON_OBJECT'")
	switch s.check {
	case "case": // condition, value, ..., value of else
		if i == n-1 && n%2 == 1 {
			return s.ret, nil
		}
		return pair('i', s.ret), nil
	case "paths":
		if i == 0 {
			return 'j', nil
		}
		return 's', nil
	case "modify":
		if n%2 != 1 {
			return 0, odd
		}
		if i == 0 {
			return 'j', nil
		}
		return pair('j', 's'), nil
	case "object":
		if n%2 != 0 {
			return 0, odd
		}
		return pair('s', 'j'), nil
	case "contains":
		if i == 2 {
			return 's', nil
		}
		return 'j', nil
	case "member":
		return 'j', nil
	case "elt":
		if i == 0 {
			return 'i', nil
		}
		return 's', nil
	}
	return 0, nil
}

// wantType is function.rs validate_expr_return_type: an ENUM goes for an integer and for a string.
func wantType(e *tipb.Expr, want byte) *Refusal {
	got, r := evalOf(e.GetFieldType())
	if r != nil {
		return r
	}
	if got == want || got == 'e' && (want == 'i' || want == 's') {
		return nil
	}
	return refuse(srcFunction, "Expect `%s`, received `%s`", evalNames[want], evalNames[got])
}

// checkCast is impl_cast.rs map_cast_func.
func checkCast(e *tipb.Expr) *Refusal {
	args := e.GetChildren()
	if len(args) != 1 {
		return refuse(srcCast, "Unexpected arguments: sig %v with %d args", e.GetSig(), len(args))
	}
	if _, r := isConstant(args[0]); r != nil {
		return r
	}
	from, r := evalOf(args[0].GetFieldType())
	if r != nil {
		return r
	}
	to, r := evalOf(e.GetFieldType())
	if r != nil {
		return r
	}
	return castTypes(from, to)
}

// castTypes tells whether a cast exists: everything to everything but to ENUM, and vectors to themselves and to
// strings only.
func castTypes(from, to byte) *Refusal {
	if to == 'e' || from == 'v' && to != 'v' && to != 's' || to == 'v' && from != 'v' {
		return refuse(srcCast, "Unsupported cast from %s to %s", evalNames[from], evalNames[to])
	}
	return nil
}

// Functions that are chosen by a collation or a character set.
var (
	byCollation = set(`LTString LEString GTString GEString NEString EQString NullEQString InString RegexpSig RegexpUTF8Sig RegexpLikeSig
		RegexpSubstrSig RegexpInStrSig RegexpReplaceSig Locate2ArgsUTF8 Locate3ArgsUTF8 Strcmp FindInSet Ord FieldString LikeSig`)
	byCharsetOfArgument = set(`UpperUTF8 LowerUTF8 ToBinary`)
)

func set(names string) map[string]bool {
	out := make(map[string]bool)
	for _, n := range strings.Fields(names) {
		out[n] = true
	}
	return out
}

func checkTexts(e *tipb.Expr) *Refusal {
	name, n := e.GetSig().String(), len(e.GetChildren())
	if name == "LikeSig" && n < 2 || name == "ToBinary" && n < 1 {
		return panics(srcExpr, "%s with %d arguments", name, n)
	}
	if byCollation[name] {
		if r := checkCollation(e.GetFieldType()); r != nil {
			return r
		}
	}
	if name == "LikeSig" {
		for _, c := range e.GetChildren() {
			if r := checkCollation(c.GetFieldType()); r != nil {
				return r
			}
		}
	}
	if byCharsetOfArgument[name] && n > 0 {
		return checkCharset(e.GetChildren()[0].GetFieldType())
	}
	if name == "FromBinary" {
		return checkCharset(e.GetFieldType())
	}
	return nil
}

var (
	units        = set(`MICROSECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR`)
	compoundUnit = set(`SECOND_MICROSECOND MINUTE_MICROSECOND MINUTE_SECOND HOUR_MICROSECOND HOUR_SECOND HOUR_MINUTE DAY_MICROSECOND DAY_SECOND
		DAY_MINUTE DAY_HOUR YEAR_MONTH`)
)

// checkUnit looks at the unit of ADDDATE, SUBDATE and TIMESTAMPDIFF, which must be a constant (impl_time.rs
// build_add_sub_date_meta, build_timestamp_diff_meta).
func checkUnit(e *tipb.Expr) *Refusal {
	name, at := e.GetSig().String(), 0
	diff := name == "TimestampDiff"
	if args := e.GetChildren(); diff || len(args) == 3 && (strings.HasPrefix(name, "AddDate") || strings.HasPrefix(name, "SubDate")) {
		if !diff {
			at = 2
		}
		unit := args[at]
		if tp := unit.GetTp(); tp != tipb.ExprType_Bytes && tp != tipb.ExprType_String {
			return refuse(srcTime, "unknown unit type %v", tp)
		}
		u := strings.ToUpper(string(unit.GetVal()))
		if !units[u] && (diff || !compoundUnit[u]) {
			return refuse(srcTime, "unknown unit str %s", u)
		}
	}
	return nil
}

// typeOf is the type of an expression's value: a column has that of the schema, whatever the request says.
func typeOf(e *tipb.Expr, schema []*tipb.FieldType) *tipb.FieldType {
	if n, ok := columnOf(e); e.GetTp() == tipb.ExprType_ColumnRef && ok && n >= 0 && n < int64(len(schema)) {
		return schema[n]
	}
	return e.GetFieldType()
}
