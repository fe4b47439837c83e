//! Functions on points in time, which are text in the form of RFC 3339.

use cty::Value;

use super::{Call, Computed, Failure, Function, Parameter, Returns, TEXT};

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Text, is_nullable: false, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("formatdate", &[TEXT, TEXT], |call| {
        let time = Time::parse(call.text(1)).ok_or_else(|| no_time(2))?;
        formatted(call.text(0), &time).map(Value::string)
    }),
    Function {
        is_nullable: true,
        ..function("timeadd", &[TEXT, TEXT], |call| {
            let time = Time::parse(call.text(0)).ok_or_else(|| no_time(1))?;
            let duration = duration(call.text(1)).ok_or("Argument 2 must be a duration such as 1h30m.")?;
            let seconds = time.nanoseconds().saturating_add(i128::from(duration)).div_euclid(1_000_000_000);
            let later = Time::at(i64::try_from(seconds).unwrap_or(i64::MAX), time.offset);
            // Years of other than four digits have no form.
            let is_plain = (0..=9999).contains(&later.year);
            is_plain
                .then(|| Value::string(later.to_text()))
                .ok_or_else(|| Failure::Unable("timeadd() leads to a year that has not four digits".to_owned()))
        })
    },
    Function {
        returns: Returns::Number,
        ..function("timecmp", &[TEXT, TEXT], |call| {
            let a = Time::parse(call.text(0)).ok_or_else(|| no_time(1))?;
            let b = Time::parse(call.text(1)).ok_or_else(|| no_time(2))?;
            Ok(Value::from(a.nanoseconds().cmp(&b.nanoseconds()) as i64))
        })
    },
];

fn no_time(position: usize) -> Failure {
    Failure::Wrong(format!("Argument {position} must be a point in time such as 2006-01-02T15:04:05Z."))
}

/// A point in time, as a clock at some place shows it.
pub(super) struct Time {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) nanosecond: i64,
    /// How far the clock is ahead of UTC, in seconds.
    pub(super) offset: i64,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// Gives the number of a month's days.
pub(super) fn days_in(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Time {
    /// Reads a point in time.
    ///
    /// Source: RFC 3339, section 5.6.
    fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() || text.len() < 20 {
            return None;
        }
        let number = |from: usize, to: usize| digits(text.get(from..to)?);
        let at = |position: usize, expected: u8| (text.as_bytes()[position] == expected).then_some(());
        at(4, b'-')?;
        at(7, b'-')?;
        at(10, b'T')?;
        at(13, b':')?;
        at(16, b':')?;
        let mut rest = &text[19..];
        let mut nanosecond = 0;
        if let Some(fraction) = rest.strip_prefix('.') {
            let n_digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            let kept = &fraction[..n_digits.min(9)];
            nanosecond = digits(&format!("{kept:0<9}")).filter(|_| n_digits > 0)?;
            rest = &fraction[n_digits..];
        }
        let offset = match rest {
            "Z" => 0,
            _ if rest.len() == 6 && rest.as_bytes()[3] == b':' => {
                let hours = digits(&rest[1..3]).filter(|hours| *hours < 24)?;
                let minutes = digits(&rest[4..6]).filter(|minutes| *minutes < 60)?;
                match rest.as_bytes()[0] {
                    b'+' => (hours * 60 + minutes) * 60,
                    b'-' => -(hours * 60 + minutes) * 60,
                    _ => return None,
                }
            }
            _ => return None,
        };
        let time = Self {
            year: number(0, 4)?,
            month: number(5, 7)?,
            day: number(8, 10)?,
            hour: number(11, 13)?,
            minute: number(14, 16)?,
            second: number(17, 19)?,
            nanosecond,
            offset,
        };
        time.is_valid().then_some(time)
    }

    /// Tells whether there is such a day, and such a time of day.
    pub(super) fn is_valid(&self) -> bool {
        (1..=12).contains(&self.month)
            && (1..=days_in(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
    }

    /// Gives the number of days since the first of January 1970.
    fn days(&self) -> i64 {
        // Years that begin in March have their leap day at the end.
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let month = (self.month + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + self.day - 1;
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
    }

    /// Gives the time since the beginning of 1970 in UTC.
    fn nanoseconds(&self) -> i128 {
        let seconds = self.days() * 86_400 + self.hour * 3600 + self.minute * 60 + self.second - self.offset;
        i128::from(seconds) * 1_000_000_000 + i128::from(self.nanosecond)
    }

    /// Gives what a clock shows so many seconds after the beginning of 1970 in UTC.
    fn at(seconds: i64, offset: i64) -> Self {
        let local = seconds.saturating_add(offset);
        let (days, of_day) = (local.div_euclid(86_400) + 719_468, local.rem_euclid(86_400));
        // 400 years have 146,097 days.
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        Self { year, month, day, hour, minute, second, nanosecond: 0, offset }
    }

    /// Writes the offset with or without a colon.
    fn zone(&self, colon: &str) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs() / 60;
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }

    fn short_zone(&self) -> String {
        if self.offset == 0 { "Z".to_owned() } else { self.zone(":") }
    }

    /// Writes it in the form of RFC 3339, without parts of a second.
    pub(super) fn to_text(&self) -> String {
        let Self { year, month, day, hour, minute, second, .. } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{}", self.short_zone())
    }
}

/// Reads a number of digits and nothing else.
fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Reads a duration such as `-1h30m`, in nanoseconds.
fn duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let n_whole = rest.bytes().take_while(u8::is_ascii_digit).count();
        let whole = &rest[..n_whole];
        rest = &rest[n_whole..];
        let mut fraction = "";
        if let Some(after) = rest.strip_prefix('.') {
            let n_fraction = after.bytes().take_while(u8::is_ascii_digit).count();
            fraction = &after[..n_fraction];
            rest = &after[n_fraction..];
        }
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let n_unit = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
        let unit: i128 = match &rest[..n_unit] {
            "ns" => 1,
            "us" | "µs" | "μs" => 1000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        rest = &rest[n_unit..];
        let whole: i128 =
            if whole.is_empty() { 0 } else { whole.parse().ok().filter(|n| *n <= i128::from(i64::MAX))? };
        let fraction = &fraction[..fraction.len().min(15)];
        let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
        let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
        total += whole * unit + part * unit / scale;
        if total > i128::from(i64::MAX) {
            return None;
        }
    }
    i64::try_from(total * sign).ok()
}

fn formatted(pattern: &str, time: &Time) -> Result<String, Failure> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = quoted(&rest[1..], &mut out)?;
            continue;
        }
        if !first.is_ascii_alphabetic() {
            let end = rest.find(|c: char| c == '\'' || c.is_ascii_alphabetic()).unwrap_or(rest.len());
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let n_letters = rest.chars().take_while(|c| *c == first).count();
        let verb = &rest[..n_letters];
        rest = &rest[n_letters..];
        let (half, is_morning) = (if time.hour % 12 == 0 { 12 } else { time.hour % 12 }, time.hour < 12);
        let month = usize::try_from(time.month - 1).ok().and_then(|month| MONTHS.get(month)).copied();
        let day = usize::try_from(time.days().rem_euclid(7)).ok().and_then(|day| DAYS.get(day)).copied();
        let (month, day) = (month.unwrap_or_default(), day.unwrap_or_default());
        let numbered = match first {
            'M' => time.month,
            'D' => time.day,
            'h' => time.hour,
            'H' => half,
            'm' => time.minute,
            's' => time.second,
            _ => 0,
        };
        let part = match verb {
            "YY" => format!("{:02}", time.year % 100),
            "YYYY" => format!("{:04}", time.year),
            "MMM" => month[..3].to_owned(),
            "MMMM" => month.to_owned(),
            "EEE" => day[..3].to_owned(),
            "EEEE" => day.to_owned(),
            "M" | "D" | "h" | "H" | "m" | "s" => numbered.to_string(),
            "MM" | "DD" | "hh" | "HH" | "mm" | "ss" => format!("{numbered:02}"),
            "AA" => if is_morning { "AM" } else { "PM" }.to_owned(),
            "aa" => if is_morning { "am" } else { "pm" }.to_owned(),
            "Z" => time.short_zone(),
            "ZZZ" if time.offset == 0 => "UTC".to_owned(),
            "ZZZ" | "ZZZZ" => time.zone(""),
            "ZZZZZ" => time.zone(":"),
            _ => return Err(Failure::Wrong(format!("The pattern has {verb:?}, which means nothing."))),
        };
        out.push_str(&part);
    }
    Ok(out)
}

/// Appends what stands in quotes, and gives what follows.
fn quoted<'t>(text: &'t str, out: &mut String) -> Result<&'t str, Failure> {
    if let Some(after) = text.strip_prefix('\'') {
        out.push('\'');
        return Ok(after);
    }
    let mut rest = text;
    loop {
        let end = rest.find('\'').ok_or("A quote in the pattern is never closed.")?;
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Ok(rest),
        }
    }
}
