//! Security-relevant paths: a difference there makes a run fail though the code is silent on it.
//!
//! A plan says nothing about what the code leaves open, so a rule, a policy or a grant that somebody adds by hand would
//! be found and pass. The list is short and data; what a managed twin explains is never among its findings. A good
//! entry opens something or gives rights, and names the resource type as narrowly as the provider allows.

use cty::{Path, PathStep};
use model::ResourceType;

use crate::Pattern;

/// One entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityPath {
    /// The Terraform type, as a pattern.
    pub resource_type: &'static str,
    /// The names on the way to the attribute, joined with dots, as a pattern; what lies inside of it counts as well.
    pub path: &'static str,
    /// Why, as a sentence.
    pub why: &'static str,
}

const fn entry(resource_type: &'static str, path: &'static str, why: &'static str) -> SecurityPath {
    SecurityPath { resource_type, path, why }
}

const NETWORK: &str = "Rules let traffic in and out.";
const ROUTES: &str = "Routes lead traffic elsewhere.";
const RIGHTS: &str = "Policies and grants give rights.";
const TRUST: &str = "It says who may take the role.";
const PUBLIC: &str = "It may open the object to the public.";
const DATA: &str = "It decides who reads, and how long data are kept.";

/// Every entry, in the order of the documentation.
pub const SECURITY_PATHS: &[SecurityPath] = &[
    entry("aws_*security_group", "ingress", NETWORK),
    entry("aws_*security_group", "egress", NETWORK),
    entry("aws_*network_acl", "ingress", NETWORK),
    entry("aws_*network_acl", "egress", NETWORK),
    entry("aws_*route_table", "route", ROUTES),
    entry("aws_*", "vpc_security_group_ids", NETWORK),
    entry("aws_iam_*", "inline_policy", RIGHTS),
    entry("aws_iam_*", "managed_policy_arns", RIGHTS),
    entry("aws_iam_*", "policy_arns", RIGHTS),
    entry("aws_iam_*", "permissions_boundary", RIGHTS),
    entry("aws_iam_role", "assume_role_policy", TRUST),
    entry("aws_instance", "iam_instance_profile", RIGHTS),
    entry("aws_*", "policy", RIGHTS),
    entry("aws_*", "access_policies", RIGHTS),
    entry("aws_*", "access_policy", RIGHTS),
    entry("aws_*", "publicly_accessible", PUBLIC),
    entry("aws_lambda_permission", "*", RIGHTS),
    entry("aws_lambda_function_url", "authorization_type", PUBLIC),
    entry("aws_eks_cluster", "vpc_config.endpoint_public_access", PUBLIC),
    entry("aws_eks_cluster", "vpc_config.public_access_cidrs", PUBLIC),
    entry("aws_s3_bucket_public_access_block", "*", PUBLIC),
    entry("aws_s3_*", "public_access_block_configuration", PUBLIC),
    entry("aws_s3_bucket*", "acl", PUBLIC),
    entry("aws_s3_bucket", "grant", RIGHTS),
    entry("aws_s3_bucket_acl", "access_control_policy", RIGHTS),
    entry("aws_s3_bucket", "cors_rule", PUBLIC),
    entry("aws_s3_bucket", "website", PUBLIC),
    entry("aws_s3_bucket", "logging", DATA),
    entry("aws_s3_bucket", "lifecycle_rule", DATA),
    entry("aws_s3_bucket", "replication_configuration", DATA),
    entry("aws_s3_bucket", "server_side_encryption_configuration", DATA),
    entry("aws_s3_bucket", "versioning", DATA),
    entry("azurerm_network_security_group", "security_rule", NETWORK),
    entry("azurerm_route_table", "route", ROUTES),
    entry("azurerm_key_vault", "access_policy", RIGHTS),
    entry("azurerm_role_definition", "permissions", RIGHTS),
    entry("azurerm_*", "network_acls", NETWORK),
    entry("azurerm_*", "network_rules", NETWORK),
    entry("azurerm_*", "public_network_access_enabled", PUBLIC),
    entry("azurerm_storage_account", "allow_nested_items_to_be_public", PUBLIC),
    entry("google_compute_firewall", "allow", NETWORK),
    entry("google_compute_firewall", "source_*", NETWORK),
    entry("google_compute_firewall", "target_*", NETWORK),
    entry("google_*_iam_*", "*", RIGHTS),
    entry("google_*_acl", "role_entity", RIGHTS),
    entry("google_bigquery_dataset", "access", RIGHTS),
    entry("google_compute_instance", "service_account", RIGHTS),
    entry("google_container_cluster", "master_authorized_networks_config", NETWORK),
    entry("google_sql_database_instance", "settings.ip_configuration", NETWORK),
    entry("google_storage_bucket", "public_access_prevention", PUBLIC),
    entry("google_storage_bucket", "uniform_bucket_level_access", PUBLIC),
    entry("kubernetes_*role*", "rule", RIGHTS),
    entry("kubernetes_*role_binding*", "role_ref", RIGHTS),
    entry("kubernetes_*role_binding*", "subject", RIGHTS),
    entry("kubernetes_network_policy*", "spec", NETWORK),
    entry("postgresql_grant*", "privileges", RIGHTS),
    entry("rabbitmq_*permissions", "permissions", RIGHTS),
    entry("rabbitmq_user", "tags", RIGHTS),
    entry("vault_policy", "policy", RIGHTS),
];

/// Finds the entry that makes a path of a type relevant for security.
pub fn security_path(resource_type: &ResourceType, path: &Path) -> Option<&'static SecurityPath> {
    let mut names = String::new();
    let mut prefixes = Vec::new();
    for step in path.steps() {
        if let PathStep::GetAttr(name) = step {
            if !names.is_empty() {
                names.push('.');
            }
            names.push_str(name);
            prefixes.push(names.clone());
        }
    }
    let is_there = |pattern: &str| {
        let pattern = Pattern::new(pattern);
        prefixes.iter().any(|prefix| pattern.matches(prefix))
    };
    SECURITY_PATHS
        .iter()
        .find(|entry| Pattern::new(entry.resource_type).matches(resource_type.as_str()) && is_there(entry.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_inside_counts_and_other_types_do_not() {
        let is_relevant = |resource_type: &str, path: Path| security_path(&resource_type.into(), &path).is_some();
        let rule = Path::new().attr("ingress").index(22i64).attr("cidr_blocks").index(0i64);
        assert!(is_relevant("aws_security_group", rule.clone()));
        assert!(is_relevant("aws_default_security_group", rule.clone()));
        assert!(!is_relevant("aws_lb", rule));
        let addresses = Path::new().attr("settings").index(0i64).attr("ip_configuration").index(0i64).attr("x");
        assert!(is_relevant("google_sql_database_instance", addresses));
        assert!(!is_relevant("google_sql_database_instance", Path::new().attr("settings").index(0i64).attr("tier")));
        assert!(is_relevant("google_project_iam_binding", Path::new().attr("members")));
        assert!(!is_relevant("aws_autoscaling_group", Path::new().attr("desired_capacity")));
    }
}
