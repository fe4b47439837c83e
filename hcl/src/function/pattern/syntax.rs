//! Patterns in the syntax of RE2, translated to the one of the `regex` crate, which finds the same matches.
//!
//! The two differ in what classes such as `\d` mean, in escapes, in what stands in brackets, and in what is refused.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

use super::super::Failure;

/// How often a part may be repeated.
const MAX_REPEAT: u32 = 1000;
/// How large a compiled pattern may be, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// A pattern that can be matched.
pub(super) struct Pattern {
    pub(super) regex: Regex,
    /// The names of its groups, in order. Several may have the same.
    pub(super) names: Vec<Option<String>>,
}

/// Compiles a pattern.
pub(super) fn compile(pattern: &str) -> Result<Pattern, Failure> {
    let mut translation = Translation {
        rest: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len()),
        names: Vec::new(),
        n_repeats: 1,
    };
    translation.run()?;
    let compiled = RegexBuilder::new(&translation.out).size_limit(MAX_SIZE).build();
    let compiled = compiled.map_err(|error| match error {
        regex::Error::Syntax(text) if !["Unicode", "exceed", "nest"].iter().any(|part| text.contains(part)) => {
            Failure::from("The pattern does not follow the syntax of patterns.")
        }
        _ => Failure::Unable("the pattern is one that driftmgr cannot match".to_owned()),
    })?;
    Ok(Pattern { regex: compiled, names: translation.names })
}

struct Translation<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
    names: Vec<Option<String>>,
    /// The product of all counts of repetitions.
    n_repeats: u32,
}

/// A part of what stands in brackets.
enum Item {
    Char(char),
    /// Several characters, as they are written here.
    Class(String),
}

impl Translation<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        // A repetition directly behind another one is refused.
        let mut was_repeated = false;
        while let Some(c) = self.rest.next() {
            let mut is_repeated = false;
            match c {
                '*' | '+' | '?' => {
                    self.repeat(was_repeated, &c.to_string())?;
                    is_repeated = true;
                }
                '{' => match self.count()? {
                    Some(count) => {
                        self.repeat(was_repeated, &count)?;
                        is_repeated = true;
                    }
                    None => self.out.push_str("\\{"),
                },
                '}' => self.out.push_str("\\}"),
                ']' => self.out.push_str("\\]"),
                '\\' => self.escape()?,
                '[' => self.brackets()?,
                '(' => self.group()?,
                c => self.out.push(c),
            }
            was_repeated = is_repeated;
        }
        Ok(())
    }

    fn repeat(&mut self, was_repeated: bool, operator: &str) -> Result<(), Failure> {
        if was_repeated {
            return Err(Failure::from("The pattern repeats a repetition."));
        }
        self.out.push_str(operator);
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        Ok(())
    }

    /// Reads what follows `{` where that is a count; nothing is read where it is not.
    fn count(&mut self) -> Result<Option<String>, Failure> {
        let text: String = self.rest.clone().take_while(|c| *c != '}').take(20).collect();
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (least, most) = match text.split_once(',') {
            Some((least, most)) => (least, (!most.is_empty()).then_some(most)),
            None => (text.as_str(), Some(text.as_str())),
        };
        let is_closed = self.rest.clone().nth(text.chars().count()) == Some('}');
        // Numbers do not begin with zero, but for zero itself.
        let is_plain = |part: &str| is_number(part) && (part == "0" || !part.starts_with('0'));
        if !is_closed || !is_plain(least) || !most.is_none_or(is_plain) {
            return Ok(None);
        }
        let number = |part: &str| part.parse::<u32>().ok().filter(|number| *number <= MAX_REPEAT);
        let wrong = || Failure::Wrong(format!("A pattern cannot repeat a part more than {MAX_REPEAT} times."));
        let least = number(least).ok_or_else(wrong)?;
        let most = most.map(|most| number(most).ok_or_else(wrong)).transpose()?;
        if most.is_some_and(|most| most < least) {
            return Err(Failure::from("A count in the pattern ends before it begins."));
        }
        self.n_repeats = self.n_repeats.saturating_mul(most.unwrap_or(least).max(1));
        if self.n_repeats > MAX_REPEAT {
            return Err(Failure::Unable("the pattern repeats parts more often than driftmgr matches".to_owned()));
        }
        let n_chars = text.chars().count() + 1;
        self.rest.by_ref().take(n_chars).for_each(drop);
        Ok(Some(format!("{{{text}}}")))
    }

    fn push_char(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            self.out.push(c);
        } else {
            self.out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
        }
    }

    fn escape(&mut self) -> Result<(), Failure> {
        match self.rest.peek() {
            None => return Err(Failure::from("The pattern ends in the middle of an escape.")),
            Some(c @ ('A' | 'z')) => {
                let c = *c;
                self.rest.next();
                self.out.extend(['\\', c]);
                return Ok(());
            }
            Some(c @ ('b' | 'B')) => {
                self.out.push_str(&format!("(?-u:\\{c})"));
                self.rest.next();
                return Ok(());
            }
            Some('Q') => {
                self.rest.next();
                while let Some(c) = self.rest.next() {
                    if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                        break;
                    }
                    self.push_char(c);
                }
                return Ok(());
            }
            Some(_) => {}
        }
        match self.escaped()? {
            Item::Char(c) => self.push_char(c),
            Item::Class(class) => self.out.push_str(&format!("[{class}]")),
        }
        Ok(())
    }

    /// Reads what follows a backslash, in or outside of brackets.
    fn escaped(&mut self) -> Result<Item, Failure> {
        let unknown = || Failure::from("The pattern has an escape that means nothing.");
        let c = self.rest.next().ok_or_else(unknown)?;
        let class = |text: &str| Ok(Item::Class(text.to_owned()));
        match c {
            'd' => class("0-9"),
            'D' => class("[^0-9]"),
            'w' => class("0-9A-Za-z_"),
            'W' => class("[^0-9A-Za-z_]"),
            's' => class("\\t\\n\\x0c\\r\\x20"),
            'S' => class("[^\\t\\n\\x0c\\r\\x20]"),
            'p' | 'P' => self.property(c == 'P'),
            'a' => Ok(Item::Char('\u{7}')),
            'f' => Ok(Item::Char('\u{c}')),
            'n' => Ok(Item::Char('\n')),
            'r' => Ok(Item::Char('\r')),
            't' => Ok(Item::Char('\t')),
            'v' => Ok(Item::Char('\u{b}')),
            // One digit but for zero would be a reference to a group.
            '0'..='7' if c == '0' || self.rest.peek().is_some_and(|next| ('0'..='7').contains(next)) => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.rest.next_if(|next| ('0'..='7').contains(next)) else { break };
                    code = code * 8 + digit.to_digit(8).unwrap_or(0);
                }
                char::from_u32(code).map(Item::Char).ok_or_else(unknown)
            }
            'x' => {
                let text: String = if self.rest.next_if_eq(&'{').is_some() {
                    let text: String = self.rest.by_ref().take_while(|c| *c != '}').take(9).collect();
                    text
                } else {
                    self.rest.by_ref().take(2).collect()
                };
                let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let code = u32::from_str_radix(&text, 16).ok().filter(|_| is_plain).ok_or_else(unknown)?;
                char::from_u32(code).map(Item::Char).ok_or_else(unknown)
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(Item::Char(c)),
            _ => Err(unknown()),
        }
    }

    /// Reads the name of a property of characters.
    fn property(&mut self, is_negated: bool) -> Result<Item, Failure> {
        let mut name: String = match self.rest.next() {
            Some('{') => self.rest.by_ref().take_while(|c| *c != '}').take(64).collect(),
            Some(c) => c.to_string(),
            None => return Err(Failure::from("The pattern ends in the middle of an escape.")),
        };
        let mut is_negated = is_negated;
        if let Some(positive) = name.strip_prefix('^') {
            is_negated = !is_negated;
            name = positive.to_owned();
        }
        let general = [
            "C", "Cc", "Cf", "Co", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No",
            "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
        ];
        if !general.contains(&name.as_str()) {
            return Err(Failure::Unable(format!("the pattern names the property {name:?} of characters")));
        }
        let letter = if is_negated { 'P' } else { 'p' };
        Ok(Item::Class(format!("\\{letter}{{{name}}}")))
    }

    fn brackets(&mut self) -> Result<(), Failure> {
        let open = || Failure::from("A bracket of the pattern is never closed.");
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let c = *self.rest.peek().ok_or_else(open)?;
            if c == ']' && !is_first {
                self.rest.next();
                break;
            }
            is_first = false;
            let low = match self.item()? {
                Item::Class(class) => {
                    self.out.push_str(&class);
                    continue;
                }
                Item::Char(low) => low,
            };
            let mut ahead = self.rest.clone();
            let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']');
            self.push_char(low);
            if is_range {
                self.rest.next();
                let wrong = Failure::from("A range in the pattern ends before it begins.");
                match self.item()? {
                    Item::Char(high) if high >= low => {
                        self.out.push('-');
                        self.push_char(high);
                    }
                    _ => return Err(wrong),
                }
            }
        }
        self.out.push(']');
        Ok(())
    }

    /// Reads one part of what stands in brackets.
    fn item(&mut self) -> Result<Item, Failure> {
        match self.rest.next() {
            None => Err(Failure::from("A bracket of the pattern is never closed.")),
            Some('\\') => self.escaped(),
            Some('[') if self.rest.peek() == Some(&':') => {
                let text: String = self.rest.clone().take(16).collect();
                let Some(end) = text.find(":]") else { return Ok(Item::Char('[')) };
                let name = text[1..end].trim_start_matches('^');
                let names = [
                    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
                    "upper", "word", "xdigit",
                ];
                if !names.contains(&name) {
                    return Err(Failure::from("The pattern names a class of characters that there is not."));
                }
                self.rest.by_ref().take(end + 2).for_each(drop);
                Ok(Item::Class(format!("[{}", &text[..end + 2])))
            }
            Some(c) => Ok(Item::Char(c)),
        }
    }

    /// Reads what follows `(`, up to where the inner pattern begins.
    fn group(&mut self) -> Result<(), Failure> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            self.names.push(None);
            return Ok(());
        }
        let mut ahead = self.rest.clone();
        let first = ahead.next();
        let is_named = first == Some('<') || first == Some('P') && ahead.next() == Some('<');
        if is_named {
            let head: String = self.rest.by_ref().take_while(|c| *c != '>').take(256).collect();
            let name = head.trim_start_matches(['P', '<']);
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(Failure::from("A group of the pattern has no valid name."));
            }
            self.names.push(Some(name.to_owned()));
            return Ok(());
        }
        let flags: String = self.rest.clone().take_while(|c| !matches!(c, ':' | ')')).take(16).collect();
        let is_plain = flags.bytes().all(|byte| b"imsU-".contains(&byte)) && flags.matches('-').count() < 2;
        if !is_plain || flags.ends_with('-') {
            return Err(Failure::from("A group of the pattern begins with what means nothing."));
        }
        let n_chars = flags.chars().count();
        self.rest.by_ref().take(n_chars).for_each(drop);
        self.out.push('?');
        self.out.push_str(&flags);
        if let Some(end) = self.rest.next() {
            // Nothing is set: an empty group.
            if end == ')' && flags.is_empty() {
                self.out.push(':');
            }
            self.out.push(end);
        }
        Ok(())
    }
}
