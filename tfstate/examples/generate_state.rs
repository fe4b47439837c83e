//! Writes a large state as terraform would: `generate_state [INSTANCES] > big.tfstate`, 100,000 without an argument.
//!
//! The same number always gives the same bytes. Resources lie in the root module and in keyed modules, with and without
//! keys of their own; each has an id, an ARN, an identity, tags, a policy and dependencies: some 1,200 bytes.

use std::io::{self, BufWriter, Write};

const TYPES: [(&str, &str, &str); 8] = [
    ("aws_instance", "ec2", "instance/i-"),
    ("aws_security_group", "ec2", "security-group/sg-"),
    ("aws_subnet", "ec2", "subnet/subnet-"),
    ("aws_sqs_queue", "sqs", "queue-"),
    ("aws_iam_role", "iam", "role/role-"),
    ("aws_cloudwatch_log_group", "logs", "log-group:/app/"),
    ("aws_dynamodb_table", "dynamodb", "table/table-"),
    ("aws_ssm_parameter", "ssm", "parameter/app/"),
];
const REGIONS: [&str; 3] = ["eu-central-1", "eu-west-1", "us-east-1"];
/// How many instances one block with `count` or `for_each` has.
const N_KEYS: usize = 20;

fn main() -> io::Result<()> {
    let n_instances = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 100_000,
        Some(Ok(n_instances)) => n_instances,
        Some(Err(_)) => return Err(io::Error::other("usage: generate_state [INSTANCES] > FILE")),
    };
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    write!(
        out,
        "{{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.4\",\n  \"serial\": 7,\n  \"lineage\": \
         \"3f2c1a90-0000-4000-8000-000000000001\",\n  \"outputs\": {{\n    \"count\": {{\n      \"value\": {n_instances},\n      \
         \"type\": \"number\"\n    }}\n  }},\n  \"resources\": ["
    )?;
    let mut n_written = 0;
    let mut n_resources = 0_usize;
    while n_written < n_instances {
        let keys = if n_resources.is_multiple_of(4) { N_KEYS } else { 1 }.min(n_instances - n_written);
        write_resource(&mut out, n_resources, keys, n_written)?;
        n_written += keys;
        n_resources += 1;
    }
    out.write_all(b"\n  ],\n  \"check_results\": null\n}\n")?;
    out.flush()
}

fn write_resource(out: &mut impl Write, n_resources: usize, n_keys: usize, first: usize) -> io::Result<()> {
    let (resource_type, service, stem) = TYPES[n_resources % TYPES.len()];
    out.write_all(if n_resources == 0 { b"\n    {" } else { b",\n    {" })?;
    // Terraform orders resources by module; blocks of 1,000 resources share one here.
    if n_resources >= 1000 {
        write!(out, "\n      \"module\": \"module.service[\\\"s{:04}\\\"]\",", n_resources / 1000)?;
    }
    write!(
        out,
        "\n      \"mode\": \"managed\",\n      \"type\": \"{resource_type}\",\n      \"name\": \"r{n_resources:06}\",\n      \
         \"provider\": \"provider[\\\"registry.terraform.io/hashicorp/aws\\\"]\",\n      \"instances\": ["
    )?;
    for key in 0..n_keys {
        out.write_all(if key == 0 { b"\n        {" } else { b",\n        {" })?;
        if n_keys > 1 && n_resources.is_multiple_of(8) {
            write!(out, "\n          \"index_key\": \"key-{key:02}\",")?;
        } else if n_keys > 1 {
            write!(out, "\n          \"index_key\": {key},")?;
        }
        write_instance(out, first + key, service, stem)?;
        out.write_all(b"\n        }")?;
    }
    out.write_all(b"\n      ]\n    }")
}

fn write_instance(out: &mut impl Write, number: usize, service: &str, stem: &str) -> io::Result<()> {
    let region = REGIONS[number % REGIONS.len()];
    let suffix = format!("{:017x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let suffix = &suffix[suffix.len() - 17..];
    let id = format!("{}{suffix}", stem.rsplit(['/', ':']).next().unwrap_or_default());
    let arn_region = if service == "iam" { "" } else { region };
    let owner = number % 97;
    write!(
        out,
        r#"
          "schema_version": 1,
          "attributes": {{
            "arn": "arn:aws:{service}:{arn_region}:123456789012:{stem}{suffix}",
            "description": "Managed by Terraform for team \"{owner}\"",
            "id": "{id}",
            "enabled": true,
            "size": {number},
            "name": "r{number:06}",
            "policy": "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"{service}:*\"}}]}}",
            "region": "{region}",
            "rules": [
              {{
                "from_port": 443,
                "protocol": "tcp",
                "to_port": 443
              }}
            ],
            "tags": {{
              "Name": "r{number:06}",
              "Team": "team-{owner}"
            }},
            "timeouts": null
          }},
          "sensitive_attributes": [],
          "identity_schema_version": 0,
          "identity": {{
            "account_id": "123456789012",
            "id": "{id}",
            "region": "{region}"
          }},
          "private": "eyJzY2hlbWFfdmVyc2lvbiI6IjEifQ==",
          "dependencies": [
            "aws_vpc.main",
            "data.aws_caller_identity.current"
          ]"#
    )
}
