//! Values of expressions: terraform and OpenTofu must have the same, types included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cty::{Type, Value};
use hcl::configuration::Configuration;
use hcl::root::Root;
use hcl::variables::VariableValues;
use hcl::{File, MemoryTree};
use model::ModuleAddress;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::value::RawValue;
use xtask::tools::{Tool, or_skip};

use crate::roots::root_of;

/// A root module in memory, and values for its variables.
pub(crate) struct World {
    pub(crate) tree: MemoryTree,
    pub(crate) variables: VariableValues,
}

impl World {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
        Self { tree: MemoryTree(files.collect()), variables: VariableValues::default() }
    }

    pub(crate) fn root(&self) -> Root {
        let (configuration, problems) = Configuration::read(&self.tree, ".", ".terraform");
        assert!(problems.is_empty(), "{problems:?}");
        root_of(self.tree.clone(), configuration, self.variables.clone())
    }

    /// Evaluates an expression of this module; the problem's text where it is wrong.
    pub(crate) fn evaluate(&self, text: &str) -> (Result<Value, String>, Vec<String>) {
        let root = self.root();
        let scope = root.module_scope(&ModuleAddress::root()).unwrap();
        let (file, problems) = File::parse("expression.tf", &format!("value = {text}\n"));
        if let Some(problem) = problems.first() {
            return (Err(problem.to_string()), Vec::new());
        }
        let (value, unknown, problems) = root.expression(&file, &file.body.attributes[0].expression, &scope);
        let reasons = unknown.into_iter().map(|unknown| unknown.reason).collect();
        (problems.first().map_or(Ok(value), |problem| Err(problem.to_string())), reasons)
    }
}

pub(crate) fn programs() -> Vec<PathBuf> {
    [Tool::Terraform, Tool::Tofu].into_iter().filter_map(or_skip).collect()
}

pub(crate) fn run(program: &Path, folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let configuration = folder.join("cli.tfrc");
    std::fs::write(&configuration, "disable_checkpoint = true\n").unwrap();
    Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .env("TF_CLI_CONFIG_FILE", &configuration)
        .env("TF_IN_AUTOMATION", "1")
        .env("HOME", "/home/somebody")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

/// Applies a root module without resources, and gives its outputs.
pub(crate) fn outputs(
    program: &Path,
    tree: &MemoryTree,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> BTreeMap<String, Value> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &tree.0 {
        std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    for (command, more) in
        [(vec!["init", "-input=false"], &[][..]), (vec!["apply", "-auto-approve", "-input=false"], arguments)]
    {
        let command: Vec<&str> = command.into_iter().chain(more.iter().copied()).collect();
        let output = run(program, folder.path(), &command, environment);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {text}", program.display());
    }
    let output = run(program, folder.path(), &["output", "-json"], &[]);
    // Numbers keep all their digits this way.
    let found: BTreeMap<String, BTreeMap<String, &RawValue>> = serde_json::from_slice(&output.stdout).unwrap();
    let value = |output: &BTreeMap<String, &RawValue>| {
        let ty = Type::from_json(output["type"].get()).unwrap();
        cty::json::decode(output["value"].get().as_bytes(), &ty).unwrap()
    };
    found.iter().map(|(name, output)| (name.clone(), value(output))).collect()
}

/// What the expressions of the tables refer to.
const CODE: &str = r#"
variable "name" { default = "web" }
variable "ports" {
  type    = list(number)
  default = [80, 443]
}
variable "object" {
  type = object({
    a = string
    b = optional(number, 5)
    c = optional(object({ d = optional(string, "deep"), e = optional(bool) }), {})
    f = optional(list(object({ g = optional(string, "each") })))
  })
  default = { a = 1, f = [{}, { g = "own" }] }
}
variable "secret" {
  default   = "hush"
  sensitive = true
}
locals {
  text    = "héllo wörld"
  map     = tomap({ a = 1, b = 2, c = 3 })
  nested  = { list = [{ id = "x", tags = { k = "v" } }, { id = "y", tags = {} }], none = null }
  set     = toset(["b", "a", "c", "a"])
  strings = tolist(["a", "b", "c"])
  later   = "${local.earlier}!"
  earlier = upper(var.name)
  lines   = <<-EOT
    first ${var.name}
      second
    %{ for port in var.ports ~}
    port ${port}
    %{ endfor ~}
    last
  EOT
  plain   = <<EOT
  kept %{ if length(var.ports) > 1 }many%{ else }few%{ endif }
$${not} %%{not}
EOT
  flush   = <<-EOT
      a

    b
	tab
  EOT
}
"#;

const FILES: &[(&str, &str)] = &[
    ("files/plain.txt", "plain text\n"),
    (
        "files/list.tpl",
        "%{ for name in names ~}\n  - ${upper(name)}\n%{ endfor ~}\nend ${count} \"quoted\" \\n %{ if count > 1 }many%{ endif }\n",
    ),
    ("files/deep.tpl", "${jsonencode(value)}"),
];

/// Expressions that both programs and we must give one value and one type.
#[rustfmt::skip]
const EXPRESSIONS: &[&str] = &[
    // Literals and operators.
    "1", "-1", "1.5", "1e3", "true", "null", "\"a\"", "0.1 + 0.2", "10 / 4", "10 / 3", "7 % 3", "-7 % 3", "7.5 % 2",
    "2 + 3 * 4", "(2 + 3) * 4", "-2 - -3", "1 == 1.0", "\"1\" == 1", "1 != 2", "\"2\" + 1", "\"a\" == \"a\"", "!true", "!(1 > 2)",
    "1 < 2 && 2 < 3", "1 > 2 || 3 >= 3", "1 <= 1", "true && \"false\"", "null == null", "[1] == [1]", "{ a = 1 } == { a = 1 }",
    "12345678901234567890123", "9007199254740993", "1 / 7", "100000 * 100000 * 100000 * 100000", "0.1", "1e-7", "-0",
    "1 + 2 - 3 + 4", "2 * 3 / 4 % 2", "1 + 1 == 2 ? \"yes\" : \"no\"", "-local.map.a",
    // Conditionals.
    "true ? 1 : \"x\"", "false ? 1 : \"x\"", "true ? null : 1", "true ? [1, 2] : [3]", "false ? { a = 1 } : { a = \"b\" }",
    "true ? { a = 1 } : { b = \"c\" }", "true ? tolist([1]) : [\"a\"]", "var.name == \"web\" ? local.map : {}", "true ? [] : [\"a\"]",
    "false ? [1, \"a\"] : []", "true ? local.strings : local.set", "1 == 1 ? true : \"maybe\"", "true ? 1 : local.nested.none",
    // Templates.
    "\"${1}\"", "\"${true}\"", "\"${[1]}\"", "\"a${1}b${\"c\"}\"", "\"$${a}\"", "\"%%{a}\"", "\"a\\tb\\\"c\\\\d\\u00e9\"", "\"$\"", "\"100%\"",
    "\"%{ if true }a%{ else }b%{ endif }\"", "\"%{ if false }a%{ endif }\"", "\"%{ for x in [1, 2] }${x},%{ endfor }\"",
    "\"a ${~ \"b\" ~} c\"", "\"%{ for k, v in { a = 1, b = 2 } }${k}=${v} %{ endfor }\"", "\"${\"${\"x\"}\"}\"", "\"${upper(\"a\")}${null == null}\"",
    "local.lines", "local.plain", "local.flush", "\"e\u{301}\" == \"\u{e9}\"", "\"\"", "\"$${\"", "\"a$$b\"", "\"a\\\\${1}\"",
    // Collections, references, splats.
    "[]", "[1, \"a\", null]", "{}", "{ a = 1, \"b c\" = 2, (var.name) = 3, \"${var.name}x\" : 4, 5 = 6 }", "{ a = 1, a = 2 }",
    "var.name", "var.ports", "var.ports[0]", "var.ports.1", "var.object", "var.object.c.d", "var.object.f[*].g", "local.later",
    "local.map[\"a\"]", "local.map.b", "local.nested.list[0].tags[\"k\"]", "local.nested[\"list\"][1].id", "local.nested.list[*].id",
    "local.nested.list.*.id", "var.name[*]", "local.nested.none[*]", "local.set[*]",
    "[local.nested][*].list[*].id", "local.strings[length(local.strings) - 1]", "[[1, 2], [3]][0][1]", "{ a = { b = [10] } }.a.b[0]",
    "[{ a = 1 }, { a = 2 }].*.a", "[1, 2, 3][*]", "local.strings[\"1\"]", "path.module", "path.root", "terraform.workspace",
    "{ (local.map.a) = \"x\" }", "{ null = 1 }", "{ true = 1, if = 2, for = 3 }", "[for x in [1]: x]", "{\n  a = 1\n  b = [\n    2,\n  ]\n}",
    // For.
    "[for x in [1, 2, 3] : x * 2]", "[for i, x in [\"a\", \"b\"] : \"${i}${x}\"]", "[for k, v in { a = 1, b = 2 } : \"${k}${v}\"]",
    "{ for x in [\"a\", \"b\"] : x => upper(x) }", "{ for k, v in local.map : v => k... }", "[for x in local.set : x]", "[for i, x in local.set : i]",
    "[for x in [1, 2, 3, 4] : x if x % 2 == 0]", "{ for s in [\"a\", \"bb\", \"cc\"] : length(s) => s... }", "[for x in [] : x]", "{ for x in [] : x => x }",
    "[for x in [[1, 2], [3]] : [for y in x : y + 1]]", "[for k, v in local.nested : k]", "{ for i, x in local.strings : x => i }", "[for x in var.ports : tostring(x)]",
    // Text.
    "chomp(\"a\\n\\r\\n\")", "endswith(\"abc\", \"bc\")", "startswith(\"abc\", \"bc\")", "strcontains(\"abc\", \"b\")", "indent(2, \"a\\nb\\n\\nc\")",
    "join(\"-\", [\"a\", \"b\"])", "join(\",\", [\"a\"], [\"b\", \"c\"])", "join(\",\", local.set)", "join(\",\", [1, true])", "join(\",\", [])",
    "lower(\"ÄBC İ\")", "upper(\"straße é\")", "title(\"hello world-wide foo_bar o'neil\")", "split(\",\", \"a,b,,c\")", "split(\"\", \"héy\")", "split(\",\", \"\")",
    "replace(\"a.b.c\", \".\", \"-\")", "replace(\"hello world\", \"/w.*d/\", \"x\")", "replace(\"ab12\", \"/([a-z]+)(\\\\d+)/\", \"$2-$1\")", "replace(\"aaa\", \"\", \"-\")",
    "replace(\"abc\", \"/(?P<first>a)/\", \"$${first}!\")", "replace(\"x/y\", \"/\", \"-\")",
    "regex(\"[a-z]+\", \"53453453.345345aaabbbccc23454\")", "regex(\"(\\\\d\\\\d\\\\d\\\\d)-(\\\\d\\\\d)\", \"2019-02\")", "regex(\"^(?:(?P<scheme>[^:/?#]+):)?(?://(?P<authority>[^/?#]*))?\", \"https://example.com/x\")",
    "regexall(\"[a-z]+\", \"1234abcd5678efgh9\")", "regexall(\"[a-z]+\", \"123456789\")", "regexall(\"(a)(b)?\", \"aab\")", "regex(\"(a)|(b)\", \"b\")", "regex(\"[[:alpha:]_&~]+\", \"12ab_&c\")",
    "regex(\"(?i)ABC\", \"xabc\")", "regexall(\"\\\\bw\\\\w+\", \"warm ewe wolf\")", "regexall(\"\\\\d\", \"1\u{663}\")", "regexall(\"[\\\\w.]+\", \"a.b-c\")",
    "strrev(\"héllo\")", "substr(\"hello world\", 1, 4)", "substr(\"hello\", -3, 2)", "substr(\"hello\", 2, -1)", "substr(\"hello\", 10, 2)", "substr(\"hello\", 0, 0)", "substr(local.text, 1, 1)",
    "trim(\"?!hello?!\", \"!?\")", "trimprefix(\"helloworld\", \"hello\")", "trimsuffix(\"helloworld\", \"world\")", "trimspace(\"  a b\\n\\t\")", "length(local.text)", "length(\"🤷🏽\")",
    // Format.
    "format(\"Hello, %s!\", \"Ander\")", "format(\"%d %05d %+d %x %X %o %b %#x\", 12, 34, 5, 255, 255, 8, 5, 255)", "format(\"%v %v %v %v\", 1.5, true, \"a\", [1, \"b\"])",
    "format(\"%q %#v\", \"a\\\"b\", { a = null })", "format(\"%5s|%-5s|%.2s\", \"a\", \"b\", \"cde\")", "format(\"%f %.2f %8.3f %e %g %g %g\", 1.5, 1.255, 3.14159, 12345.678, 0.0001, 1e21, 100000)",
    "format(\"%t %%\", true)", "format(\"%[2]s %[1]s\", \"a\", \"b\")", "format(\"%s\", 12)", "format(\"%d\", \"7\")", "format(\"%.3g %.10g %G\", 1234.5678, 0.000012345, 1e-10)",
    "format(\"%06.2f|%+.1f|% d\", 3.14159, 2, 5)", "format(\"%s\", true)", "formatlist(\"%s-%s\", [\"a\", \"b\"], \"x\")", "formatlist(\"%s\", [])", "formatlist(\"Hello, %s!\", [\"A\", \"B\"])", "formatlist(\"%d%s\", [1, 2], [\"a\", \"b\"])",
    // Numbers.
    "abs(-1.5)", "ceil(1.2)", "ceil(-1.2)", "floor(1.8)", "floor(-1.2)", "ceil(5)", "log(16, 2)", "log(100, 10)", "max(1, 5, 3)", "min(var.ports...)", "parseint(\"100\", 10)",
    "parseint(\"FF\", 16)", "parseint(\"-1011\", 2)", "parseint(\"zZ\", 62)", "pow(3, 2)", "pow(2, 0.5)", "signum(-13)", "signum(0)", "max([1, 2]...)", "parseint(\"123456789012345678901234567890\", 10)",
    // Collections.
    "alltrue([\"true\", true])", "alltrue([])", "anytrue([false, \"true\"])", "anytrue([])", "chunklist([\"a\", \"b\", \"c\"], 2)", "chunklist([1, 2], 0)", "coalesce(\"\", \"b\")", "coalesce(null, 1, 2)", "coalesce(\"\", 1)",
    "coalescelist([], [\"c\"])", "coalescelist(tolist([]), [1])", "compact([\"a\", \"\", null, \"b\"])", "concat([1], [\"a\"])", "concat(local.strings, [\"d\"])", "concat(local.strings, local.strings)", "concat([], [])",
    "concat(tolist([1]), tolist([\"a\"]))", "contains([\"a\", \"b\"], \"a\")", "contains([1, 2], \"1\")", "contains(local.set, \"b\")", "distinct([\"a\", \"b\", \"a\"])", "distinct([1, \"1\", 1])", "distinct([])", "distinct([1, 1.0, 2])",
    "element([\"a\", \"b\", \"c\"], 1)", "element([\"a\", \"b\"], 3)", "element(local.strings, 5)", "flatten([[\"a\", [\"b\"]], [], \"c\"])", "flatten([local.set, [1]])", "flatten([])", "flatten([null, [null]])",
    "index([\"a\", \"b\"], \"b\")", "keys({ b = 1, a = 2 })", "keys(local.map)", "length([1, 2])", "length(local.map)", "length({ a = 1 })", "length([])", "length(local.set)", "lookup({ a = 1 }, \"a\", 5)", "lookup({ a = 1 }, \"b\", \"x\")",
    "lookup(local.map, \"z\", \"9\")", "lookup(local.map, \"a\")", "matchkeys([\"i-1\", \"i-2\"], [\"a\", \"b\"], [\"b\"])", "merge({ a = 1 }, { b = \"c\" }, null)", "merge(local.map, { a = \"x\" })", "merge(local.map, tomap({ d = 4 }))",
    "merge({}, {})", "merge([{ a = 1 }, { a = 2 }]...)", "merge()", "one([])", "one([1])", "one(toset([\"a\"]))", "one(null[*])", "range(3)", "range(1, 4)", "range(1, 8, 2)", "range(4, 1)", "range(10, 5, -2)", "range(0)", "range(0, 1, 0.25)", "reverse([1, 2, \"a\"])",
    "reverse(local.strings)", "reverse(local.set)", "setintersection([\"a\", \"b\"], [\"b\", \"c\"])", "setunion([\"a\"], [1])", "setsubtract([\"a\", \"b\"], [\"b\"])", "setproduct([\"a\", \"b\"], [1, 2])", "setproduct(local.set, toset([1]))", "setunion(local.set, [])",
    "setintersection(toset([1, 2]), toset([\"2\"]))", "setproduct([], [1])", "slice([1, 2, 3], 1, 2)", "slice(local.strings, 0, 2)", "sort([\"b\", \"a\", \"C\"])", "sort(local.set)", "sum([1, 2.5, \"3\"])", "sum(var.ports)", "transpose({ a = [\"1\", \"2\"], b = [\"2\"] })",
    "values({ b = 1, a = \"x\" })", "values(local.map)", "zipmap([\"a\", \"b\"], [1, \"x\"])", "zipmap([\"a\", \"b\"], tolist([1, 2]))", "zipmap([], [])",
    // Types.
    "tobool(\"true\")", "tobool(null)", "tolist([1, \"a\"])", "tolist(local.set)", "tomap({ a = 1, b = \"c\" })", "tonumber(\"1.50\")", "toset([1, \"1\", 2])", "tostring(1.50)", "tostring(true)", "tonumber(null)", "tolist([])", "tomap({})", "toset([])",
    "can(local.nested.missing)", "can(var.name)", "try(local.nested.missing, \"fallback\")", "try(var.name, 1)", "can(tonumber(\"a\"))", "try(tonumber(\"a\"), tonumber(\"b\"), 3)", "try(local.nested.none.x, null)", "nonsensitive(var.secret)", "issensitive(var.secret)",
    "issensitive(\"${nonsensitive(var.secret)}x\")", "nonsensitive(sensitive([1]))", "nonsensitive(\"x${var.secret}\")", "issensitive(var.name)", "tolist([{ a = 1 }, { a = \"b\" }])", "toset([[1], [1], [2]])",
    // Notations.
    "base64encode(\"hello\")", "base64decode(\"aGVsbG8=\")", "csvdecode(\"a,b\\n1,\\\"x, \\\"\\\"y\\\"\\\"\\\"\\n2,\\n\")", "csvdecode(\"a\\n\")", "jsonencode({ a = [1, true, null, \"<&>\"], b = 1.50 })", "jsondecode(\"{\\\"a\\\": [1, {\\\"b\\\": null}], \\\"c\\\": 1.0}\")",
    "jsonencode(local.set)", "jsonencode(\"é\\u2028\")", "jsondecode(\"\\\"x\\\"\")", "urlencode(\"a b&c/é~\")", "sha256(\"a\")", "sha512(\"a\")", "base64sha256(\"a\")", "base64sha512(\"a\")", "md5(\"a\")", "sha1(\"a\")", "filemd5(\"files/plain.txt\")", "filesha1(\"files/plain.txt\")", "filesha256(\"files/plain.txt\")", "filesha512(\"files/plain.txt\")", "filebase64sha256(\"files/plain.txt\")", "filebase64sha512(\"files/plain.txt\")", "jsonencode(null)", "jsonencode(12345678901234567890)",
    "yamldecode(\"a: 1\\nb: [x, 2.5, true, null, ~, 'yes', no, '1']\\n\")", "yamldecode(\"hello\")", "yamldecode(\"- &a {k: v}\\n- *a\\n- <<: *a\\n  l: 1\\n\")", "yamldecode(\"1: x\\ntrue: y\\n\")", "yamldecode(\"a: |\\n  x\\n   y\\nb: >-\\n  x\\n  y\\n\")",
    "yamldecode(\"[0x1F, 0o17, 1e3, 1.10, -5, +3, 007, 12345678901234567890, 'a: b', \\\"q\\\\n\\\"]\")", "yamldecode(\"{}\")", "yamldecode(\"a:\\n- b\\n-\\n\")", "yamldecode(\"[True, FALSE, Null, NULL, Yes, on]\")",
    // Paths and files.
    "basename(\"a/b/c.txt\")", "basename(\"/\")", "basename(\"\")", "basename(\"a/\")", "dirname(\"a/b/c.txt\")", "dirname(\"c\")", "dirname(\"/a\")", "dirname(\"a//b/../c\")", "dirname(\"\")", "pathexpand(\"~/.kube/config\")", "pathexpand(\"/a\")", "pathexpand(\"~\")",
    "file(\"files/plain.txt\")", "file(\"${path.module}/files/plain.txt\")", "fileexists(\"files/none\")", "fileexists(\"files/plain.txt\")", "filebase64(\"files/plain.txt\")", "templatefile(\"files/list.tpl\", { names = [\"a\", \"b\"], count = 2 })",
    "templatefile(\"files/deep.tpl\", { value = { a = [1] } })",
    // Networks.
    "cidrhost(\"10.12.112.0/20\", 16)", "cidrhost(\"10.12.112.0/20\", -2)", "cidrhost(\"fd00:fd12:3456:7890::/72\", 34)", "cidrnetmask(\"172.16.0.0/12\")", "cidrsubnet(\"172.16.0.0/12\", 4, 2)", "cidrsubnet(\"10.1.2.240/24\", 4, 15)",
    "cidrsubnet(\"fd00:fd12:3456:7890::/56\", 16, 162)", "cidrsubnets(\"10.1.0.0/16\", 4, 4, 8, 4)", "cidrsubnets(\"fd00:fd12:3456:7890::/56\", 16, 16, 16, 32)", "[for cidr in cidrsubnets(\"10.0.0.0/8\", 8, 8) : cidrsubnets(cidr, 4, 4)]", "cidrhost(\"10.0.0.5/8\", 0)",
];

/// Expressions that both programs and we must refuse.
#[rustfmt::skip]
const MISTAKES: &[&str] = &[
    "1 + \"a\"", "format(\"%d\", 3.9)", "!\"x\"", "-\"a\"", "true && 1", "null + 1", "\"a${null}\"", "\"a${[1]}\"", "local.map.z", "local.strings[3]", "local.strings[-1]", "local.strings.x", "local.set[0]", "local.nested.none.x", "[1][\"a\"]",
    "null ? 1 : 2", "\"x\" ? 1 : 2", "{ (null) = 1 }", "{ ([]) = 1 }", "[for x in null : x]", "[for x in 1 : x]", "{ for x in [1, 1] : \"a\" => x }", "[for x in [1] : x if null]", "upper(null)", "upper([])", "split(\",\", null)", "join(\",\", [null])",
    "regex(\"a\", \"b\")", "regex(\"(\", \"b\")", "format(\"%d\", \"a\")", "format(\"%s\")", "format(\"%s\", \"a\", \"b\")", "format(\"%y\", 1)", "format(\"%s\", [])", "formatlist(\"%s%s\", [1], [1, 2])", "parseint(\"z\", 10)", "parseint(\"1\", 1)",
    "coalesce()", "coalesce(null, \"\")", "coalescelist([])", "chunklist([1], -1)", "element([], 0)", "element(local.set, 0)", "index([1], 2)", "keys([1])", "length(1)", "length(null)", "lookup({}, \"a\")", "merge([1])", "one([1, 2])", "range(1, 5, -1)", "range(0, 1, 0)",
    "range(2000)", "slice([1], 0, 2)", "slice([1, 2], 2, 1)", "sum([])", "sum([\"a\"])", "zipmap([\"a\"], [])", "tobool(\"yes\")", "tonumber(\"a\")", "tolist(1)", "tolist([1, [2]])", "tomap([1])", "base64decode(\"%\")", "jsondecode(\"{\")", "csvdecode(\"a,b\\n1\")", "yamldecode(\"a: [\")", "yamldecode(\"\")", "yamldecode(\"a: 1\\n---\\nb: 2\\n\")",
    "cidrhost(\"10.0.0.0/30\", 4)", "cidrhost(\"x\", 1)", "cidrsubnet(\"10.0.0.0/30\", 4, 0)", "cidrsubnet(\"10.0.0.0/24\", 2, 4)", "cidrnetmask(\"fd00::/8\")", "cidrsubnets(\"10.0.0.0/31\", 1, 1, 1)", "file(\"files/none\")", "tolist([1])...", "max([1, 2])", "null.x", "null[0]",
    "concat([1], 2)", "flatten(1)", "distinct(1)", "setproduct([1], 2)", "sort([null])", "signum(1.5)", "substr(\"a\", 0.5, 1)", "true < false", "[1] + [2]", "tolist(null[*])[0]", "reverse(1)", "contains(1, 1)", "templatefile(\"files/list.tpl\", {})",
];

fn world() -> World {
    let mut files = vec![("main.tf", CODE)];
    files.extend(FILES);
    World::new(&files)
}

#[test]
fn expressions_have_the_values_and_types_the_programs_give_them() {
    let world = world();
    let ours: Vec<_> = EXPRESSIONS.iter().map(|text| world.evaluate(text)).collect();
    let blocks = EXPRESSIONS.iter().enumerate();
    // In a list, since an output that is null is left out.
    let blocks: String =
        blocks.map(|(index, text)| format!("output \"o{index}\" {{\n  value = [{text}]\n}}\n")).collect();
    let mut tree = world.tree.clone();
    tree.0.insert("outputs.tf".to_owned(), blocks.into_bytes());
    let mut differences = Vec::new();
    for program in programs() {
        let theirs = outputs(&program, &tree, &[], &[]);
        for (index, text) in EXPRESSIONS.iter().enumerate() {
            let theirs = &theirs[&format!("o{index}")];
            let same = match &ours[index] {
                (Ok(value), reasons) => reasons.is_empty() && Value::tuple(vec![value.clone()]) == *theirs,
                (Err(_), _) => false,
            };
            if !same {
                let ours = match &ours[index].0 {
                    Ok(value) => format!("[{value}] of {}", value.ty()),
                    Err(problem) => problem.clone(),
                };
                let name = program.file_name().unwrap().to_string_lossy().into_owned();
                differences.push(format!("{text}\n  {name}: {theirs} of {}\n  here: {ours}", theirs.ty()));
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn mistakes_are_mistakes_for_the_programs_too() {
    let world = world();
    let mut tree = world.tree.clone();
    let texts: Vec<&str> = MISTAKES.iter().copied().filter(|text| !text.ends_with("...")).collect();
    let blocks = texts.iter().enumerate();
    let blocks: String =
        blocks.map(|(index, text)| format!("output \"o{index}\" {{\n  value = can({text})\n}}\n")).collect();
    tree.0.insert("outputs.tf".to_owned(), blocks.into_bytes());
    let mut differences = Vec::new();
    for text in MISTAKES {
        if let (Ok(value), _) = world.evaluate(text) {
            differences.push(format!("{text}\n  here: {value}"));
        }
    }
    for program in programs() {
        let theirs = outputs(&program, &tree, &[], &[]);
        let accepted = |(index, _): &(usize, &&str)| theirs[&format!("o{index}")] == Value::bool(true);
        let name = program.file_name().unwrap().to_string_lossy().into_owned();
        differences
            .extend(texts.iter().enumerate().filter(accepted).map(|(_, text)| format!("{text}\n  {name}: accepted")));
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn what_cannot_be_known_says_why_and_spoils_nothing_else() {
    let code = r#"
variable "region" { type = string }
locals {
  a = local.b
  b = local.a
  token = data.vault_secret.aws.token
}
data "vault_secret" "aws" {}
resource "aws_vpc" "main" {}
module "a" { source = "far/away/thing" }
"#;
    let world = World::new(&[("main.tf", code)]);
    let check = |text: &str, shape: &str, expected: &[&str]| {
        let (value, reasons) = world.evaluate(text);
        assert_eq!(value.map(|value| value.to_string()).unwrap_or_else(|problem| problem), shape, "{text}");
        assert_eq!(reasons, expected, "{text}");
    };
    let region = "the variable \"region\" has no value";
    let secret = "data.vault_secret.aws is read from a cloud";
    check("var.region", "(known after apply)", &[region]);
    check("[1, var.region]", "[1, (known after apply)]", &[region]);
    check(
        "{ a = upper(var.region), b = [local.token] }",
        "{a = (known after apply), b = [(known after apply)]}",
        &[region, secret],
    );
    check("false && var.region == \"x\"", "false", &[]);
    check("coalesce(\"x\", var.region)", "\"x\"", &[]);
    check("length([var.region, local.token])", "2", &[]);
    check("try(var.region, \"x\")", "(known after apply)", &[region]);
    check("can(local.token.x)", "(known after apply)", &[secret]);
    check("var.region == \"x\" ? 1 : 2", "(known after apply)", &[region]);
    check("[for x in local.token : x]", "(known after apply)", &[secret]);
    check("merge({ a = 1 }, { b = var.region })", "{a = 1, b = (known after apply)}", &[region]);
    check("timestamp()", "(known after apply)", &["the function timestamp() has another value each time"]);
    check(
        "provider::aws::x(1)",
        "(known after apply)",
        &["the function provider::aws::x() is computed by a provider, which was not asked"],
    );
    check("soon(1)", "(known after apply)", &["the function soon() is not one that driftmgr computes"]);
    check("aws_vpc.main.id", "(known after apply)", &["aws_vpc.main is a resource, whose plan was not asked for"]);
    check(
        "module.a.b",
        "(known after apply)",
        &["the code of module.a is not at hand: it is not installed; run `terraform init`"],
    );
    let outside = "it comes from a file outside of the root module's folder, which is not read";
    check("file(\"../x\")", "(known after apply)", &[outside]);
    check("fileexists(\"/etc/passwd\")", "(known after apply)", &[outside]);
    for (text, part) in [
        ("local.a", "refers to itself"),
        ("var.nothing", "no variable \"nothing\""),
        ("local.nothing", "no local value \"nothing\""),
        ("each.key", "`each`"),
        ("var", "behind a dot"),
        ("path.nothing", "no attribute"),
    ] {
        let problem = world.evaluate(text).0.unwrap_err();
        assert!(problem.contains(part), "{text}: {problem}");
    }
}

#[test]
fn secrets_stay_marked_and_out_of_messages() {
    let world = World::new(&[("main.tf", "variable \"secret\" {\n  default   = \"planted\"\n  sensitive = true\n}\n")]);
    for text in
        ["var.secret", "\"a${var.secret}\"", "upper(var.secret)", "[var.secret][0]", "var.secret == \"x\" ? 1 : 2"]
    {
        let value = world.evaluate(text).0.unwrap();
        assert!(value.is_sensitive() && !value.to_string().contains("planted"), "{text}");
    }
    for text in [
        "1 + var.secret",
        "tonumber(var.secret)",
        "{}[var.secret]",
        "cidrhost(var.secret, 1)",
        "regex(var.secret, \"\")",
        "{ for x in [1, 2] : var.secret => x }",
        "jsondecode(var.secret)",
        "file(var.secret)",
        "parseint(var.secret, 10)",
    ] {
        let problem = world.evaluate(text).0.unwrap_err();
        assert!(!problem.contains("planted"), "{text}: {problem}");
    }
}

#[test]
fn what_would_never_end_ends() {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let world = World::new(&[]);
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{ a = ", "}"),
        ("-", ""),
        ("!", ""),
        ("upper(", ")"),
        ("\"${", "}\""),
        ("true ? 1 : ", ""),
        ("[for x in [1] : ", "]"),
        ("\"%{ if true }${", "}%{ endif }\""),
    ] {
        for n in [90, 10_000] {
            let _ = world.evaluate(&deep(open, close, n));
        }
    }
    for (part, n) in
        [(".a", 10_000), ("[0]", 10_000), ("[*]", 10_000), (".*.a", 10_000), (" + 1", 10_000), (" || true", 10_000)]
    {
        assert!(world.evaluate(&format!("local{}", part.repeat(n))).0.is_err(), "{part}");
    }
    // Each doubles what the one before it is.
    let doubling = |from: &str, to: &str| {
        let locals: String =
            (1..60).map(|n| format!("  l{n} = {}\n", to.replace('@', &format!("local.l{}", n - 1)))).collect();
        World::new(&[("main.tf", &format!("locals {{\n  l0 = {from}\n{locals}}}\n"))]).evaluate("local.l59").0
    };
    assert!(doubling("\"x\"", "\"${@}${@}\"").unwrap_err().contains("bytes"));
    assert!(doubling("[1]", "[@, @]").unwrap_err().contains("parts"));
    assert!(doubling("[1]", "concat(@, @)").unwrap_err().contains("parts"));
    assert!(doubling("\"x\"", "replace(@, \"x\", \"xx\")").is_err());
    assert!(doubling("\"x\"", "join(\"\", [@, @])").is_err());
    assert!(doubling("\"x\"", "format(\"%s%s\", @, @)").is_err());
    let chain: String = (1..12_000).map(|n| format!("  l{n} = local.l{}\n", n - 1)).collect();
    let world = World::new(&[("main.tf", &format!("locals {{\n  l0 = 1\n{chain}}}\n"))]);
    assert_eq!(world.evaluate("local.l5000").0.unwrap(), Value::from(1i64));
    assert!(world.evaluate("local.l11999").0.unwrap_err().contains("too deep"));
    // Deep expressions behind each other, of every kind that nests.
    for (open, close) in
        [("upper(", ")"), ("[for x in [1] : ", "]"), ("\"${", "}\""), ("{ a = [", "] }"), ("true ? (", ") : 1")]
    {
        let link = |n: usize| format!("  l{n} = {}local.l{}{}\n", open.repeat(40), n + 1, close.repeat(40));
        let chain: String = (0..20).map(link).collect();
        let world = World::new(&[("main.tf", &format!("locals {{\n{chain}  l20 = \"end\"\n}}\n"))]);
        assert!(world.evaluate("local.l0").0.is_ok(), "{open}");
    }
    let nested = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]";
    assert!(World::new(&[]).evaluate(nested).0.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn no_mutation_of_an_expression_panics(
        index in 0..EXPRESSIONS.len(),
        edits in vec((any::<prop::sample::Index>(), 0..3_usize, "[\\[\\]{}()\"$%~.*,:=?!<>&|+/a-c0-9 \n-]{0,3}"), 1..5),
    ) {
        let mut text: Vec<char> = EXPRESSIONS[index].chars().collect();
        for (place, n_removed, inserted) in edits {
            let at = place.index(text.len() + 1);
            let end = (at + n_removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        let _ = world().evaluate(&text);
    }
}

#[test]
fn the_tables_are_large_enough_to_mean_something() {
    assert!(EXPRESSIONS.len() >= 350 && MISTAKES.len() >= 80, "{} {}", EXPRESSIONS.len(), MISTAKES.len());
}
