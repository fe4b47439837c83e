//! What a root module declares.

use cty::Path;
use hcl::MemoryTree;
use hcl::configuration::{Configuration, Lookup};
use hcl::module::{IgnoreChanges, Module, Repetition};

fn read(files: &[(&str, &str)]) -> (Module, model::Diagnostics) {
    let tree = MemoryTree(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect());
    Module::read(&tree, "live")
}

const MAIN: &str = r#"
terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = "~> 6.0"
      configuration_aliases = [aws.west]
    }
    random = "3.0"
  }

  backend "s3" {
    bucket = "states"
    key    = "live/terraform.tfstate"
    region = var.region

    assume_role = { role_arn = "arn:aws:iam::111111111111:role/x" }
  }
}

provider "aws" {
  region = "eu-central-1"

  assume_role {
    role_arn = "arn:aws:iam::111111111111:role/y"
  }
}

provider "aws" {
  alias  = "west"
  region = local.region
}

resource "aws_instance" "web" {
  for_each = toset(["a", "b"])
  provider = aws.west

  ami           = var.ami
  instance_type = "t3.micro"

  root_block_device {
    volume_size = 10
  }

  dynamic "ebs_block_device" {
    for_each = var.disks

    content {
      device_name = ebs_block_device.value
    }
  }

  metadata_options {}

  lifecycle {
    ignore_changes = [ami, tags["Name"], root_block_device[0].volume_size, "user_data", x[*].y]
  }
}

data "aws_ami" "base" {
  most_recent = true
}

module "network" {
  source = "./network"
}

import {
  to = aws_instance.web["a"]
  id = "i-1"
}

import {
  for_each = var.more
  to       = aws_instance.web[each.key]
  id       = each.value
}
"#;

#[test]
fn a_module_tells_what_it_declares() {
    let (module, problems) = read(&[("live/main.tf", MAIN)]);
    assert_eq!(module.required_version, [">= 1.5"]);
    let aws = &module.required_providers["aws"];
    assert_eq!((aws.source.as_deref(), aws.version.as_deref()), (Some("hashicorp/aws"), Some("~> 6.0")));
    assert_eq!(module.required_providers["random"].version.as_deref(), Some("3.0"));
    let backend = module.backend.unwrap();
    assert_eq!((backend.name.as_str(), backend.span.start.line), ("s3", 14));
    assert_eq!(backend.arguments["bucket"].as_str(), Some("states"));
    assert!(backend.unresolved.contains("region"));
    assert_eq!(backend.arguments["assume_role"].to_string(), r#"{role_arn = "arn:aws:iam::111111111111:role/x"}"#);
    let [default, west] = module.providers.as_slice() else { panic!("two providers") };
    assert_eq!(default.alias, None);
    assert_eq!(default.settings.arguments["assume_role.role_arn"].as_str(), Some("arn:aws:iam::111111111111:role/y"));
    assert_eq!(west.alias.as_deref(), Some("west"));
    assert!(west.settings.unresolved.contains("region"));
    assert_eq!(module.calls[0].source.as_deref(), Some("./network"));
    assert_eq!(module.imports[0].address, Some(r#"aws_instance.web["a"]"#.parse().unwrap()));
    assert_eq!(module.imports[0].id.as_deref(), Some("i-1"));
    assert_eq!((module.imports[1].address.as_ref(), module.imports[1].is_repeated), (None, true));
    assert_eq!(problems.len(), 1);
    assert!(problems[0].to_string().contains("x[*].y"), "{}", problems[0]);
}

#[test]
fn a_resource_tells_what_it_writes_and_ignores() {
    let (module, _) = read(&[("live/main.tf", MAIN)]);
    let web = module.resource(&"aws_instance.web".parse().unwrap()).unwrap();
    assert_eq!((web.repetition, web.provider.as_deref()), (Repetition::ForEach, Some("aws.west")));
    assert_eq!((&*web.span.file, web.span.start.line), ("live/main.tf", 36));
    let written: Vec<String> = web.arguments.iter().map(|argument| argument.path.join(".")).collect();
    assert_eq!(
        written,
        ["ami", "instance_type", "root_block_device.volume_size", "ebs_block_device.device_name", "metadata_options"]
    );
    let root = Path::new().attr("root_block_device");
    assert!(web.written(&root.clone().index(0_i64).attr("volume_size")).is_some());
    assert!(web.written(&root).is_some(), "a part of it is written");
    assert!(web.written(&root.index(0_i64).attr("encrypted")).is_none());
    assert!(web.written(&Path::new().attr("tags")).is_none());
    let name = Path::new().attr("tags").index("Name");
    assert!(web.ignores(&name) && web.ignores(&Path::new().attr("user_data")));
    assert!(!web.ignores(&Path::new().attr("tags").index("team")));
    assert!(module.resource(&"data.aws_ami.base".parse().unwrap()).is_some());
}

#[test]
fn overrides_come_last() {
    let (module, problems) = read(&[
        (
            "live/a_override.tf",
            "resource \"aws_sqs_queue\" \"a\" {\n  name = \"b\"\n  lifecycle {\n    ignore_changes = all\n  }\n}\nterraform {\n  backend \"local\" {}\n}\nprovider \"aws\" {\n  region = \"us-east-1\"\n}\n",
        ),
        (
            "live/main.tf",
            "resource \"aws_sqs_queue\" \"a\" {\n  name = \"a\"\n  tags = {}\n}\nterraform {\n  backend \"s3\" {}\n}\nprovider \"aws\" {\n  region  = var.r\n  profile = \"p\"\n}\n",
        ),
        ("live/.hidden.tf", "}"),
        ("live/notes.txt", "}"),
        ("live/inner/x.tf", "}"),
    ]);
    assert_eq!(problems, []);
    assert_eq!(module.files, [("live/main.tf".to_owned(), false), ("live/a_override.tf".to_owned(), true)]);
    assert_eq!(module.resources.len(), 1);
    let written: Vec<&str> = module.resources[0].arguments.iter().map(|argument| argument.path[0].as_str()).collect();
    assert_eq!(written, ["tags", "name"]);
    assert_eq!(module.resources[0].ignore_changes, IgnoreChanges::All);
    assert_eq!(module.backend.unwrap().name, "local");
    assert_eq!(module.providers.len(), 1);
    let settings = &module.providers[0].settings;
    assert_eq!((settings.arguments.len(), settings.unresolved.len()), (2, 0));
}

#[test]
fn json_tells_the_same() {
    let text = r#"{
      "//": "a comment",
      "terraform": [{"backend": {"s3": {"bucket": "b", "key": "${var.k}"}}, "required_providers": {"aws": {"source": "hashicorp/aws"}}}],
      "provider": {"aws": [{"region": "a"}, {"alias": "w", "region": "b"}]},
      "resource": {"aws_instance": {"web": {"ami": "x", "dynamic": {"disk": {}}, "lifecycle": {"ignore_changes": ["tags[\"Name\"]", "ami"]}}}},
      "import": {"to": "aws_instance.web", "id": "i-1$${x}"}
    }"#;
    let (module, problems) = read(&[("live/main.tf.json", text)]);
    assert_eq!(problems, []);
    let backend = module.backend.unwrap();
    assert_eq!((backend.arguments.len(), backend.unresolved.len()), (1, 1));
    assert_eq!(module.required_providers["aws"].source.as_deref(), Some("hashicorp/aws"));
    assert_eq!(module.providers.len(), 2);
    assert_eq!(module.imports[0].address, Some("aws_instance.web".parse().unwrap()));
    assert_eq!(module.imports[0].id.as_deref(), Some("i-1${x}"));
    let web = &module.resources[0];
    assert!(web.written(&Path::new().attr("ami")).is_some() && web.written(&Path::new().attr("disk")).is_some());
    assert!(web.ignores(&Path::new().attr("tags").index("Name")));

    for text in ["", "{\"resource\": 1}", "{\"resource\": {\"a\": {\"b\": 1}}}", "{\"other\": {}}", "{"] {
        let (_, problems) = read(&[("live/main.tf.json", text)]);
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
    }
}

#[test]
fn an_unreadable_file_does_not_hide_the_others() {
    let tree =
        MemoryTree([("a.tf".to_owned(), vec![b'a', 0xff]), ("b.tf".to_owned(), b"module \"m\" {}\n".to_vec())].into());
    let (module, problems) = Module::read(&tree, ".");
    assert_eq!(module.calls.len(), 1);
    assert!(!module.is_complete);
    let (configuration, _) = Configuration::read(&tree, ".", ".terraform");
    let lookup = configuration.resource(&"aws_vpc.a".parse().unwrap());
    assert!(matches!(lookup, Lookup::Unread), "it may be in the file that cannot be read: {lookup:?}");
    assert_eq!(problems.len(), 1);
    assert!(problems[0].detail.contains("byte 1 of the file is no UTF-8"), "{}", problems[0]);
}

#[test]
fn called_modules_are_followed() {
    let files = [
        (
            "live/main.tf",
            "module \"net\" { source = \"../modules/net\" }\nmodule \"reg\" { source = \"a/b/aws\" }\nmodule \"far\" { source = \"c/d/aws\" }\nmodule \"none\" { source = \"./none\" }\n",
        ),
        (
            "live/.terraform/modules/modules.json",
            r#"{"Modules": [{"Key": "", "Dir": "."}, {"Key": "reg", "Source": "a/b/aws", "Dir": ".terraform/modules/reg"}]}"#,
        ),
        (
            "modules/net/main.tf",
            "module \"sub\" {\n  source = \"./sub\"\n}\nresource \"aws_vpc\" \"main\" {\n  cidr_block = var.cidr\n}\n",
        ),
        ("modules/net/sub/main.tf", "resource \"aws_subnet\" \"a\" {}\n"),
        ("live/.terraform/modules/reg/main.tf", "resource \"aws_iam_role\" \"r\" {}\n"),
    ];
    let tree = MemoryTree(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect());
    let (configuration, problems) = Configuration::read(&tree, "live", ".terraform");
    assert_eq!(problems, []);
    let found = |address: &str| match configuration.resource(&address.parse().unwrap()) {
        Lookup::Block(block) => format!("{}:{}", block.span.file, block.span.start.line),
        Lookup::Absent => "absent".to_owned(),
        Lookup::Unread => "unread".to_owned(),
    };
    assert_eq!(found("module.net[\"x\"].aws_vpc.main"), "modules/net/main.tf:4");
    assert_eq!(found("module.net.module.sub[0].aws_subnet.a"), "modules/net/sub/main.tf:1");
    assert_eq!(found("module.reg.aws_iam_role.r"), "live/.terraform/modules/reg/main.tf:1");
    assert_eq!(found("module.net.aws_vpc.other"), "absent");
    assert_eq!(found("module.gone.aws_vpc.main"), "absent");
    assert_eq!(found("module.far.aws_vpc.main"), "unread");
    assert_eq!(found("module.far.module.x.aws_vpc.main"), "unread");
    assert_eq!(found("module.none.aws_vpc.main"), "unread");
    assert_eq!(configuration.root().unwrap().calls.len(), 4);
}

#[test]
fn modules_that_call_themselves_end() {
    let text = "module \"a\" { source = \"./.\" }\nmodule \"b\" { source = \"../live\" }\n";
    let tree = MemoryTree([("live/main.tf".to_owned(), text.as_bytes().to_vec())].into());
    let (configuration, _) = Configuration::read(&tree, "live", ".terraform");
    assert!(configuration.unread.values().any(|reason| reason.contains("without end")));
}

#[test]
fn files_of_opentofu_stand_for_those_of_the_same_name() {
    let files = [
        ("a.tf", "variable \"shadowed\" {}\n"),
        ("a.tofu", "variable \"own\" {}\n"),
        ("b.tf.json", r#"{"variable": {"shadowed": {}}}"#),
        ("b.tofu.json", r#"{"variable": {"json": {}}}"#),
        ("c.tf", "variable \"other\" {}\n"),
        ("c_override.tofu", "variable \"other\" {\n  default = 1\n}\n"),
        ("d.tofurc", "nonsense {{{"),
    ];
    let tree = MemoryTree(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect());
    let (definitions, problems) = hcl::definitions::Definitions::read(&tree, ".");
    assert!(problems.is_empty(), "{problems:?}");
    let names: Vec<&str> = definitions.variables.keys().map(String::as_str).collect();
    assert_eq!(names, ["json", "other", "own"]);
    assert!(definitions.variables["other"].default.is_some());
}

/// A tree that counts how often each file is read.
struct Counting(MemoryTree, std::cell::RefCell<std::collections::BTreeMap<String, usize>>);

impl hcl::SourceTree for Counting {
    fn list(&self, folder: &str) -> Result<Vec<String>, hcl::ReadError> {
        self.0.list(folder)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, hcl::ReadError> {
        *self.1.borrow_mut().entry(path.to_owned()).or_default() += 1;
        self.0.read(path)
    }
}

#[test]
fn a_folder_that_many_call_is_read_once() {
    let calls: String = (0..40).map(|index| format!("module \"m{index}\" {{\n  source = \"./m\"\n}}\n")).collect();
    let faulty = "variable \"v\" {}\nresource \"a_b\" \"c\" {\n  d = \n}\n";
    let files =
        [("main.tf", calls.as_str()), ("m/main.tf", "module \"n\" { source = \"../n\" }\n"), ("n/main.tf", faulty)];
    let tree = MemoryTree(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect());
    let tree = Counting(tree, std::cell::RefCell::default());
    let (configuration, problems) = Configuration::read(&tree, ".", ".terraform");
    assert_eq!(problems.len(), 1, "a mistake is told once: {problems:?}");
    assert_eq!(configuration.modules.len(), 81);
    let counted = tree.1.into_inner();
    assert!(["main.tf", "m/main.tf", "n/main.tf"].iter().all(|name| counted[*name] == 1), "{counted:?}");
    let definitions = |name: &str| &configuration.definitions[&vec![name.to_owned(), "n".to_owned()]];
    assert!(std::sync::Arc::ptr_eq(definitions("m0"), definitions("m39")));
}
