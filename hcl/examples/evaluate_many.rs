//! Evaluates a root of 2,000 instances in 40 modules: what docs/dev/performance/hcl.md measures.
//!
//! `evaluate_many generate FOLDER` writes the root: 40 modules of 50 instances each, which compute names, tags, networks and
//! documents from what they are given, and hand some of it to the next module. `evaluate_many FOLDER` reads it and
//! evaluates every instance, local value and output; it prints how many there are, how many of their leaves are known, and
//! how long that took.

#![expect(clippy::print_stdout, reason = "an example reports on standard output")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use cty::{Type, Value};
use hcl::configuration::Configuration;
use hcl::root::{Root, Sources};
use hcl::variables::VariableValues;
use hcl::{ReadError, SourceTree};
use model::schema::{Attribute, AttributeType, Block};

const N_MODULES: usize = 40;
const N_INSTANCES: usize = 50;

const MODULE: &str = r#"variable "name" {
  type = string
}

variable "number" {
  type = number
}

variable "services" {
  type = map(object({
    port     = number
    size     = optional(string, "small")
    public   = optional(bool, false)
    networks = optional(list(string), [])
    labels   = optional(map(string), {})
  }))
}

variable "upstream" {
  type    = map(string)
  default = {}
}

variable "tags" {
  type    = map(string)
  default = {}
}

locals {
  network = cidrsubnet("10.0.0.0/8", 8, var.number)
  names   = sort(keys(var.services))
  tags    = merge(var.tags, { Module = var.name, Services = join(",", slice(local.names, 0, 3)) })
  sizes   = { small = 1, medium = 2, large = 4 }
  public  = { for name, service in var.services : name => service.port if service.public }
  endpoints = {
    for index, name in local.names : name => format("%s-%02d.%s.internal:%d", name, index, var.name, var.services[name].port)
  }
  statements = [
    for name, port in local.public : {
      Sid       = "Allow${title(replace(name, "-", ""))}"
      Effect    = "Allow"
      Action    = ["service:Connect"]
      Resource  = "arn:aws:service:::${var.name}/${name}:${port}"
      Condition = { IpAddress = { "aws:SourceIp" = distinct(concat([local.network], var.services[name].networks)) } }
    }
  ]
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

resource "terraform_data" "service" {
  for_each = var.services

  input = {
    name     = "${var.name}-${each.key}"
    endpoint = local.endpoints[each.key]
    address  = cidrhost(local.network, index(local.names, each.key) + 10)
    cpu      = local.sizes[each.value.size] * 256
    policy   = each.value.public ? local.policy : null
    upstream = try(var.upstream[each.key], "none")
    tags     = merge(local.tags, each.value.labels, { Name = upper(each.key) })
    rules = [
      for network in coalescelist(each.value.networks, [local.network]) : {
        from = each.value.port
        to   = each.value.port + 1
        cidr = network
        note = <<-EOT
          ${each.key} from ${network}
          %{~if each.value.public} (public)%{endif}
        EOT
      }
    ]
  }
  triggers_replace = [each.value.port, sha1(local.endpoints[each.key])]
}

output "endpoints" {
  value = local.endpoints
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate", folder] => generate(Path::new(folder)),
        [folder] => evaluate(Path::new(folder)),
        _ => Err("usage: evaluate_many [generate] FOLDER".into()),
    }
}

fn generate(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut calls =
        String::from("variable \"tags\" {\n  type    = map(string)\n  default = { Team = \"platform\" }\n}\n");
    for module in 0..N_MODULES {
        let place = folder.join(format!("modules/part{module:02}"));
        fs::create_dir_all(&place)?;
        fs::write(place.join("main.tf"), MODULE)?;
        writeln!(calls, "\nmodule \"part{module:02}\" {{\n  source = \"./modules/part{module:02}\"\n")?;
        writeln!(calls, "  name   = \"part{module:02}\"\n  number = {module}\n  tags   = var.tags")?;
        if module > 0 {
            writeln!(calls, "  upstream = module.part{:02}.endpoints", module - 1)?;
        }
        calls.push_str("  services = {\n");
        for service in 0..N_INSTANCES {
            let port = 1_000 + service;
            let (size, is_public) = (["small", "medium", "large"][service % 3], service % 5 == 0);
            writeln!(
                calls,
                "    service-{service:02} = {{ port = {port}, size = \"{size}\", public = {is_public}, networks = [\"192.168.{service}.0/24\", \
                 \"172.16.{service}.0/24\"], labels = {{ Owner = \"team-{}\" }} }}",
                service % 7
            )?;
        }
        calls.push_str("  }\n}\n");
    }
    fs::write(folder.join("main.tf"), calls)?;
    Ok(())
}

fn evaluate(folder: &Path) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let tree = Arc::new(Disk(folder.to_path_buf()));
    let (configuration, problems) = Configuration::read(&*tree, ".", ".terraform");
    let read_in = began.elapsed();
    let root = Root::new(Sources {
        configuration: Arc::new(configuration),
        variables: Arc::new(VariableValues::default()),
        tree,
        home: None,
        workspace: "default".to_owned(),
        current_dir: None,
    });
    let schema = schema();
    let expansion = root.expand();
    let (mut n_known, mut n_unknown, mut n_problems) = (0, 0, problems.len());
    for address in &expansion.instances {
        let declared = root.instance(address, &schema).map_err(|problem| problem.to_string())?;
        n_problems += declared.diagnostics.len();
        count(&declared.config, &mut n_known, &mut n_unknown);
    }
    for module in &expansion.modules {
        let Some(definitions) = root.definitions(module) else { continue };
        for name in definitions.locals.keys() {
            n_problems += root.local(module, name).2.len();
        }
        for name in definitions.outputs.keys() {
            n_problems += root.output(module, name).2.len();
        }
    }
    println!(
        "{} instances in {} modules: {n_known} leaves known, {n_unknown} not, {n_problems} problems; read in {:.0} ms, evaluated in \
         {:.0} ms",
        expansion.instances.len(),
        expansion.modules.len() - 1,
        read_in.as_secs_f64() * 1_000.0,
        began.elapsed().saturating_sub(read_in).as_secs_f64() * 1_000.0,
    );
    Ok(())
}

fn count(value: &Value, n_known: &mut usize, n_unknown: &mut usize) {
    let value = value.unmark().0;
    if !value.is_known() {
        *n_unknown += 1;
    } else if value.is_null() {
        // Not written.
    } else if value.ty().is_primitive() {
        *n_known += 1;
    } else {
        let keyed = value.entries().map(|(_, value)| value);
        keyed.chain(value.elements()).for_each(|value| count(value, n_known, n_unknown));
    }
}

/// The schema of `terraform_data`.
fn schema() -> Block {
    let attribute = |ty: Type, computed: bool| Attribute {
        ty: AttributeType::Plain(ty),
        description: String::new(),
        description_is_markdown: false,
        required: false,
        optional: !computed,
        computed,
        sensitive: false,
        write_only: false,
        deprecated: false,
        deprecation_message: String::new(),
    };
    let attributes = [
        ("id", attribute(Type::String, true)),
        ("input", attribute(Type::Dynamic, false)),
        ("output", attribute(Type::Dynamic, true)),
        ("triggers_replace", attribute(Type::Dynamic, false)),
    ];
    let attributes = attributes.into_iter().map(|(name, attribute)| (name.to_owned(), attribute)).collect();
    Block { attributes, ..Block::default() }
}

struct Disk(PathBuf);

impl SourceTree for Disk {
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        let fail = |error: std::io::Error| ReadError { path: folder.to_owned(), reason: error.to_string() };
        let mut names = Vec::new();
        for entry in fs::read_dir(self.0.join(folder)).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if entry.path().is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        fs::read(self.0.join(path)).map_err(|error| ReadError { path: path.to_owned(), reason: error.to_string() })
    }
}
