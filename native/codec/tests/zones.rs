//! Wall clocks to moments, with the rules of java.time: gap -> later by its length, overlap -> the earlier moment.

use crate::common::{decode_chunk, field};
use chrono::{NaiveDateTime, Offset, TimeZone as _};
use proptest::prelude::*;
use ti_codec::field_type::type_code as t;
use ti_codec::{DatetimeAs, TimeZone, TypeOptions};

fn micros(text: &str) -> i64 {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S")
        .unwrap()
        .and_utc()
        .timestamp_micros()
}

#[test]
fn moments_of_wall_clocks() {
    for (zone, local, utc) in [
        ("UTC", "2020-01-01 00:00:00", "2020-01-01 00:00:00"),
        ("+05:30", "2020-01-01 00:00:00", "2019-12-31 18:30:00"),
        ("-8", "2020-01-01 00:00:00", "2020-01-01 08:00:00"),
        ("GMT+01:00", "2020-01-01 00:00:00", "2019-12-31 23:00:00"),
        ("Asia/Kolkata", "2020-01-01 00:00:00", "2019-12-31 18:30:00"),
        ("Europe/Berlin", "2021-01-01 12:00:00", "2021-01-01 11:00:00"),
        ("Europe/Berlin", "2021-07-01 12:00:00", "2021-07-01 10:00:00"),
        // Gap: 02:30 is read as 03:30.
        ("Europe/Berlin", "2021-03-28 02:30:00", "2021-03-28 01:30:00"),
        ("Europe/Berlin", "2021-03-28 03:00:00", "2021-03-28 01:00:00"),
        // Overlap: the first 02:30, in summer time.
        ("Europe/Berlin", "2021-10-31 02:30:00", "2021-10-31 00:30:00"),
        ("America/New_York", "2021-03-14 02:30:00", "2021-03-14 07:30:00"),
        ("America/New_York", "2021-11-07 01:30:00", "2021-11-07 05:30:00"),
        // A whole day was skipped.
        ("Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30 22:00:00"),
        ("Australia/Lord_Howe", "2021-10-03 02:15:00", "2021-10-02 15:45:00"),
        // Local mean time, with seconds.
        ("Europe/Berlin", "1800-01-01 00:00:00", "1799-12-31 23:06:32"),
        // Rules go on for ever: the last Sundays of March and October.
        ("Europe/Berlin", "2150-07-01 12:00:00", "2150-07-01 10:00:00"),
        ("Europe/Berlin", "2150-03-29 01:59:59", "2150-03-29 00:59:59"),
        ("Europe/Berlin", "2150-03-29 03:00:00", "2150-03-29 01:00:00"),
        ("Europe/Berlin", "9999-12-31 23:59:59", "9999-12-31 22:59:59"),
        ("Asia/Tokyo", "5000-07-01 09:00:00", "5000-07-01 00:00:00"),
        ("Africa/Casablanca", "3000-07-01 09:00:00", "3000-07-01 08:00:00"),
    ] {
        let ours = TimeZone::parse(zone).unwrap().local_to_utc(micros(local));
        assert_eq!(ours, micros(utc), "{zone} {local}");
    }
    for bad in [
        "Mars/Olympus",
        "+19:00",
        "+5:60",
        "+",
        "UTC+",
        "1",
        "+05:30:00:00",
        "é",
        "+é",
    ] {
        assert!(TimeZone::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(TimeZone::parse(" Z ").unwrap(), TimeZone::default());
}

proptest! {
    #![proptest_config(crate::common::random(300))]

    /// The moment shows the wall clock again, unless it is in a gap; then it shows a later one.
    #[test]
    fn moments_show_their_wall_clock(
        zone in prop::sample::select(vec!["Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns"]),
        seconds in -62_167_219_200i64..4_070_908_800,
    ) {
        let tz: chrono_tz::Tz = zone.parse().unwrap();
        let utc = TimeZone::Named(tz).local_to_utc(seconds * 1_000_000) / 1_000_000;
        let moment = chrono::DateTime::from_timestamp(utc, 0).unwrap().naive_utc();
        let shown = utc + i64::from(tz.offset_from_utc_datetime(&moment).fix().local_minus_utc());
        let exists = tz.offset_from_local_datetime(&chrono::DateTime::from_timestamp(seconds, 0).unwrap().naive_utc());
        let right = if exists == chrono::LocalResult::None { shown > seconds } else { shown == seconds };
        prop_assert!(right, "{} for {}", shown, seconds);
    }
}

#[test]
fn datetime_is_read_in_the_session_time_zone() {
    let opts = TypeOptions {
        datetime: DatetimeAs::Timestamp,
        time_zone: TimeZone::parse("Asia/Kolkata").unwrap(),
        ..TypeOptions::default()
    };
    let (y, m, d) = (2020u64, 1u64, 2u64);
    let cell = Some((y << 50 | m << 46 | d << 41 | 5 << 36).to_le_bytes().to_vec());
    let chunk = crate::common::chunk_column(&[cell, None], 8);
    let expected = vec![Some(micros("2020-01-01 23:30:00").to_string()), None];
    assert_eq!(decode_chunk(&field(t::DATETIME), &opts, &chunk), Ok(expected.clone()));
    let packed = ((y * 13 + m) << 5 | d) << 41 | 5 << 36;
    let rows = [&[4][..], &packed.to_be_bytes(), &[0]].concat();
    assert_eq!(
        crate::common::decode_rows(&field(t::DATETIME), &opts, &rows),
        Ok(expected)
    );
    // A TIMESTAMP is a moment already.
    let expected = vec![Some(micros("2020-01-02 05:00:00").to_string()), None];
    assert_eq!(decode_chunk(&field(t::TIMESTAMP), &opts, &chunk), Ok(expected));
}
