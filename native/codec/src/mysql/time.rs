//! DATE, DATETIME and TIMESTAMP.

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar. `month` is 1..=12, `day` 1..=31; years -9999..=9999.
///
/// Years start in March here, so that the leap day is the last one.
#[must_use]
pub fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
