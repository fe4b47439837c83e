//! The calls that exist for us.

/// The calls of service `Provider`, by their names in protocol 6 and protocol 5.
pub(crate) const ALLOWED_CALLS: [(&str, &str); 20] = [
    ("CallFunction", "CallFunction"),
    ("ConfigureProvider", "Configure"),
    ("GenerateResourceConfig", "GenerateResourceConfig"),
    ("GetFunctions", "GetFunctions"),
    ("GetMetadata", ""),
    ("GetProviderSchema", "GetSchema"),
    ("GetResourceIdentitySchemas", "GetResourceIdentitySchemas"),
    ("ImportResourceState", "ImportResourceState"),
    ("ListResource", "ListResource"),
    ("MoveResourceState", "MoveResourceState"),
    ("PlanResourceChange", "PlanResourceChange"),
    ("ReadDataSource", "ReadDataSource"),
    ("ReadResource", "ReadResource"),
    ("StopProvider", "Stop"),
    ("UpgradeResourceIdentity", "UpgradeResourceIdentity"),
    ("UpgradeResourceState", "UpgradeResourceState"),
    ("ValidateDataResourceConfig", "ValidateDataSourceConfig"),
    ("ValidateListResourceConfig", "ValidateListResourceConfig"),
    ("ValidateProviderConfig", "PrepareProviderConfig"),
    ("ValidateResourceConfig", "ValidateResourceTypeConfig"),
];
