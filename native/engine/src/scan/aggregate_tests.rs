use super::*;

fn wire(name: &str, tp: u8, flen: i32, decimal: i32, flag: u32) -> WireColumn {
    WireColumn {
        name: name.into(),
        tp: u32::from(tp),
        flag,
        flen,
        decimal,
        ..WireColumn::default()
    }
}

fn field(kind: AggregateKind, precision: u32, scale: u32) -> AggregateField {
    AggregateField {
        kind: kind.into(),
        precision,
        scale,
    }
}

const LONG_LONG: u8 = 8;
const NEW_DECIMAL: u8 = 0xf6;

#[test]
fn a_sum_that_does_not_fit_becomes_several_rows() {
    let columns = [
        wire("g", LONG_LONG, 20, 0, 0),
        wire("n", LONG_LONG, 20, 0, 1),
        wire("d", NEW_DECIMAL, 38, 1, 0),
        wire("l", NEW_DECIMAL, 65, 0, 0),
    ];
    let aggregate = ScanAggregate {
        fields: vec![
            field(AggregateKind::Same, 0, 0),
            field(AggregateKind::Count, 0, 0),
            field(AggregateKind::SumDecimal, 2, 1),
            field(AggregateKind::SumLong, 0, 0),
        ],
        global: false,
    };
    let (mut partial, builder) = Partial::new(&columns, &aggregate, &TypeOptions::default()).unwrap();
    let decoded = RecordBatch::try_new(
        builder.schema(),
        vec![
            Arc::new(Int64Array::from(vec![Some(7), None])),
            Arc::new(Int64Array::from(vec![3, 1])),
            Arc::new(
                Decimal128Array::from(vec![Some(250), Some(-99)])
                    .with_precision_and_scale(38, 1)
                    .unwrap(),
            ),
            Arc::new(arrow_array::StringArray::from(vec![
                Some("5"),
                Some("-18446744073709551617"),
            ])),
        ],
    )
    .unwrap();
    let batch = partial.convert(&decoded).unwrap();
    let longs = |column: usize| {
        batch
            .column(column)
            .as_primitive::<Int64Type>()
            .iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(longs(0), [Some(7), Some(7), Some(7), None, None, None]);
    assert_eq!(longs(1), [Some(3), Some(0), Some(0), Some(1), Some(0), Some(0)]);
    let sums: Vec<_> = batch.column(2).as_primitive::<Decimal128Type>().iter().collect();
    assert_eq!(sums, [Some(99), Some(99), Some(52), Some(-99), None, None]);
    assert_eq!(
        longs(3),
        [Some(5), None, None, Some(-i64::MAX), Some(-i64::MAX), Some(-3)]
    );
    assert!(partial.last().unwrap().is_none());
}

#[test]
fn no_rows_are_counted_as_none() {
    let columns = [wire("n", LONG_LONG, 20, 0, 1), wire("m", LONG_LONG, 20, 0, 0)];
    let aggregate = ScanAggregate {
        fields: vec![field(AggregateKind::Count, 0, 0), field(AggregateKind::Same, 0, 0)],
        global: true,
    };
    let (partial, _) = Partial::new(&columns, &aggregate, &TypeOptions::default()).unwrap();
    let row = partial.last().unwrap().unwrap();
    assert_eq!(row.num_rows(), 1);
    assert_eq!(row.column(0).as_primitive::<Int64Type>().value(0), 0);
    assert!(row.column(1).is_null(0));
}

#[test]
fn a_sum_beyond_reason_is_an_error() {
    let columns = [wire("d", NEW_DECIMAL, 65, 0, 0)];
    let aggregate = ScanAggregate {
        fields: vec![field(AggregateKind::SumDecimal, 1, 0)],
        global: true,
    };
    let (mut partial, builder) = Partial::new(&columns, &aggregate, &TypeOptions::default()).unwrap();
    let text = "9".repeat(57);
    let decoded = RecordBatch::try_new(
        builder.schema(),
        vec![Arc::new(arrow_array::StringArray::from(vec![text]))],
    )
    .unwrap();
    assert_eq!(partial.convert(&decoded).unwrap_err().kind, ErrorKind::Decode);
}
