package strict

import (
	"strconv"
	"strings"

	"github.com/pingcap/tipb/go-tipb"
)

// The functions that TiKV has, by signature, with the types it insists on (components/tidb_query_expr/src/lib.rs
// map_expr_node_to_rpn_func and the functions of impl_*.rs that it names). A line is
//
//	result:arguments check | signatures
//
// with one letter for each type (see evalNames); "x*1-3" stands for one to three arguments of type x, "?1-3" for
// arguments whose types the check tests, if there is one. A signature that is not here is refused. Names are those
// of Go's tipb; UuidVersion and UuidTimestamp are too young for it.
const signatureTable = `
d:?0- case | CaseWhenDecimal
d:d | AbsDecimal CeilDecToDec FloorDecToDec RoundDec UnaryMinusDecimal
d:d*0- | CoalesceDecimal DecimalAnyValue
d:d*2- | GreatestDecimal LeastDecimal
d:dd | PlusDecimal MinusDecimal MultiplyDecimal DivideDecimal ModDecimal IfNullDecimal
d:di | TruncateDecimal RoundWithFracDec
d:i | CeilIntToDec FloorIntToDec
d:idd | IfDecimal
d:t | UnixTimestampDec
i:?0- case | CaseWhenInt
i:?1-1 | JsonValidJsonSig JsonValidStringSig JsonValidOthersSig
i:?1-2 paths | JsonLengthSig
i:?2-2 member | JsonMemberOfSig
i:?2-3 | RegexpSig RegexpUTF8Sig RegexpLikeSig
i:?2-3 contains | JsonContainsSig
i:?2-6 | RegexpInStrSig
i:d | CeilDecToInt FloorDecToInt DecimalIsNull DecimalIsTrue DecimalIsTrueWithNull DecimalIsFalse
	| DecimalIsFalseWithNull UnaryNotDecimal
i:d*1- | InDecimal
i:dd | IntDivideDecimal LTDecimal LEDecimal GTDecimal GEDecimal NEDecimal EQDecimal NullEQDecimal
i:i | AbsInt AbsUInt CeilIntToInt FloorIntToInt RoundInt IntIsNull IntIsTrue IntIsTrueWithNull IntIsFalse
	| IntIsFalseWithNull UnaryNotInt UnaryMinusInt BitNegSig BitCount
i:i*0- | CoalesceInt IntAnyValue
i:i*1- | InInt FieldInt
i:i*2- | GreatestInt LeastInt IntervalInt
i:ii | PlusInt PlusIntUnsignedUnsigned PlusIntUnsignedSigned PlusIntSignedUnsigned PlusIntSignedSigned MinusInt
	| MultiplyInt MultiplyIntUnsigned IntDivideInt ModInt ModIntUnsignedUnsigned ModIntUnsignedSigned
	| ModIntSignedUnsigned ModIntSignedSigned LTInt LEInt GTInt GEInt NEInt EQInt NullEQInt IfNullInt TruncateInt
	| TruncateUint RoundWithFracInt LogicalAnd LogicalOr LogicalXor BitAndSig BitOrSig BitXorSig LeftShift RightShift
	| PeriodAdd PeriodDiff
i:iii | IfInt
i:j | JsonDepthSig JsonIsNull UnaryNotJSON
i:j*1- | InJson
i:jj | LTJson LEJson GTJson GEJson NEJson EQJson NullEQJson
i:r | Sign RealIsNull RealIsTrue RealIsTrueWithNull RealIsFalse RealIsFalseWithNull UnaryNotReal
i:r*1- | InReal FieldReal
i:r*2- | IntervalReal
i:rr | LTReal LEReal GTReal GEReal NEReal EQReal NullEQReal
i:s | UncompressedLength CRC32 InetAton IsIPv4 IsIPv4Compat IsIPv4Mapped IsIPv6 StringIsNull Length BitLength Ord
	| ASCII CharLength CharLengthUTF8
i:s*1- | InString FieldString
i:ss | Locate2ArgsUTF8 Locate2Args Strcmp Instr InstrUTF8 FindInSet LTString LEString GTString GEString NEString
	| EQString NullEQString
i:ssi | LikeSig Locate3ArgsUTF8 Locate3Args
i:stt | TimestampDiff
i:t | TimeIsNull WeekOfYear DayOfYear DayOfWeek DayOfMonth WeekWithoutMode YearWeekWithoutMode WeekDay ToDays
	| ToSeconds Year Month Quarter UnixTimestampInt
i:t*1- | InTime
i:ti | WeekWithMode YearWeekWithMode
i:tt | LTTime LETime GTTime GETime NETime EQTime NullEQTime DateDiff
i:u | DurationIsNull Hour Minute Second TimeToSec MicroSecond
i:u*1- | InDuration
i:uu | LTDuration LEDuration GTDuration GEDuration NEDuration EQDuration NullEQDuration
i:v | VecDimsSig VectorFloat32IsNull
i:vv | LTVectorFloat32 LEVectorFloat32 GTVectorFloat32 GEVectorFloat32 NEVectorFloat32 EQVectorFloat32
	| NullEQVectorFloat32
j:?0- case | CaseWhenJson
j:?0- object | JsonObjectSig
j:?1-2 paths | JsonKeysSig JsonKeys2ArgsSig
j:?2- modify | JsonSetSig JsonReplaceSig JsonInsertSig JsonArrayAppendSig
j:?2- paths | JsonExtractSig JsonRemoveSig
j:ijj | IfJson
j:j*0- | CoalesceJson JsonArraySig JSONAnyValue
j:j*2- | JsonMergeSig JsonMergePatchSig
j:jj | IfNullJson
r: | PI Rand
r:?0- case | CaseWhenReal
r:i | RandWithSeedFirstGen
r:irr | IfReal
r:r | AbsReal CeilReal FloorReal Log1Arg Log2 Log10 Sin Cos Tan Cot Asin Acos Atan1Arg Sqrt Exp Degrees Radians
	| RoundReal UnaryMinusReal
r:r*0- | CoalesceReal RealAnyValue
r:r*2- | GreatestReal LeastReal
r:ri | TruncateReal RoundWithFracReal
r:rr | PlusReal MinusReal MultiplyReal DivideReal ModReal IfNullReal Log2Args Pow Atan2Args
r:v | VecL2NormSig
r:vv | VecL1DistanceSig VecL2DistanceSig VecNegativeInnerProductSig VecCosineDistanceSig
s: | UUID
s:?0- case | CaseWhenString
s:?2- elt | Elt MakeSet
s:?2-5 | RegexpSubstrSig
s:?3-6 | RegexpReplaceSig
s:dds | AddDateDecimalDecimal SubDateDecimalDecimal
s:dis | AddDateDecimalInt SubDateDecimalInt
s:drs | AddDateDecimalReal SubDateDecimalReal
s:ds | FromUnixTime2Arg
s:dss | AddDateDecimalString SubDateDecimalString
s:i | RandomBytes InetNtoa Bin HexIntArg Space OctInt
s:ids | AddDateIntDecimal SubDateIntDecimal
s:iis | AddDateIntInt SubDateIntInt
s:irs | AddDateIntReal SubDateIntReal
s:iss | IfString AddDateIntString SubDateIntString
s:j | JsonTypeSig
s:rds | AddDateRealDecimal SubDateRealDecimal
s:ris | AddDateRealInt SubDateRealInt
s:rrs | AddDateRealReal SubDateRealReal
s:rss | AddDateRealString SubDateRealString
s:s | ToBinary FromBinary MD5 SHA1 Compress Uncompress Password JsonUnquoteSig JsonQuoteSig Inet6Aton Inet6Ntoa UnHex
	| ReverseUTF8 Reverse HexStrArg LTrim RTrim Trim1Arg FromBase64 UpperUTF8 Upper LowerUTF8 Lower Quote OctString
	| ToBase64
s:s*0- | CoalesceString StringAnyValue
s:s*1- | Concat
s:s*2- | GreatestString GreatestCmpStringAsDate GreatestCmpStringAsTime LeastString LeastCmpStringAsDate
	| LeastCmpStringAsTime ConcatWS
s:sds | AddDateStringDecimal SubDateStringDecimal
s:si | SHA2 Left LeftUTF8 Right RightUTF8 Repeat Substring2Args Substring2ArgsUTF8
s:sii | Conv Substring3Args Substring3ArgsUTF8
s:siis | Insert InsertUTF8
s:sis | Lpad LpadUTF8 Rpad RpadUTF8 AddDateStringInt SubDateStringInt
s:srs | AddDateStringReal SubDateStringReal
s:ss | IfNullString Trim2Args
s:ssi | Trim3Args SubstringIndex
s:sss | Replace AddDateStringString SubDateStringString
s:su | AddStringAndDuration SubStringAndDuration
s:t | MonthName DayName
s:ts | DateFormatSig
s:tt | AddTimeStringNull
s:v | VecAsTextSig
t: | SysDateWithoutFsp
t:?0- case | CaseWhenTime
t:d | FromUnixTime1Arg
t:i | SysDateWithFsp FromDays
t:ii | MakeDate
t:itt | IfTime
t:ss | StrToDateDate StrToDateDatetime
t:t | Date LastDay
t:t*0- | CoalesceTime TimeAnyValue
t:t*2- | GreatestTime GreatestDate LeastTime LeastDate
t:tds | AddDateDatetimeDecimal SubDateDatetimeDecimal
t:tis | AddDateDatetimeInt SubDateDatetimeInt
t:trs | AddDateDatetimeReal SubDateDatetimeReal
t:ts | AddDatetimeAndString AddDateAndString SubDatetimeAndString
t:tss | AddDateDatetimeString SubDateDatetimeString
t:tt | IfNullTime AddTimeDateTimeNull
t:tu | AddDatetimeAndDuration SubDatetimeAndDuration
t:uds | AddDateDurationDecimalDatetime SubDateDurationDecimalDatetime
t:uis | AddDateDurationIntDatetime SubDateDurationIntDatetime
t:urs | AddDateDurationRealDatetime SubDateDurationRealDatetime
t:uss | AddDateDurationStringDatetime SubDateDurationStringDatetime
u: | NullTimeDiff
u:?0- case | CaseWhenDuration
u:iir | MakeTime
u:iuu | IfDuration
u:ss | StringStringTimeDiff StrToDateDuration
u:su | StringDurationTimeDiff
u:tt | AddTimeDurationNull
u:u*0- | CoalesceDuration DurationAnyValue
u:u*2- | GreatestDuration LeastDuration
u:uds | AddDateDurationDecimal SubDateDurationDecimal
u:uis | AddDateDurationInt SubDateDurationInt
u:urs | AddDateDurationReal SubDateDurationReal
u:us | AddDurationAndString SubDurationAndString DurationStringTimeDiff
u:uss | AddDateDurationString SubDateDurationString
u:uu | IfNullDuration AddDurationAndDuration SubDurationAndDuration DurationDurationTimeDiff
v:v*0- | VectorFloat32AnyValue
`

// castTable are the casts. TiKV chooses the function by the types of argument and result, not by the signature.
const castTable = `
CastIntAsInt CastIntAsReal CastIntAsString CastIntAsDecimal CastIntAsTime CastIntAsDuration CastIntAsJson
CastRealAsInt CastRealAsReal CastRealAsString CastRealAsDecimal CastRealAsTime CastRealAsDuration CastRealAsJson
CastDecimalAsInt CastDecimalAsReal CastDecimalAsString CastDecimalAsDecimal CastDecimalAsTime CastDecimalAsDuration
CastDecimalAsJson CastStringAsInt CastStringAsReal CastStringAsString CastStringAsDecimal CastStringAsTime
CastStringAsDuration CastStringAsJson CastTimeAsInt CastTimeAsReal CastTimeAsString CastTimeAsDecimal CastTimeAsTime
CastTimeAsDuration CastTimeAsJson CastDurationAsInt CastDurationAsReal CastDurationAsString CastDurationAsDecimal
CastDurationAsTime CastDurationAsDuration CastDurationAsJson CastJsonAsInt CastJsonAsReal CastJsonAsString
CastJsonAsDecimal CastJsonAsTime CastJsonAsDuration CastJsonAsJson CastVectorFloat32AsString
CastVectorFloat32AsVectorFloat32
`

// signature is what TiKV checks of a call.
type signature struct {
	ret      byte
	fixed    string // types of the arguments, when their number is fixed
	each     byte   // else: the type of all of them, 0 for any
	varied   bool
	min, max int // max < 0: no limit
	check    string
	cast     bool
}

var signatures = parseSignatures(signatureTable, castTable)

func parseSignatures(table, casts string) map[tipb.ScalarFuncSig]signature {
	out := make(map[tipb.ScalarFuncSig]signature)
	add := func(names string, s signature) {
		for _, name := range strings.Fields(names) {
			id, ok := tipb.ScalarFuncSig_value[name]
			if !ok {
				panic("no signature " + name)
			}
			out[tipb.ScalarFuncSig(id)] = s
		}
	}
	var head string
	for _, line := range strings.Split(strings.TrimSpace(table), "\n") {
		spec, names, _ := strings.Cut(line, "|")
		if spec = strings.TrimSpace(spec); spec != "" {
			head = spec
		}
		add(names, parseSignature(head))
	}
	add(casts, signature{cast: true})
	return out
}

func parseSignature(spec string) signature {
	types, check, _ := strings.Cut(spec, " ")
	args := types[2:]
	s := signature{ret: types[0], fixed: args, check: check, max: -1}
	star := strings.IndexAny(args, "*?")
	if star < 0 {
		return s
	}
	s.fixed, s.varied = "", true
	if args[star] == '*' {
		s.each = args[0]
	}
	low, high, _ := strings.Cut(args[star+1:], "-")
	s.min, _ = strconv.Atoi(low)
	if high != "" {
		s.max, _ = strconv.Atoi(high)
	}
	return s
}
