//! Functions on ranges of network addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cty::{Number, Value};

use super::text::text_list;
use super::{Call, Computed, Function, NUMBER, Parameter, Returns, TEXT};

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Text, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("cidrhost", &[TEXT, NUMBER], host),
    function("cidrnetmask", &[TEXT], |call| {
        let range = Range::parse(call.text(0))?;
        if range.n_bits != 32 {
            return Err("Only ranges of IPv4 addresses have a netmask.".to_owned());
        }
        Ok(Value::string(range.address(range.mask()).to_string()))
    }),
    function("cidrsubnet", &[TEXT, NUMBER, NUMBER], |call| {
        let number = call.arguments[2].as_number().and_then(whole).ok_or("The number of a subnet is a whole one.")?;
        let subnet = Range::parse(call.text(0))?.subnet(
            call.whole(1)?,
            u128::try_from(number).map_err(|_| "The number of a subnet cannot be negative.".to_owned())?,
        )?;
        Ok(Value::string(subnet.to_text()))
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

fn whole(number: &Number) -> Option<i128> {
    number.to_i64().map(i128::from).or_else(|| number.to_string().parse().ok())
}

impl Range {
    fn parse(text: &str) -> Result<Self, String> {
        let fail = || "Argument 1 must be a range of addresses such as 10.0.0.0/8.".to_owned();
        let (address, prefix) = text.split_once('/').ok_or_else(fail)?;
        let is_plain = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let n_prefix: u32 = prefix.parse().ok().filter(|_| is_plain).ok_or_else(fail)?;
        // Leading zeros, which once meant octal numbers, are read as decimal.
        let decimal: Vec<&str> = address.split('.').map(|part| part.trim_start_matches('0')).collect();
        let decimal: Vec<&str> = decimal.into_iter().map(|part| if part.is_empty() { "0" } else { part }).collect();
        let address = address.parse().or_else(|_| decimal.join(".").parse()).map_err(|_| fail())?;
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

    fn subnet(self, n_new: i64, number: u128) -> Result<Self, String> {
        let n_new = u32::try_from(n_new).map_err(|_| "The number of new bits cannot be negative.".to_owned())?;
        let n_prefix = self.n_prefix.saturating_add(n_new);
        if n_prefix > self.n_bits {
            return Err(format!("There are not {n_new} bits left behind the prefix of {}.", self.n_prefix));
        }
        if n_new < 128 && number >> n_new != 0 {
            return Err(format!("A number of {n_new} bits cannot be {number}."));
        }
        let shift = self.n_bits - n_prefix;
        let part = if shift == 128 { 0 } else { number << shift };
        Ok(Self { first: self.first | part, n_bits: self.n_bits, n_prefix })
    }
}

fn host(call: &Call<'_>) -> Computed {
    let range = Range::parse(call.text(0))?;
    let number = call.arguments[1].as_number().and_then(whole).ok_or("The number of a host is a whole one.")?;
    // Negative numbers count from the end.
    let bits = match u128::try_from(number) {
        Ok(number) => Some(number),
        Err(_) => range.host_mask().checked_sub(number.unsigned_abs() - 1),
    };
    let bits = bits.filter(|bits| *bits <= range.host_mask());
    let bits = bits.ok_or_else(|| format!("The range has no host of the number {number}."))?;
    Ok(Value::string(range.address(range.first | bits).to_string()))
}

fn subnets(call: &Call<'_>) -> Computed {
    let range = Range::parse(call.text(0))?;
    let last = range.first | range.host_mask();
    let mut next = Some(range.first);
    let mut found = Vec::new();
    for position in 1..call.arguments.len() {
        let n_new = call.whole(position)?;
        if n_new < 1 {
            return Err("A subnet needs at least one new bit.".to_owned());
        }
        let size = range.subnet(n_new, 0)?;
        // Each begins where its own size divides the address.
        let host_mask = size.host_mask();
        let start = next.and_then(|next| next.checked_add(host_mask)).map(|start| start & !host_mask);
        let start = start.filter(|start| *start <= last && last - *start >= host_mask);
        let start = start.ok_or_else(|| format!("There is no room left for subnet {position}."))?;
        found.push(Range { first: start, ..size }.to_text());
        next = (start | host_mask).checked_add(1);
    }
    text_list(found.into_iter())
}
