//! Moments: their arithmetic at its ends, and the dates they are shown as.

use std::time::Duration;

use duroxide_sim::clock::Time;

const DAY: u64 = 86_400_000;

/// Every day of more than four centuries, against a calendar that counts.
#[test]
fn every_day_has_its_date() {
    let (mut year, mut month, mut day) = (1970, 1, 1);
    for days in 0..160_000 {
        assert_eq!(Time(days * DAY).to_string(), format!("{year:04}-{month:02}-{day:02} 00:00:00.000"));
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > last {
            (month, day) = (month + 1, 1);
        }
        if month > 12 {
            (year, month) = (year + 1, 1);
        }
    }
    assert_eq!(year, 2408);
}

#[test]
fn a_time_of_day_is_shown_to_the_millisecond() {
    let shown = |ms| Time(ms).to_string();
    assert_eq!(shown(951_782_399_999), "2000-02-28 23:59:59.999");
    assert_eq!(shown(951_782_400_000), "2000-02-29 00:00:00.000");
    assert_eq!(shown(1_735_689_600_000 + 3_723_004), "2025-01-01 01:02:03.004");
    assert_eq!(shown(u64::MAX), "the end of time");
    assert_eq!(format!("{:?}", Time(7)), "Time(7)");
}

#[test]
fn arithmetic_saturates_and_rounds_up() {
    let ms = Duration::from_millis;
    assert_eq!(Time(1000) + ms(5), Time(1005));
    assert_eq!(Time(1000) + Duration::from_nanos(5_000_001), Time(1006), "never earlier than was asked for");
    assert_eq!(Time(1000) + Duration::MAX, Time::MAX);
    assert_eq!(Time(u64::MAX - 1) + ms(5), Time::MAX);
    assert_eq!((Time(1005) - Time(1000), Time(1000) - Time(1005)), (ms(5), Duration::ZERO));
    assert_eq!((Time(1000).before(ms(5)), Time(3).before(ms(5))), (Time(995), Time(0)));
    assert_eq!(Time(1000).before(Duration::from_nanos(1)), Time(999));
}
