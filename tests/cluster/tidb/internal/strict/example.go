package strict

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/mysql"
	"github.com/pingcap/tidb/pkg/util/codec"
	"github.com/pingcap/tipb/go-tipb"
)

// ExampleTypes are column types, one for each letter of evalNames, and b for BIT and S for SET.
var ExampleTypes = map[byte]byte{'i': mysql.TypeLonglong, 'r': mysql.TypeDouble, 'd': mysql.TypeNewDecimal, 's': mysql.TypeVarchar,
	't': mysql.TypeDatetime, 'u': mysql.TypeDuration, 'j': mysql.TypeJSON, 'e': mysql.TypeEnum, 'v': typeVector, 'b': mysql.TypeBit, 'S': mysql.TypeSet}

// ExampleField is a type as TiDB sends it.
func ExampleField(letter byte) *tipb.FieldType {
	return &tipb.FieldType{Tp: int32(ExampleTypes[letter]), Collate: -46, Charset: "utf8mb4"}
}

// ExampleColumn is a reference to a column.
func ExampleColumn(n int64, letter byte) *tipb.Expr {
	return &tipb.Expr{Tp: tipb.ExprType_ColumnRef, Val: codec.EncodeInt(nil, n), FieldType: ExampleField(letter)}
}

// ExampleCall is a call with a column for each argument; units of time are constants.
func ExampleCall(sig tipb.ScalarFuncSig, ret byte, args string) *tipb.Expr {
	e := &tipb.Expr{Tp: tipb.ExprType_ScalarFunc, Sig: sig, FieldType: ExampleField(ret)}
	for i := range args {
		e.Children = append(e.Children, ExampleColumn(int64(i), args[i]))
	}
	at := 2
	if sig == tipb.ScalarFuncSig_TimestampDiff {
		at = 0
	} else if name := sig.String(); !strings.HasPrefix(name, "AddDate") && !strings.HasPrefix(name, "SubDate") {
		return e
	}
	if len(args) == 3 && args[at] == 's' {
		e.Children[at] = &tipb.Expr{Tp: tipb.ExprType_String, Val: []byte("DAY"), FieldType: ExampleField('s')}
	}
	return e
}

// ExampleOf are the types of result and arguments with which a signature is right; of casts and of signatures that
// TiKV does not know they are a guess.
func ExampleOf(sig tipb.ScalarFuncSig) (ret byte, args string) {
	s, ok := signatures[sig]
	if !ok || s.cast {
		return 'i', "i"
	}
	if !s.varied {
		return s.ret, s.fixed
	}
	n := max(s.min, 1)
	switch s.check {
	case "modify":
		n = 3
	case "object":
		n = 2
	}
	for i := range n {
		each := s.each
		if each == 0 {
			if each, _ = s.wantAt(i, n); each == 0 {
				each = 's'
			}
		}
		args += string(each)
	}
	return s.ret, args
}

// Signatures are all that the protocol has, known to TiKV or not.
func Signatures() []tipb.ScalarFuncSig {
	var out []tipb.ScalarFuncSig
	for n := range tipb.ScalarFuncSig_name {
		out = append(out, tipb.ScalarFuncSig(n))
	}
	slices.Sort(out)
	return out
}
