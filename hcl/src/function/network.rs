//! Functions on ranges of network addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cty::{Notation, Type, Value};

use super::{Call, Computed, Failure, Function, NUMBER, Parameter, Returns, TEXT};

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Text, is_nullable: false, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function { returns: Returns::Bool, is_nullable: true, ..function("cidrcontains", &[TEXT, TEXT], contains) },
    function("cidrhost", &[TEXT, NUMBER], host),
    function("cidrnetmask", &[TEXT], |call| {
        let range = Range::parse(call.text(0))?;
        if range.n_bits != 32 {
            return Err(Failure::from("Only ranges of IPv4 addresses have a netmask."));
        }
        Ok(Value::string(range.address(range.mask()).to_string()))
    }),
    function("cidrsubnet", &[TEXT, NUMBER, NUMBER], |call| {
        let number = Whole::of(call, 2)?;
        let n_new = call.whole(1)?;
        let range = Range::parse(call.text(0))?;
        if number.is_negative || n_new < 0 {
            return Err(Failure::Unable("the programs leave the range where a number is negative".to_owned()));
        }
        Ok(Value::string(range.subnet(n_new, number.magnitude)?.to_text()))
    }),
    Function { rest: Some(NUMBER), returns: Returns::Texts, ..function("cidrsubnets", &[TEXT], subnets) },
];

/// A prefix of addresses; those of IPv4 are in the lowest 32 bits.
#[derive(Clone, Copy)]
struct Range {
    first: u128,
    n_bits: u32,
    n_prefix: u32,
}

/// Reads an address; `None` for what is none.
fn parse_address(text: &str) -> Result<Option<IpAddr>, Failure> {
    // Leading zeros, which once meant octal numbers, are read as decimal.
    let parts = text.split('.').map(|part| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0",
        trimmed => trimmed,
    });
    let decimal: Vec<&str> = parts.collect();
    let address: Option<IpAddr> = text.parse().ok().or_else(|| decimal.join(".").parse().ok());
    if let Some(IpAddr::V6(address)) = address {
        if address.to_ipv4_mapped().is_some() {
            return Err(Failure::Unable("an IPv4 address is written as one of IPv6".to_owned()));
        }
    }
    Ok(address)
}

fn contains(call: &Call<'_>) -> Computed {
    let range = Range::parse(call.text(0))?;
    let inner = match parse_address(call.text(1))? {
        Some(IpAddr::V4(address)) => Range { first: u128::from(u32::from(address)), n_bits: 32, n_prefix: 32 },
        Some(IpAddr::V6(address)) => Range { first: u128::from(address), n_bits: 128, n_prefix: 128 },
        None => Range::parse(call.text(1))?,
    };
    if inner.n_bits != range.n_bits {
        return Err(Failure::from("One argument is of IPv4 and the other of IPv6."));
    }
    Ok(Value::bool(range.contains(inner.first) && range.contains(inner.first | inner.host_mask())))
}

/// A whole number with its sign.
#[derive(Clone, Copy)]
struct Whole {
    is_negative: bool,
    magnitude: u128,
}

impl Whole {
    fn of(call: &Call<'_>, position: usize) -> Result<Self, Failure> {
        let wrong = || Failure::Wrong(format!("Argument {} must be a whole number.", position + 1));
        let number = call.arguments[position].as_number().filter(|number| number.is_integer()).ok_or_else(wrong)?;
        let text = number.to_text(Notation::Plain, Some(0));
        let digits = text.strip_prefix('-').unwrap_or(&text);
        // What is larger is so for any range of addresses.
        let magnitude = digits.parse().unwrap_or(u128::MAX);
        Ok(Self { is_negative: number.is_negative(), magnitude })
    }
}

impl Range {
    fn parse(text: &str) -> Result<Self, Failure> {
        let fail = || Failure::from("It takes ranges of addresses such as 10.0.0.0/8.");
        let (address, prefix) = text.split_once('/').ok_or_else(fail)?;
        let is_plain = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let n_prefix: u32 = prefix.parse().ok().filter(|_| is_plain).ok_or_else(fail)?;
        let address = parse_address(address)?.ok_or_else(fail)?;
        let (first, n_bits) = match address {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        if n_prefix > n_bits {
            return Err(fail());
        }
        let range = Self { first, n_bits, n_prefix };
        Ok(Self { first: first & range.mask(), ..range })
    }

    /// Gives the mask of the prefix.
    fn mask(self) -> u128 {
        let all = u128::MAX >> (128 - self.n_bits);
        all & !self.host_mask()
    }

    fn host_mask(self) -> u128 {
        match self.n_bits - self.n_prefix {
            0 => 0,
            n_host => u128::MAX >> (128 - n_host),
        }
    }

    fn address(self, bits: u128) -> IpAddr {
        if self.n_bits == 32 {
            IpAddr::V4(Ipv4Addr::from(u32::try_from(bits).unwrap_or(u32::MAX)))
        } else {
            IpAddr::V6(Ipv6Addr::from(bits))
        }
    }

    fn to_text(self) -> String {
        format!("{}/{}", self.address(self.first), self.n_prefix)
    }

    fn contains(self, bits: u128) -> bool {
        bits & self.mask() == self.first
    }

    fn subnet(self, n_new: i64, number: u128) -> Result<Self, Failure> {
        let n_new = u32::try_from(n_new).map_err(|_| "The number of new bits cannot be negative.")?;
        let n_prefix = self.n_prefix.saturating_add(n_new);
        if n_prefix > self.n_bits {
            let detail = format!("There are not {n_new} bits left behind the prefix of {}.", self.n_prefix);
            return Err(Failure::Wrong(detail));
        }
        if n_new < 128 && number >> n_new != 0 {
            return Err(Failure::Wrong(format!("A number of {n_new} bits cannot be {number}.")));
        }
        let shift = self.n_bits - n_prefix;
        let part = if shift == 128 { 0 } else { number << shift };
        Ok(Self { first: self.first | part, n_bits: self.n_bits, n_prefix })
    }
}

fn host(call: &Call<'_>) -> Computed {
    let number = Whole::of(call, 1)?;
    let range = Range::parse(call.text(0))?;
    // Negative numbers count from the end.
    let bits = if number.is_negative {
        number.magnitude.checked_sub(1).and_then(|number| range.host_mask().checked_sub(number))
    } else {
        Some(number.magnitude)
    };
    let bits = bits.filter(|bits| *bits <= range.host_mask()).ok_or("The range has no host of this number.")?;
    Ok(Value::string(range.address(range.first | bits).to_string()))
}

fn subnets(call: &Call<'_>) -> Computed {
    let range = Range::parse(call.text(0))?;
    if range.first == 0 && call.arguments.len() > 1 {
        return Err(Failure::from("There is nothing before the range, where the programs begin to count."));
    }
    let last = range.first | range.host_mask();
    let mut next = Some(range.first);
    let mut found = Vec::new();
    for position in 1..call.arguments.len() {
        let n_new = call.whole(position)?;
        if n_new < 1 {
            return Err(Failure::from("A subnet needs at least one new bit."));
        }
        let size = range.subnet(n_new, 0)?;
        // Each begins where its own size divides the address.
        let host_mask = size.host_mask();
        let start = next.and_then(|next| next.checked_add(host_mask)).map(|start| start & !host_mask);
        let start = start.filter(|start| *start <= last && last - *start >= host_mask);
        let start = start.ok_or_else(|| Failure::Wrong(format!("There is no room left for subnet {position}.")))?;
        found.push(Value::string(Range { first: start, ..size }.to_text()));
        next = (start | host_mask).checked_add(1);
    }
    Ok(Value::list(Type::String, found)?)
}
