package strict

import (
	"github.com/pingcap/tidb/pkg/parser/mysql"
	"github.com/pingcap/tipb/go-tipb"
)

// TiKV's types of evaluation, one letter each.
var evalNames = map[byte]string{
	'i': "Int", 'r': "Real", 'd': "Decimal", 's': "Bytes", 't': "DateTime", 'u': "Duration", 'j': "Json", 'e': "Enum", 'v': "VectorFloat32",
}

const typeVector = 0xe1 // TiDbVectorFloat32

// evalType is the type by which TiKV evaluates a column type; ok is false for those it cannot evaluate: SET,
// GEOMETRY and types that are not said (components/tidb_query_datatype/src/def/eval_type.rs).
func evalType(tp int32) (letter byte, ok bool) {
	if tp < 0 || tp > 255 {
		return 0, false
	}
	switch byte(tp) {
	case mysql.TypeTiny, mysql.TypeShort, mysql.TypeInt24, mysql.TypeLong, mysql.TypeLonglong, mysql.TypeBit, mysql.TypeYear:
		return 'i', true
	case mysql.TypeFloat, mysql.TypeDouble:
		return 'r', true
	case mysql.TypeNewDecimal:
		return 'd', true
	case mysql.TypeTimestamp, mysql.TypeDate, mysql.TypeDatetime:
		return 't', true
	case mysql.TypeDuration:
		return 'u', true
	case mysql.TypeJSON:
		return 'j', true
	case typeVector:
		return 'v', true
	case mysql.TypeVarchar, mysql.TypeTinyBlob, mysql.TypeMediumBlob, mysql.TypeLongBlob, mysql.TypeBlob, mysql.TypeVarString,
		mysql.TypeString, mysql.TypeNull:
		return 's', true
	case mysql.TypeEnum:
		return 'e', true
	}
	return 0, false
}

const srcEval = "components/tidb_query_datatype/src/def/eval_type.rs"

// evalOf is evalType of a field, with the error for what it cannot evaluate.
func evalOf(ft *tipb.FieldType) (byte, *Refusal) {
	if e, ok := evalType(ft.GetTp()); ok {
		return e, nil
	}
	return 0, refuse(srcEval, "Unsupported type: %d", ft.GetTp())
}

func evaluable(ft *tipb.FieldType) bool {
	_, ok := evalType(ft.GetTp())
	return ok
}

// Collations and character sets that TiKV knows (components/tidb_query_datatype/src/def/field_type.rs). Ids that are
// not negative are those of a cluster without the new collations: all of them are known.
var (
	collations = map[int32]bool{-33: true, -45: true, -46: true, -83: true, -65: true, -47: true, -63: true, -224: true, -192: true,
		-87: true, -28: true, -248: true, -249: true, -255: true, -309: true}
	charsets = map[string]bool{"utf8mb4": true, "utf8": true, "latin1": true, "gbk": true, "binary": true, "ascii": true, "gb18030": true}
)

const srcFieldType = "components/tidb_query_datatype/src/def/field_type.rs"

func checkCollation(ft *tipb.FieldType) *Refusal {
	if n := ft.GetCollate(); n < 0 && !collations[n] {
		return refuse(srcFieldType, "Unsupported collation code: %d", n)
	}
	return nil
}

func checkCharset(ft *tipb.FieldType) *Refusal {
	if name := ft.GetCharset(); !charsets[name] {
		return refuse(srcFieldType, "Unsupported charset : %s", name)
	}
	return nil
}

// fieldOf is the type of a scanned column (util/scan_executor.rs field_type_from_column_info).
func fieldOf(c *tipb.ColumnInfo) *tipb.FieldType {
	return &tipb.FieldType{Tp: c.GetTp(), Flag: uint32(c.GetFlag()), Flen: c.GetColumnLen(), Decimal: c.GetDecimal(), Collate: c.GetCollation(), Elems: c.GetElems()}
}
