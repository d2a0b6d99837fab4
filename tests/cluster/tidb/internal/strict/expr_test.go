package strict

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pingcap/tipb/go-tipb"
)

// schemaOf has a column for each letter.
func schemaOf(types string) []*tipb.FieldType {
	out := make([]*tipb.FieldType, len(types))
	for i := range types {
		out[i] = field(types[i])
	}
	return out
}

var (
	field  = ExampleField
	column = ExampleColumn
	call   = ExampleCall
)

func constant(tp tipb.ExprType, letter byte, val string) *tipb.Expr {
	return &tipb.Expr{Tp: tp, Val: []byte(val), FieldType: field(letter)}
}

func want(t *testing.T, name string, r *Refusal, text string) {
	t.Helper()
	if (r == nil) != (text == "") || r != nil && !strings.Contains(r.Error(), text) {
		t.Errorf("%s: %v", name, r)
	}
}

// components/tidb_query_expr/src/lib.rs and types/function.rs.
func TestCalls(t *testing.T) {
	for _, c := range []struct {
		e    *tipb.Expr
		want string
	}{
		{call(tipb.ScalarFuncSig_EQInt, 'i', "ii"), ""},
		{call(tipb.ScalarFuncSig_EQInt, 'i', "is"), "Expect `Int`, received `Bytes`"},
		{call(tipb.ScalarFuncSig_EQInt, 'r', "ii"), "Expect `Int`, received `Real`"},
		{call(tipb.ScalarFuncSig_EQInt, 'i', "i"), "Expect 2 arguments, received 1"},
		{call(tipb.ScalarFuncSig_EQInt, 'i', "ei"), ""}, // ENUM is a number
		{call(tipb.ScalarFuncSig_EQString, 'i', "es"), ""},
		{call(tipb.ScalarFuncSig_EQReal, 'i', "er"), "Expect `Real`, received `Enum`"},
		{call(tipb.ScalarFuncSig_EQInt, 'i', "bi"), ""}, // BIT too
		{call(tipb.ScalarFuncSig_EQString, 'i', "Ss"), "Unsupported type"},
		{call(tipb.ScalarFuncSig_InInt, 'i', "iiiii"), ""},
		{call(tipb.ScalarFuncSig_InInt, 'i', ""), "Expect at least 1 arguments"},
		{call(tipb.ScalarFuncSig_InString, 'i', "ssi"), "Expect `Bytes`, received `Int`"},
		{call(tipb.ScalarFuncSig_RegexpInStrSig, 'i', "sssssss"), "Expect at most 6 arguments"},
		{call(tipb.ScalarFuncSig_CaseWhenString, 's', "isiss"), ""},
		{call(tipb.ScalarFuncSig_CaseWhenString, 's', "ssiss"), "Expect `Int`, received `Bytes`"},
		{call(tipb.ScalarFuncSig_CaseWhenString, 's', "isisi"), "Expect `Bytes`, received `Int`"},
		{call(tipb.ScalarFuncSig_JsonExtractSig, 'j', "jss"), ""},
		{call(tipb.ScalarFuncSig_JsonExtractSig, 'j', "ss"), "Expect `Json`, received `Bytes`"},
		{call(tipb.ScalarFuncSig_JsonSetSig, 'j', "jsj"), ""},
		{call(tipb.ScalarFuncSig_JsonSetSig, 'j', "jsjs"), "Incorrect parameter count"},
		{call(tipb.ScalarFuncSig_JsonObjectSig, 'j', "sjsj"), ""},
		{call(tipb.ScalarFuncSig_Elt, 's', "iss"), ""},
		{call(tipb.ScalarFuncSig_Elt, 's', "sss"), "Expect `Int`, received `Bytes`"},
		// Functions that TiDB evaluates and TiKV does not have.
		{call(tipb.ScalarFuncSig_AesEncrypt, 's', "ss"), "ScalarFunction AesEncrypt is not supported in batch mode"},
		{call(tipb.ScalarFuncSig_JsonSearchSig, 'j', "jss"), "is not supported in batch mode"},
		{call(tipb.ScalarFuncSig_FormatWithLocale, 's', "ssi"), "is not supported in batch mode"},
		{call(tipb.ScalarFuncSig(99999), 's', "ss"), "is not supported in batch mode"},
	} {
		want(t, fmt.Sprint(c.e.Sig, len(c.e.Children)), checkTree(c.e, schemaOf("iiiiiii")), c.want)
	}
}

// Every signature is known with arguments of its own types, and refused with a SET in their place.
func TestEverySignature(t *testing.T) {
	if n := len(signatures); n < 500 {
		t.Fatalf("%d signatures", n)
	}
	for sig, s := range signatures {
		if s.cast {
			continue
		}
		ret, args := ExampleOf(sig)
		e := call(sig, ret, args)
		want(t, fmt.Sprint(sig), checkTree(e, schemaOf("iiiiiii")), "")
		if len(e.Children) > 0 && (!s.varied || s.each != 0) {
			e.Children[0].FieldType = field('S')
			if r := checkTree(e, schemaOf("iiiiiii")); r == nil {
				t.Errorf("%v takes a SET", sig)
			}
		}
	}
}

// impl_cast.rs get_cast_fn_rpn_meta: by the types, not by the signature.
func TestCasts(t *testing.T) {
	const types = "irdstujev"
	for _, from := range types {
		for _, to := range types {
			text := "Unsupported cast"
			if from == 'v' && (to == 'v' || to == 's') || from != 'v' && to != 'v' && to != 'e' {
				text = ""
			}
			e := call(tipb.ScalarFuncSig_CastIntAsInt, byte(to), string(from))
			want(t, fmt.Sprintf("%c to %c", from, to), checkTree(e, schemaOf("i")), text)
		}
	}
	want(t, "SET", checkTree(call(tipb.ScalarFuncSig_CastStringAsString, 's', "S"), schemaOf("S")), "Unsupported type")
	want(t, "two arguments", checkTree(call(tipb.ScalarFuncSig_CastIntAsInt, 'i', "ii"), schemaOf("ii")), "Unexpected arguments")
	bit := call(tipb.ScalarFuncSig_CastIntAsInt, 'i', "")
	bit.Children = []*tipb.Expr{constant(tipb.ExprType_MysqlBit, 'b', "\x01")}
	want(t, "constant BIT", checkTree(bit, nil), "Unsupported expression type MysqlBit")
}

// expr_builder.rs handle_node_constant and handle_node_column_ref.
func TestConstantsAndColumns(t *testing.T) {
	eight := strings.Repeat("\x80", 8)
	for _, c := range []struct {
		e    *tipb.Expr
		want string
	}{
		{constant(tipb.ExprType_Int64, 'i', eight), ""}, {constant(tipb.ExprType_Int64, 'b', eight), ""},
		{constant(tipb.ExprType_Int64, 'r', eight), "Unexpected ExprType Int64 and EvalType Real"},
		{constant(tipb.ExprType_Int64, 'i', "1"), "Unable to decode"}, {constant(tipb.ExprType_String, 's', ""), ""},
		{constant(tipb.ExprType_String, 'e', "x"), "Unexpected ExprType"}, {constant(tipb.ExprType_MysqlEnum, 'e', eight), ""},
		{constant(tipb.ExprType_MysqlSet, 'S', eight), "Unsupported type"}, {constant(tipb.ExprType_Null, 'j', ""), ""},
		{constant(tipb.ExprType_MysqlBit, 'b', "\x01"), ""}, {constant(tipb.ExprType_ValueList, 's', ""), "Unexpected ExprType"},
		{&tipb.Expr{Tp: tipb.ExprType_Null}, "Unsupported type"},
		{column(0, 'i'), ""}, {column(1, 's'), ""}, {column(2, 'i'), "Invalid column offset (schema has 2 columns, access index 2)"},
		{column(-1, 'i'), "Invalid column offset"}, {&tipb.Expr{Tp: tipb.ExprType_ColumnRef}, "Unable to decode column reference"},
	} {
		want(t, c.e.String(), checkTree(c.e, schemaOf("is")), c.want)
	}
}

// Collations, character sets and units: what the types of evaluation do not say.
func TestFunctionsThatNeedMore(t *testing.T) {
	eq := call(tipb.ScalarFuncSig_EQString, 'i', "ss")
	for id, text := range map[int32]string{-46: "", -255: "", -248: "", 46: "", 8: "", 0: "", -8: "Unsupported collation", -1000: "Unsupported collation"} {
		eq.FieldType.Collate = id
		want(t, fmt.Sprint("collation ", id), checkTree(eq, schemaOf("ss")), text)
	}
	lower := call(tipb.ScalarFuncSig_LowerUTF8, 's', "s")
	for name, text := range map[string]string{"utf8mb4": "", "gbk": "", "": "Unsupported charset", "ucs2": "Unsupported charset"} {
		lower.Children[0].FieldType.Charset = name
		want(t, "charset "+name, checkTree(lower, schemaOf("s")), text)
	}
	add := call(tipb.ScalarFuncSig_AddDateDatetimeInt, 't', "tis")
	add.Children[2] = column(2, 's')
	want(t, "unit that is a column", checkTree(add, schemaOf("tis")), "unknown unit type ColumnRef")
	for name, text := range map[string]string{"day": "", "YEAR_MONTH": "", "fortnight": "unknown unit str"} {
		add.Children[2] = constant(tipb.ExprType_String, 's', name)
		want(t, "unit "+name, checkTree(add, schemaOf("ti")), text)
	}
	diff := call(tipb.ScalarFuncSig_TimestampDiff, 'i', "stt")
	for name, text := range map[string]string{"day": "", "YEAR_MONTH": "unknown unit str"} {
		diff.Children[0] = constant(tipb.ExprType_String, 's', name)
		want(t, "difference in "+name, checkTree(diff, schemaOf("stt")), text)
	}
}

// src/coprocessor/endpoint.rs: the limit of recursion of the protobuf reader.
func TestDepth(t *testing.T) {
	e := column(0, 'i')
	for range maxDepth - 1 {
		e = &tipb.Expr{Tp: tipb.ExprType_ScalarFunc, Sig: tipb.ScalarFuncSig_UnaryNotInt, FieldType: field('i'), Children: []*tipb.Expr{e}}
	}
	want(t, "as deep as may be", checkTree(e, schemaOf("i")), "")
	e = &tipb.Expr{Tp: tipb.ExprType_ScalarFunc, Sig: tipb.ScalarFuncSig_UnaryNotInt, FieldType: field('i'), Children: []*tipb.Expr{e}}
	want(t, "one deeper", checkTree(e, schemaOf("i")), "OverRecursionLimit")
}
