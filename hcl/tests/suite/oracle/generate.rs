//! Expressions at random: mostly of a type that fits where they stand.

use std::fmt::Write as _;

use cty::Type;
use serde_json::Value as Json;

use super::blocks::names_of;
use super::values::Variables;

/// What an expression should be; now and then it is something else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Text,
    Number,
    Bool,
    List,
    Set,
    Map,
    Object,
    Tuple,
    Any,
}

const SORTS: [Sort; 9] =
    [Sort::Text, Sort::Number, Sort::Bool, Sort::List, Sort::Set, Sort::Map, Sort::Object, Sort::Tuple, Sort::Any];

pub(super) struct Generator {
    state: u64,
    names: Vec<(Sort, String)>,
    /// The names that `for` introduces around here.
    inner: Vec<String>,
}

impl Generator {
    pub(super) fn new(seed: u64, variables: &Variables) -> Self {
        let names = variables.iter().map(|(name, value)| (sort_of(value.ty()), name.clone())).collect();
        Self { state: seed, names, inner: Vec::new() }
    }

    /// Makes an expression.
    pub(super) fn expression(&mut self) -> String {
        let sort = SORTS[self.below(SORTS.len())];
        let depth = 2 + self.below(3);
        self.of(sort, depth)
    }

    /// Makes the body of a block of a schema.
    pub(super) fn body(&mut self, schema: &Json) -> String {
        let mut text = String::new();
        let depth = 1 + self.below(2);
        for (name, attribute) in names_of(&schema["attributes"]) {
            let is_nested = attribute["nested_type"].is_object();
            if self.below(if is_nested { 10 } else { 4 }) == 0 {
                let sort = match attribute["type"].to_string().as_str() {
                    "\"string\"" => Sort::Text,
                    "\"number\"" => Sort::Number,
                    "\"bool\"" => Sort::Bool,
                    "\"dynamic\"" => Sort::Any,
                    list if list.starts_with("[\"list\",\"string\"") => Sort::List,
                    map if map.starts_with("[\"map") => Sort::Map,
                    _ => continue,
                };
                let _ = writeln!(text, "{name} = {}", self.of(sort, depth));
            }
        }
        for (name, block) in names_of(&schema["block_types"]) {
            let n_blocks = if self.below(3) == 0 { 1 + self.below(2) } else { 0 };
            let has_label = block["nesting_mode"] == "map";
            for number in 0..n_blocks {
                if self.below(2) == 0 {
                    let label = if has_label { format!(" \"k{number}\"") } else { String::new() };
                    let _ = writeln!(text, "{name}{label} {{\n{}}}", self.body(&block["block"]));
                    continue;
                }
                let sort = [Sort::List, Sort::Set, Sort::Map, Sort::Object, Sort::Tuple][self.below(5)];
                let for_each = self.of(sort, depth);
                let n_before = self.inner.len();
                self.inner.extend([format!("{name}.key"), format!("{name}.value")]);
                let labels = if has_label { format!("labels = [{name}.key]\n") } else { String::new() };
                let content = self.body(&block["block"]);
                self.inner.truncate(n_before);
                let _ =
                    writeln!(text, "dynamic \"{name}\" {{\nfor_each = {for_each}\n{labels}content {{\n{content}}}\n}}");
            }
        }
        text
    }

    /// Makes a type constraint, and an expression whose value mostly fits.
    pub(super) fn constrained(&mut self) -> (String, String) {
        let depth = 1 + self.below(3);
        self.constraint(depth)
    }

    fn constraint(&mut self, depth: usize) -> (String, String) {
        let value = |generator: &mut Self, sort| match generator.below(8) {
            0 => "null".to_owned(),
            _ => generator.of(sort, 1),
        };
        let choice = if depth == 0 { self.below(4) } else { 2 + self.below(8) };
        match choice {
            0 => ("string".to_owned(), value(self, Sort::Text)),
            1 => ("number".to_owned(), value(self, Sort::Number)),
            2 => ("bool".to_owned(), value(self, Sort::Bool)),
            3 => ("any".to_owned(), value(self, Sort::Any)),
            4 | 5 => {
                let kind = self.pick(&["list", "set"]);
                let (element, first) = self.constraint(depth - 1);
                let more = if self.below(2) == 0 { format!(", {first}") } else { String::new() };
                let given = match self.below(6) {
                    0 => value(self, Sort::List),
                    1 => "[]".to_owned(),
                    _ => format!("[{first}{more}]"),
                };
                (format!("{kind}({element})"), given)
            }
            6 => {
                let (element, first) = self.constraint(depth - 1);
                let given = match self.below(6) {
                    0 => value(self, Sort::Map),
                    1 => "{}".to_owned(),
                    _ => format!("{{ k = {first} }}"),
                };
                (format!("map({element})"), given)
            }
            _ => {
                let (mut types, mut given) = (String::new(), String::new());
                for name in ["a", "id", "n"] {
                    let (ty, value) = self.constraint(depth - 1);
                    let _ = match self.below(4) {
                        0 => write!(types, "{name} = {ty}, "),
                        1 => write!(types, "{name} = optional({ty}), "),
                        _ => {
                            let default = self.literal_of(&ty, depth);
                            write!(types, "{name} = optional({ty}, {default}), ")
                        }
                    };
                    if self.below(5) > 1 {
                        let _ = write!(given, "{name} = {value}, ");
                    }
                }
                let given = if self.below(10) == 0 { value(self, Sort::Object) } else { format!("{{ {given} }}") };
                (format!("object({{ {types} }})"), given)
            }
        }
    }

    /// Makes a value without references that may fit a constraint.
    fn literal_of(&mut self, constraint: &str, depth: usize) -> String {
        match constraint.split('(').next().unwrap_or_default() {
            "string" => self.pick(&["\"d\"", "1", "null"]),
            "number" => self.pick(&["5", "\"6\"", "null"]),
            "bool" => self.pick(&["true", "\"false\""]),
            "list" | "set" => {
                if depth > 1 && self.below(2) == 0 {
                    self.pick(&["[{}]", "[{}, {}]", "[null]"])
                } else {
                    "[]"
                }
            }
            "map" | "object" => self.pick(&["{}", "{}", "{ a = 1 }", "null"]),
            _ => self.pick(&["1", "{ x = [1] }", "\"s\"", "null"]),
        }
        .to_owned()
    }

    /// Draws a number, by the algorithm `SplitMix64`.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.draw() % limit as u64) as usize
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn of(&mut self, sort: Sort, depth: usize) -> String {
        let sort = if self.below(25) == 0 { SORTS[self.below(SORTS.len())] } else { sort };
        if depth == 0 || self.below(4) == 0 {
            return self.leaf(sort);
        }
        let depth = depth - 1;
        match self.below(12) {
            0 => return self.conditional(sort, depth),
            1 => return format!("({})", self.of(sort, depth)),
            2 => return self.attempt(sort, depth),
            3 if self.below(2) == 0 => return self.inside(depth),
            _ => {}
        }
        match sort {
            Sort::Text => self.text(depth),
            Sort::Number => self.number(depth),
            Sort::Bool => self.bool(depth),
            Sort::List => self.list(depth),
            Sort::Set => {
                let name = self.pick(&[
                    "set",
                    "set_n",
                    "set_part",
                    "set_o",
                    "u_set",
                    "m_set",
                    "toset([\"b\", \"a\"])",
                    "toset(l_n)",
                ]);
                name.to_owned()
            }
            Sort::Map => self.map(depth),
            Sort::Object => self.object(depth),
            Sort::Tuple => self.tuple(depth),
            Sort::Any => {
                let sort = SORTS[self.below(8)];
                self.of(sort, depth)
            }
        }
    }

    fn leaf(&mut self, sort: Sort) -> String {
        if !self.inner.is_empty() && self.below(3) == 0 {
            let index = self.below(self.inner.len());
            let suffix = self.pick(&["", "", "", "", ".id", ".n", "[0]"]);
            return format!("{}{suffix}", self.inner[index]);
        }
        if self.below(3) == 0 {
            return match sort {
                Sort::Text => self.pick(&["\"\"", "\"a\"", "\"b\"", "\"12\"", "\"true\"", "\"x y\"", "null"]),
                Sort::Number => self.pick(&["0", "1", "2", "10", "0.5", "2.5", "1e3", "-4", "null"]),
                Sort::Bool => self.pick(&["true", "false", "null"]),
                Sort::Tuple | Sort::List => self.pick(&["[]", "[\"a\", \"b\"]", "[1, \"a\"]", "[null]", "[[]]"]),
                Sort::Object | Sort::Map => self.pick(&["{}", "{ a = 1 }", "{ id = \"x\", n = 1 }", "{ a = null }"]),
                Sort::Set => "toset([\"a\"])",
                Sort::Any => "null",
            }
            .to_owned();
        }
        let fitting: Vec<usize> = (0..self.names.len())
            .filter(|&index| sort == Sort::Any || self.names[index].0 == sort || self.names[index].0 == Sort::Any)
            .collect();
        let index = fitting[self.below(fitting.len())];
        self.names[index].1.clone()
    }

    fn conditional(&mut self, sort: Sort, depth: usize) -> String {
        let other = if self.below(3) == 0 { SORTS[self.below(SORTS.len())] } else { sort };
        format!("({} ? {} : {})", self.of(Sort::Bool, depth), self.of(sort, depth), self.of(other, depth))
    }

    fn attempt(&mut self, sort: Sort, depth: usize) -> String {
        match self.below(3) {
            0 => format!("can({})", self.of(Sort::Any, depth)),
            _ => format!("try({}, {})", self.of(sort, depth), self.of(sort, depth)),
        }
    }

    /// Goes into a value.
    fn inside(&mut self, depth: usize) -> String {
        match self.below(7) {
            0 => format!("{}[{}]", self.of(Sort::List, depth), self.of(Sort::Number, depth)),
            1 => format!("{}[{}]", self.of(Sort::Map, depth), self.of(Sort::Text, depth)),
            2 => {
                let name = self.pick(&[".id", ".n", ".on", ".a", ".more"]);
                format!("{}{name}", self.of(Sort::Object, depth))
            }
            3 => format!("{}[{}]", self.of(Sort::Tuple, depth), self.pick(&["0", "1", "\"0\"", "5", "-1", "0.5"])),
            4 => {
                let name = self.pick(&["[\"id\"]", "[\"n\"]", "[\"a\"]", ".0", "[0]"]);
                format!("{}{name}", self.of(Sort::Any, depth))
            }
            5 => self
                .pick(&[
                    "l_o[0].id",
                    "l_o_part[1].id",
                    "o_deep.in.list[1].n",
                    "m_objects.a.id",
                    "l_l[1][0]",
                    "u_lo[0].n",
                    "m_objects[u_s].id",
                    "l_o[u_n].n",
                    "l[r_n]",
                    "t[u_n]",
                    "o[u_s]",
                    "m[m_s]",
                    "m_lists.a[0]",
                ])
                .to_owned(),
            _ => format!("{}[{}]", self.of(Sort::Any, depth), self.of(Sort::Any, depth)),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        match self.below(8) {
            0..=3 => self.template(depth),
            4 => format!("tostring({})", self.pick(&["n", "b_yes", "s", "null", "m_n", "1.5"])),
            5 => format!("upper({})", self.pick(&["s", "\"x\"", "m_s", "n", "null", "l"])),
            6 => self.heredoc(depth),
            _ => self.of(Sort::Text, depth),
        }
    }

    fn template(&mut self, depth: usize) -> String {
        let mut text = "\"".to_owned();
        for _ in 0..=self.below(3) {
            let part = self.part(depth, false);
            text.push_str(&part);
        }
        text.push('"');
        text
    }

    fn part(&mut self, depth: usize, is_heredoc: bool) -> String {
        let (open, close) = (self.pick(&["", "", "~"]), self.pick(&["", "", "~"]));
        let space = self.pick(&["", " ", "  "]);
        let line = if is_heredoc { self.pick(&["\n", "\n  ", ""]) } else { "" };
        match self.below(6) {
            0 => self.pick(&["a", " b ", "x-", "$${", "%%{ if", "é"]).to_owned(),
            1 | 2 => {
                let sort = if self.below(4) == 0 { Sort::Any } else { Sort::Text };
                format!("{space}${{{open} {} {close}}}{space}", self.of(sort, depth))
            }
            3 => format!(
                "{space}%{{{open} if {} {close}}}{line}{space}yes{space}%{{ else {close}}}{space}{line}no{}%{{{open} endif {close}}}",
                self.of(Sort::Bool, depth),
                if depth > 0 { self.part(depth - 1, is_heredoc) } else { String::new() },
            ),
            4 => {
                let collection = self.of(Sort::List, depth);
                self.inner.push("each_v".to_owned());
                let body = if depth > 0 { self.part(depth - 1, is_heredoc) } else { "${each_v}".to_owned() };
                self.inner.pop();
                format!("%{{{open} for each_v in {collection} {close}}}{line}{space}{body},%{{ endfor {close}}}")
            }
            _ => format!("{space}z{space}"),
        }
    }

    fn heredoc(&mut self, depth: usize) -> String {
        let marker = self.pick(&["<<EOT", "<<-EOT"]);
        let mut text = format!("({marker}\n");
        for _ in 0..=self.below(3) {
            let indent = self.pick(&["", "  ", "    "]);
            let part = self.part(depth, true);
            let _ = writeln!(text, "{indent}{part}");
        }
        format!("{text}  EOT\n)")
    }

    fn number(&mut self, depth: usize) -> String {
        match self.below(7) {
            0 => format!("-{}", self.of(Sort::Number, depth)),
            1 => format!("length({})", self.pick(&["l", "set", "m", "o", "t", "null", "m_l", "set_part"])),
            2 => format!("tonumber({})", self.pick(&["s", "s_number", "n", "null", "\"1e3\""])),
            _ => {
                let operator = self.pick(&["+", "-", "*", "/", "%"]);
                format!("({} {operator} {})", self.of(Sort::Number, depth), self.of(Sort::Number, depth))
            }
        }
    }

    fn bool(&mut self, depth: usize) -> String {
        match self.below(8) {
            0 => format!("!{}", self.of(Sort::Bool, depth)),
            1 | 2 => {
                let operator = self.pick(&["&&", "||"]);
                format!("({} {operator} {})", self.of(Sort::Bool, depth), self.of(Sort::Bool, depth))
            }
            3 | 4 => {
                let operator = self.pick(&["<", "<=", ">", ">="]);
                format!("({} {operator} {})", self.of(Sort::Number, depth), self.of(Sort::Number, depth))
            }
            5 => format!("tobool({})", self.pick(&["s_true", "b_no", "null", "s", "m_b"])),
            _ => {
                let operator = self.pick(&["==", "!="]);
                let sort = SORTS[self.below(SORTS.len())];
                format!("({} {operator} {})", self.of(sort, depth), self.of(sort, depth))
            }
        }
    }

    fn list(&mut self, depth: usize) -> String {
        match self.below(4) {
            0 => {
                format!("tolist({})", self.pick(&["t", "set", "l", "[1, \"a\"]", "[]", "set_o", "l_part", "m_l_part"]))
            }
            2 => self.splat(depth),
            _ => self.of(Sort::Tuple, depth),
        }
    }

    fn splat(&mut self, depth: usize) -> String {
        let operator = self.pick(&["[*]", "[*]", ".*"]);
        let after = self.pick(&["", "", ".id", ".n", ".on", ".a"]);
        let after = if operator == "[*]" && self.below(5) == 0 { "[0]" } else { after };
        let sort = if self.below(3) == 0 { Sort::Any } else { Sort::List };
        let source = match self.below(3) {
            0 => self
                .pick(&[
                    "l_o",
                    "l_o_part",
                    "set_o",
                    "set_o_part",
                    "u_lo",
                    "l_o_null",
                    "u_la",
                    "m_l_part",
                    "o",
                    "u_o",
                    "null_o",
                ])
                .to_owned(),
            _ => self.of(sort, depth),
        };
        format!("{source}{operator}{after}")
    }

    fn map(&mut self, depth: usize) -> String {
        match self.below(3) {
            0 => format!("tomap({})", self.pick(&["m", "o_part", "{ a = 1 }", "{}", "m_part", "m_o"])),
            _ => self.of(Sort::Object, depth),
        }
    }

    fn object(&mut self, depth: usize) -> String {
        if self.below(3) == 0 {
            let (head, groups) = self.for_head(depth);
            let (key, value) = (self.key(depth), self.of(Sort::Any, depth));
            let condition = self.condition(depth);
            self.inner.truncate(self.inner.len() - groups);
            let dots = self.pick(&["", "", "..."]);
            return format!("{{{head} {key} => {value}{dots}{condition}}}");
        }
        let mut text = "{ ".to_owned();
        for name in ["a", "id", "n", "on"].into_iter().take(1 + self.below(4)) {
            let key = match self.below(8) {
                0 => format!("({})", self.of(Sort::Text, depth)),
                1 => format!("\"{name}\""),
                2 => self.template(0),
                _ => name.to_owned(),
            };
            let value = self.of(Sort::Any, depth);
            let _ = write!(text, "{key} = {value}, ");
        }
        text.push('}');
        text
    }

    fn key(&mut self, depth: usize) -> String {
        if self.below(3) > 0 { self.inner.last().cloned().unwrap_or_default() } else { self.of(Sort::Text, depth) }
    }

    fn for_head(&mut self, depth: usize) -> (String, usize) {
        let sort = [Sort::List, Sort::Set, Sort::Map, Sort::Object, Sort::Tuple, Sort::Any][self.below(6)];
        let collection = self.of(sort, depth);
        let number = self.inner.len();
        if self.below(2) == 0 {
            self.inner.push(format!("v{number}"));
            (format!("for v{number} in {collection} :"), 1)
        } else {
            self.inner.extend([format!("v{number}"), format!("k{number}")]);
            (format!("for k{number}, v{number} in {collection} :"), 2)
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        if self.below(3) == 0 { format!(" if {}", self.of(Sort::Bool, depth)) } else { String::new() }
    }

    fn tuple(&mut self, depth: usize) -> String {
        if self.below(3) == 0 {
            let (head, n_names) = self.for_head(depth);
            let value = self.of(Sort::Any, depth);
            let condition = self.condition(depth);
            self.inner.truncate(self.inner.len() - n_names);
            return format!("[{head} {value}{condition}]");
        }
        let sort = SORTS[self.below(SORTS.len())];
        let n_elements = self.below(4);
        let elements: Vec<String> = (0..n_elements).map(|_| self.of(sort, depth)).collect();
        format!("[{}]", elements.join(", "))
    }
}

fn sort_of(ty: &Type) -> Sort {
    match ty {
        Type::String => Sort::Text,
        Type::Number => Sort::Number,
        Type::Bool => Sort::Bool,
        Type::List(_) => Sort::List,
        Type::Set(_) => Sort::Set,
        Type::Map(_) => Sort::Map,
        Type::Object(_) => Sort::Object,
        Type::Tuple(_) => Sort::Tuple,
        Type::Dynamic => Sort::Any,
    }
}
