//! Provider blocks as people write them, and what is said where they cannot be known.

use cty::{Type, Value};
use model::schema::{Attribute, AttributeType, NestedBlock, NestingMode};
use model::{Block, CauseKind};
use net::Environment;
use tempfile::TempDir;

use super::Configurations;
use crate::Session;
use crate::evaluation::RootModule;
use crate::evaluation::tests::folder_with;
use crate::request::{StatesRequest, VariableSource};

/// A folder with files, and what a process around it has set.
struct World {
    folder: TempDir,
    environment: Vec<(String, String)>,
    request: StatesRequest,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        Self { folder: folder_with(files), environment: Vec::new(), request: StatesRequest::default() }
    }

    fn with_environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn with_variable(mut self, name: &str, value: &str) -> Self {
        let source = VariableSource::Assignment { name: name.to_owned(), value: value.to_owned() };
        self.request.variables.push(source);
        self
    }

    fn value(&self, address: &str) -> Result<Value, String> {
        let environment = Environment::new(self.environment.clone(), Some("/home/somebody".into()));
        let session = Session::new(environment, self.folder.path().to_owned());
        let (configurations, _) = Configurations::read(&session, RootModule::open(&session, &self.request).as_ref());
        let address = address.parse().expect("an address");
        configurations.value(&address, &schema()).map_err(|cause| {
            assert_eq!(cause.kind, CauseKind::UnknownConfiguration);
            cause.detail
        })
    }

    /// Evaluates, and gives what is not null and not empty.
    fn written(&self, address: &str) -> String {
        let value = self.value(address).expect("it can be evaluated");
        let is_said = |value: &Value| !value.is_null() && (!value.is_empty() || value.ty().is_primitive());
        let said = value.entries().filter(|(_, value)| is_said(value)).map(|(name, value)| format!("{name} = {value}"));
        said.collect::<Vec<_>>().join(", ")
    }
}

fn attribute(ty: Type) -> Attribute {
    Attribute::optional(AttributeType::Plain(ty))
}

fn nested(nesting: NestingMode, attributes: &[(&str, Type)]) -> NestedBlock {
    let attributes = attributes.iter().map(|(name, ty)| ((*name).to_owned(), attribute(ty.clone()))).collect();
    NestedBlock { nesting, block: Block { attributes, ..Block::default() }, min_items: 0, max_items: 0 }
}

fn schema() -> Block {
    let attributes = [
        ("region", Type::String),
        ("token", Type::String),
        ("max_retries", Type::Number),
        ("insecure", Type::Bool),
        ("accounts", Type::list(Type::String)),
        ("resource_provider_registrations", Type::String),
        ("resource_providers_to_register", Type::list(Type::String)),
    ];
    let attributes = attributes.into_iter().map(|(name, ty)| (name.to_owned(), attribute(ty))).collect();
    let blocks = [
        ("assume_role", nested(NestingMode::List, &[("role_arn", Type::String)])),
        ("default_tags", nested(NestingMode::List, &[("tags", Type::map(Type::String))])),
        ("features", nested(NestingMode::List, &[])),
        ("exec", nested(NestingMode::Single, &[("command", Type::String), ("args", Type::list(Type::String))])),
    ];
    let blocks = blocks.into_iter().map(|(name, block)| (name.to_owned(), block)).collect();
    Block { attributes, blocks, ..Block::default() }
}

const AWS: &str = r#"provider["registry.terraform.io/hashicorp/aws"]"#;

#[test]
fn literals_variables_locals_and_functions_are_evaluated() {
    let world = World::new(&[(
        "main.tf",
        r#"
variable "region" { type = string }
variable "roles" { default = ["a", "b"] }
locals { prefix = "arn:${lower("AWS")}" }
provider "aws" {
  region      = var.region
  max_retries = "3"
  insecure    = terraform.workspace == "default"
  accounts    = [for role in var.roles : upper(role)]
  dynamic "assume_role" {
    for_each = var.roles
    content {
      role_arn = "${local.prefix}:${assume_role.value}"
    }
  }
  default_tags {
    tags = { Team = "platform" }
  }
}
provider "aws" {
  alias  = "west"
  region = "us-west-2"
}
"#,
    )])
    .with_environment("TF_VAR_region", "eu-central-1");
    assert_eq!(
        world.written(AWS),
        "accounts = [\"A\", \"B\"], assume_role = [{role_arn = \"arn:aws:a\"}, {role_arn = \"arn:aws:b\"}], \
         default_tags = [{tags = {Team = \"platform\"}}], insecure = true, max_retries = 3, region = \"eu-central-1\""
    );
    assert_eq!(world.written(&format!("{AWS}.west")), "region = \"us-west-2\"");
    // The registry of OpenTofu serves the same provider.
    assert_eq!(world.written(r#"provider["registry.opentofu.org/hashicorp/aws"].west"#), "region = \"us-west-2\"");
    assert_eq!(world.written("provider.aws.west"), "region = \"us-west-2\"");
}

#[test]
fn what_is_not_known_is_named_with_its_place_and_what_to_do() {
    let world = World::new(&[(
        "main.tf",
        "variable \"region\" {}\nprovider \"aws\" {\n  region = var.region\n  token  = data.vault_secret.aws.token\n}\ndata \"vault_secret\" \"aws\" {}\n",
    )]);
    let detail = world.value(AWS).expect_err("it is not known");
    for part in ["`region` (main.tf:3)", "the variable \"region\" has no value", "1 more", "driftmgr.yaml", "--var"] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    let detail = world.with_variable("region", "eu-west-1").value(AWS).expect_err("it is not known");
    assert!(detail.contains("`token` (main.tf:4)") && detail.contains("data.vault_secret.aws is read"), "{detail}");
}

#[test]
fn without_a_block_everything_comes_from_the_environment() {
    assert_eq!(World::new(&[("main.tf", "")]).written(AWS), "");
    assert_eq!(World::new(&[]).written(AWS), "");
    // An alias without code would mean another account or region, nobody knows which.
    let detail = World::new(&[]).value(&format!("{AWS}.west")).expect_err("it is not known");
    assert!(detail.contains("\"west\"") && detail.contains("--dir"), "{detail}");
    let detail = World::new(&[("main.tf", "")]).value(&format!("{AWS}.west")).expect_err("it is not known");
    assert!(detail.contains("does not have"), "{detail}");
    let detail = World::new(&[("main.tf", "provider \"aws\" {\n")]).value(AWS);
    assert_eq!(detail.map(|value| value.len()), Ok(11));
    let detail = World::new(&[("main.tf", "}\n")]).value(AWS).expect_err("it may be where nobody could read it");
    assert!(detail.contains("Not all of the code could be read"), "{detail}");
}

#[test]
fn local_names_mean_what_required_providers_says() {
    let world = World::new(&[(
        "main.tf",
        r#"
terraform {
  required_providers {
    amazon = { source = "hashicorp/aws" }
    aws    = { source = "example.com/somebody/aws" }
  }
}
provider "amazon" { region = "us-east-1" }
provider "aws" { region = "elsewhere" }
"#,
    )]);
    assert_eq!(world.written(AWS), "region = \"us-east-1\"");
    assert_eq!(world.written(r#"provider["example.com/somebody/aws"]"#), "region = \"elsewhere\"");
}

#[test]
fn blocks_of_modules_see_what_their_module_is_given() {
    let world = World::new(&[
        (
            "main.tf",
            "module \"net\" {\n  source = \"./net\"\n  place = local.place\n}\nlocals { place = \"eu-west-1\" }\n",
        ),
        ("net/main.tf", "variable \"place\" {}\nprovider \"aws\" { region = var.place }\n"),
    ]);
    assert_eq!(world.written(&format!("module.net.{AWS}")), "region = \"eu-west-1\"");
    let detail = world.value(&format!("module.gone.{AWS}")).expect_err("it is not there");
    assert!(detail.contains("nothing calls the module \"gone\""), "{detail}");
}

#[test]
fn keyed_configurations_have_their_key() {
    let world = World::new(&[(
        "main.tf",
        r#"
provider "aws" {
  alias    = "by_region"
  for_each = { west = "us-west-2", east = "us-east-1" }
  region   = each.value
  token    = each.key
}
"#,
    )]);
    assert_eq!(world.written(&format!("{AWS}.by_region[\"west\"]")), "region = \"us-west-2\", token = \"west\"");
    let detail = world.value(&format!("{AWS}.by_region[\"north\"]")).expect_err("there is none");
    assert!(detail.contains("no element"), "{detail}");
    assert!(world.value(&format!("{AWS}.by_region")).is_err());
}

#[test]
fn driftmgr_yaml_is_laid_over_the_block() {
    let yaml = r#"
version: 1
providers:
  - provider: aws
    arguments:
      token: env:SECRET_TOKEN
      max_retries: 5
      assume_role:
        - role_arn: "arn:${literal}"
  - provider: registry.opentofu.org/hashicorp/aws
    alias: west
    arguments: {region: us-west-2, exec: {command: aws, args: [eks]}}
"#;
    let code =
        "provider \"aws\" {\n  region = \"eu-west-1\"\n  token = data.a.b.c\n  assume_role { role_arn = \"x\" }\n}\n";
    let world = World::new(&[("main.tf", code), ("driftmgr.yaml", yaml)]).with_environment("SECRET_TOKEN", "planted");
    assert_eq!(
        world.written(AWS),
        "assume_role = [{role_arn = \"arn:$${literal}\"}], max_retries = 5, region = \"eu-west-1\", token = \"planted\""
    );
    let expected = "exec = {args = [\"eks\"], command = \"aws\"}, region = \"us-west-2\"";
    assert_eq!(world.written(&format!("{AWS}.west")), expected);
}

#[test]
fn mistakes_in_driftmgr_yaml_are_named_and_no_value_is_shown() {
    let problems = |yaml: &str| {
        let world = World::new(&[("driftmgr.yaml", yaml)]);
        let session = Session::new(Environment::default(), world.folder.path().to_owned());
        let (_, diagnostics) = Configurations::read(&session, RootModule::open(&session, &world.request).as_ref());
        assert!(world.value(AWS).is_err(), "{yaml}");
        diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let text = problems("version: 1\nproviders:\n  - provider: aws\n    argumnets: {token: planted}\n");
    assert!(text.contains("driftmgr.yaml:4:5") && text.contains("argumnets") && !text.contains("planted"), "{text}");
    let text = problems("version: 1\nproviders:\n  - provider: aws\n    arguments: {token: env:UNSET_TOKEN}\n");
    assert!(text.contains("\"UNSET_TOKEN\" is not set"), "{text}");
    assert!(problems("version: 2\n").contains("version 1"));
    assert!(problems("providers: []\n").contains("version: 1"));
    let text = problems("version: 1\nproviders: [{provider: aws, arguments: {token: 'planted}}]\n");
    assert!(text.contains("YAML") && !text.contains("planted"), "{text}");
}

#[test]
fn a_wrong_value_is_named_and_not_shown() {
    let code = "provider \"aws\" {\n  max_retries = \"planted\"\n  regoin = \"x\"\n}\n";
    let detail = World::new(&[("main.tf", code)]).value(AWS).expect_err("it is wrong");
    assert!(detail.contains("main.tf:2") && detail.contains("max_retries") && !detail.contains("planted"), "{detail}");
    let detail = World::new(&[("main.tf", "provider \"aws\" {\n  regoin = \"x\"\n}\n")]).value(AWS);
    assert!(detail.expect_err("there is no such argument").contains("regoin"));
}

#[test]
fn azurerm_registers_nothing() {
    let azure = r#"provider["registry.terraform.io/hashicorp/azurerm"]"#;
    let code = "provider \"azurerm\" {\n  resource_provider_registrations = \"extended\"\n  \
                resource_providers_to_register = [\"Microsoft.Web\"]\n}\n";
    for files in [&[][..], &[("main.tf", code)], &[("main.tf", "provider \"azurerm\" {\n  features {}\n}\n")]] {
        let world = World::new(files);
        assert_eq!(world.written(azure), "features = [{}], resource_provider_registrations = \"none\"", "{files:?}");
    }
}

#[test]
fn json_configuration_means_the_same() {
    let code = r#"{
  "//": "a comment",
  "variable": {"region": {"type": "string", "default": "eu-${literal}"}},
  "provider": {"aws": [
    {"region": "${upper(var.region)}", "assume_role": {"role_arn": "a"}, "//": "a comment"},
    {"alias": "west", "dynamic": {"assume_role": {"for_each": ["b"], "content": {"role_arn": "${assume_role.value}"}}}}
  ]}
}"#;
    let world = World::new(&[("main.tf.json", code)]);
    assert_eq!(world.written(AWS), "assume_role = [{role_arn = \"a\"}], region = \"EU-$${LITERAL}\"");
    assert_eq!(world.written(&format!("{AWS}.west")), "assume_role = [{role_arn = \"b\"}]");
}
