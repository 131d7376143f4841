//! Numbers as Terraform computes with them: binary, 512 bits of mantissa, rounded to the nearest even, printed with the
//! fewest digits that tell them apart. Whole numbers of machine size, nearly all there are, take a short way.

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::{BigInt, BigUint, Sign};

/// Bits of mantissa.
const PRECISION: u64 = 512;
/// Of what is computed as a machine float.
const MACHINE: u64 = 53;
/// Beyond, a number is refused instead of computed with.
const LARGEST: i64 = 20_000;

#[derive(Clone, Debug)]
pub enum Number {
    Whole(i64),
    Float(Arc<Float>),
}

/// `mantissa * 2^exponent`; the mantissa is odd.
#[derive(Debug)]
pub struct Float {
    mantissa: BigInt,
    exponent: i64,
    precision: u64,
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Number::Whole(value)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Number::Whole(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl Number {
    /// The number that decimal digits say, with an optional fraction and exponent.
    pub fn parse(text: &str) -> Option<Number> {
        if text.len() <= 18
            && let Ok(value) = text.parse::<i64>()
        {
            return Some(Number::Whole(value));
        }
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (digits, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (rest.get(..at)?, rest.get(at + 1..)?.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        let plain = !all.is_empty() && all.len() <= 10_000 && all.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || exponent.abs() > LARGEST / 4 {
            return None;
        }
        let exponent = exponent - i64::try_from(fraction.len()).ok()?;
        let magnitude = BigUint::parse_bytes(all.as_bytes(), 10)?;
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        let mantissa = BigInt::from_biguint(sign, magnitude);
        let power = BigInt::from(10).pow(u32::try_from(exponent.abs()).ok()?);
        if exponent >= 0 {
            return rounded(mantissa * power, 0, PRECISION);
        }
        quotient(&mantissa, 0, &power, 0, PRECISION)
    }

    pub fn from_f64(value: f64) -> Option<Number> {
        if !value.is_finite() {
            return None;
        }
        if value == 0.0 {
            return Some(Number::Whole(0));
        }
        let bits = value.to_bits();
        let stored = i64::try_from((bits >> 52) & 0x7ff).ok()?;
        let fraction = bits & ((1 << 52) - 1);
        let mantissa = if stored == 0 { fraction } else { fraction | (1 << 52) };
        let mantissa = BigInt::from(mantissa) * if value < 0.0 { -1 } else { 1 };
        rounded(mantissa, stored.max(1) - 1075, MACHINE)
    }

    fn parts(&self) -> (BigInt, i64, u64) {
        match self {
            Number::Whole(value) => (BigInt::from(*value), 0, PRECISION),
            Number::Float(float) => (float.mantissa.clone(), float.exponent, float.precision),
        }
    }

    pub fn add(&self, other: &Number) -> Option<Number> {
        if let (Number::Whole(a), Number::Whole(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Some(Number::Whole(sum));
        }
        let (a, a_exponent, a_precision) = self.parts();
        let (b, b_exponent, b_precision) = other.parts();
        let least = a_exponent.min(b_exponent);
        let a = a << usize::try_from(a_exponent - least).ok()?;
        let b = b << usize::try_from(b_exponent - least).ok()?;
        rounded(a + b, least, a_precision.max(b_precision))
    }

    pub fn negate(&self) -> Number {
        match self {
            Number::Whole(value) if *value != i64::MIN => Number::Whole(-value),
            _ => {
                let (mantissa, exponent, precision) = self.parts();
                rounded(-mantissa, exponent, precision).unwrap_or(Number::Whole(0))
            }
        }
    }

    pub fn subtract(&self, other: &Number) -> Option<Number> {
        self.add(&other.negate())
    }

    pub fn multiply(&self, other: &Number) -> Option<Number> {
        if let (Number::Whole(a), Number::Whole(b)) = (self, other)
            && let Some(product) = a.checked_mul(*b)
        {
            return Some(Number::Whole(product));
        }
        let (a, a_exponent, a_precision) = self.parts();
        let (b, b_exponent, b_precision) = other.parts();
        rounded(a * b, a_exponent + b_exponent, a_precision.max(b_precision))
    }

    /// `None` for a divisor of zero.
    pub fn divide(&self, other: &Number) -> Option<Number> {
        if other.is_zero() {
            return None;
        }
        if let (Number::Whole(a), Number::Whole(b)) = (self, other)
            && a.checked_rem(*b) == Some(0)
        {
            return a.checked_div(*b).map(Number::Whole);
        }
        let (a, a_exponent, a_precision) = self.parts();
        let (b, b_exponent, b_precision) = other.parts();
        quotient(&a, a_exponent, &b, b_exponent, a_precision.max(b_precision))
    }

    /// What is left of whole multiples, with the sign of the dividend. `None` for a divisor of zero.
    pub fn remainder(&self, other: &Number) -> Option<Number> {
        let times = self.divide(other)?.truncate();
        self.subtract(&other.multiply(&times)?)
    }

    pub fn is_zero(&self) -> bool {
        matches!(self, Number::Whole(0))
    }

    pub fn is_negative(&self) -> bool {
        match self {
            Number::Whole(value) => *value < 0,
            Number::Float(float) => float.mantissa.sign() == Sign::Minus,
        }
    }

    pub fn is_whole(&self) -> bool {
        match self {
            Number::Whole(_) => true,
            Number::Float(float) => float.exponent >= 0,
        }
    }

    /// Towards zero.
    pub fn truncate(&self) -> Number {
        let Number::Float(float) = self else {
            return self.clone();
        };
        if float.exponent >= 0 {
            return self.clone();
        }
        let shift = usize::try_from(-float.exponent).unwrap_or(usize::MAX);
        let magnitude = float.mantissa.magnitude() >> shift;
        rounded(
            BigInt::from_biguint(float.mantissa.sign(), magnitude),
            0,
            float.precision,
        )
        .unwrap_or(Number::Whole(0))
    }

    pub fn floor(&self) -> Option<Number> {
        let whole = self.truncate();
        match self.is_whole() || !self.is_negative() {
            true => Some(whole),
            false => whole.subtract(&Number::Whole(1)),
        }
    }

    pub fn ceil(&self) -> Option<Number> {
        self.negate().floor().map(|number| number.negate())
    }

    /// The value, where it is whole and of machine size.
    pub fn to_i64(&self) -> Option<i64> {
        match self {
            Number::Whole(value) => Some(*value),
            Number::Float(_) => None,
        }
    }

    pub fn to_usize(&self) -> Option<usize> {
        self.to_i64().and_then(|value| usize::try_from(value).ok())
    }

    /// All its digits, where it is whole.
    pub fn to_integer(&self) -> Option<BigInt> {
        let (mantissa, exponent, _) = self.parts();
        (exponent >= 0).then(|| mantissa << usize::try_from(exponent).unwrap_or(0))
    }

    pub fn from_integer(value: BigInt) -> Option<Number> {
        rounded(value, 0, PRECISION)
    }

    pub fn to_f64(&self) -> f64 {
        match self {
            Number::Whole(value) => value.to_string().parse().unwrap_or(f64::NAN),
            Number::Float(_) => self.to_string().parse().unwrap_or(f64::NAN),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Number::Whole(a), Number::Whole(b)) = (self, other) {
            return a.cmp(b);
        }
        let (a, a_exponent, _) = self.parts();
        let (b, b_exponent, _) = other.parts();
        let least = a_exponent.min(b_exponent);
        let shift = |exponent: i64| usize::try_from(exponent - least).unwrap_or(0);
        (a << shift(a_exponent)).cmp(&(b << shift(b_exponent)))
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Whole(value) => write!(out, "{value}"),
            Number::Float(float) => out.write_str(&float.shortest()),
        }
    }
}

/// A mantissa of at most so many bits; `None` where the number is out of all bounds.
fn rounded(mantissa: BigInt, exponent: i64, precision: u64) -> Option<Number> {
    let (sign, mut magnitude) = mantissa.into_parts();
    let mut exponent = exponent;
    let excess = magnitude.bits().saturating_sub(precision);
    if excess > 0 {
        let half = BigUint::from(1u8) << (excess - 1);
        let kept = &magnitude >> excess;
        let rest = &magnitude - (&kept << excess);
        let up = rest > half || (rest == half && kept.bit(0));
        magnitude = if up { kept + 1u8 } else { kept };
        exponent += i64::try_from(excess).ok()?;
    }
    let Some(zeros) = magnitude.trailing_zeros() else {
        return Some(Number::Whole(0));
    };
    magnitude >>= zeros;
    exponent += i64::try_from(zeros).ok()?;
    let bits = i64::try_from(magnitude.bits()).ok()?;
    if exponent.abs() > LARGEST {
        return None;
    }
    let mantissa = BigInt::from_biguint(sign, magnitude);
    if exponent >= 0 && bits + exponent <= 62 {
        let whole = mantissa << usize::try_from(exponent).ok()?;
        return i64::try_from(whole).ok().map(Number::Whole);
    }
    Some(Number::Float(Arc::new(Float {
        mantissa,
        exponent,
        precision,
    })))
}

/// Exactly rounded: what is cut off leaves a bit behind that breaks ties.
fn quotient(a: &BigInt, a_exponent: i64, b: &BigInt, b_exponent: i64, precision: u64) -> Option<Number> {
    if b.sign() == Sign::NoSign {
        return None;
    }
    let shift = (precision + 4 + b.bits()).saturating_sub(a.bits());
    let numerator = a << shift;
    let whole = &numerator / b;
    let rest = &numerator - &whole * b;
    let sign = if whole.sign() == Sign::Minus { -1 } else { 1 };
    let mantissa: BigInt = (whole << 1u32) + if rest.sign() == Sign::NoSign { 0 } else { sign };
    let exponent = a_exponent - b_exponent - i64::try_from(shift).ok()? - 1;
    rounded(mantissa, exponent, precision)
}

impl Float {
    fn shortest(&self) -> String {
        let bits = self.mantissa.bits();
        let total = bits.saturating_add(u64::try_from(self.exponent).unwrap_or(0));
        if self.exponent >= 0 && total <= self.precision {
            return (&self.mantissa << usize::try_from(self.exponent).unwrap_or(0)).to_string();
        }
        // The last bit is half a unit in the last place.
        let shift = (self.precision + 1).saturating_sub(bits);
        let mantissa = self.mantissa.magnitude() << shift;
        let exponent = self.exponent - i64::try_from(shift).unwrap_or(0);
        let inclusive = !mantissa.bit(1);
        let [lower, exact, upper] = digits([&mantissa - 1u8, mantissa.clone(), &mantissa + 1u8], exponent);
        let fraction = usize::try_from(-exponent).unwrap_or(0);
        let kept = shortened(&lower, &exact, &upper, inclusive);
        let sign = if self.mantissa.sign() == Sign::Minus { "-" } else { "" };
        format!("{sign}{}", with_point(&kept, fraction))
    }
}

/// Decimal digits, equally many of each; below zero the exponent is as many digits behind the point.
fn digits(values: [BigUint; 3], exponent: i64) -> [Vec<u8>; 3] {
    let text = |value: BigUint| match usize::try_from(exponent) {
        Ok(shift) => (value << shift).to_string(),
        Err(_) => (value * BigUint::from(5u8).pow(u32::try_from(-exponent).unwrap_or(0))).to_string(),
    };
    let texts = values.map(text);
    let longest = texts.iter().map(String::len).max().unwrap_or(0);
    texts.map(|text| format!("{text:0>longest$}").into_bytes())
}

/// As few leading digits as lie between the bounds; zeros stand for the rest.
fn shortened(lower: &[u8], exact: &[u8], upper: &[u8], inclusive: bool) -> Vec<u8> {
    let significant = |digits: &[u8]| digits.iter().rposition(|digit| *digit != b'0').map_or(0, |at| at + 1);
    let (lower_end, upper_end) = (significant(lower), significant(upper));
    let three = lower.iter().zip(exact).zip(upper);
    for (at, ((low, middle), high)) in three.enumerate() {
        let down = low != middle || (inclusive && at + 1 == lower_end);
        let up = middle != high && (inclusive || middle + 1 < *high || at + 1 < upper_end);
        let nearest_is_up = match exact.get(at + 1) {
            Some(b'5') if significant(exact) == at + 2 => middle % 2 == 1,
            Some(next) => *next >= b'5',
            None => false,
        };
        match (down, up) {
            (false, false) => {}
            (true, true) => return cut(exact, at + 1, nearest_is_up),
            (true, false) => return cut(exact, at + 1, false),
            (false, true) => return cut(exact, at + 1, true),
        }
    }
    exact.to_vec()
}

fn cut(digits: &[u8], kept: usize, up: bool) -> Vec<u8> {
    let mut out: Vec<u8> = digits.iter().take(kept).copied().collect();
    if up {
        let mut carry = true;
        for digit in out.iter_mut().rev() {
            match (carry, *digit) {
                (true, b'9') => *digit = b'0',
                (true, _) => {
                    *digit += 1;
                    carry = false;
                }
                _ => {}
            }
        }
        if carry {
            out.insert(0, b'1');
            out.resize(digits.len() + 1, b'0');
            return out;
        }
    }
    out.resize(digits.len(), b'0');
    out
}

fn with_point(digits: &[u8], fraction: usize) -> String {
    let text: String = digits.iter().map(|digit| char::from(*digit)).collect();
    let padded = format!("{text:0>width$}", width = fraction + 1);
    let (whole, rest) = padded.split_at(padded.len() - fraction);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn a_sum_of_tenths_prints_as_written() {
        assert_eq!(number("0.1").add(&number("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(number("1.50").to_string(), "1.5");
        assert_eq!(number("-0.25").to_string(), "-0.25");
    }

    #[test]
    fn a_third_has_as_many_digits_as_five_hundred_and_twelve_bits_tell_apart() {
        let third = number("1").divide(&number("3")).unwrap();
        assert_eq!(third.to_string(), format!("0.{}5", "3".repeat(154)));
    }

    #[test]
    fn big_numbers_keep_their_digits() {
        assert_eq!(number("1e30").to_string(), format!("1{}", "0".repeat(30)));
        let big = number("99999999999999999999").multiply(&number("2")).unwrap();
        assert_eq!(big.to_string(), "199999999999999999998");
        assert_eq!(Number::from_f64(0.1).unwrap().to_string(), "0.1");
        assert_eq!(number("7").remainder(&number("-3")).unwrap().to_string(), "1");
        assert_eq!(number("-1.5").floor().unwrap().to_string(), "-2");
    }
}
