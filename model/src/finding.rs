//! The vocabulary of findings: kinds say what happened, tiers how relevant it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use cty::{Path, Value};
use jiff::Timestamp;

use crate::scope::words;
use crate::{
    AccountId, Cause, DeposedKey, Identity, ImportId, InstanceAddress, Precision, ProviderAddress, Region, Remedy,
    ResourceType, ScopeOutcome, Span, StateRef,
};

words!(
    /// What happened to a resource instance or a remote object.
    Kind {
        /// The cloud differs from what was applied.
        Changed => "changed",
        /// Code and state know it, the cloud does not.
        Missing => "missing",
        /// The cloud has it, no state of the named set does.
        Unmanaged => "unmanaged",
        /// The code was changed and is not applied yet.
        Pending => "pending",
        /// The code already says what the cloud holds; only the state is behind.
        Stale => "stale",
        /// Code, state and cloud all differ: the next apply overwrites somebody's change.
        Collision => "collision",
        /// State and cloud have it, the code does not: the next apply destroys it.
        Orphan => "orphan",
        /// This change removed the code: the next apply destroys it on purpose.
        PendingDestroy => "pending_destroy",
        /// Only the state remembers it.
        Dangling => "dangling",
        /// Written in code and existing in the cloud, but never imported.
        NotImported => "not_imported",
        /// Two states record it.
        DoubleOwner => "double_owner",
        /// Another tool manages it.
        ManagedElsewhere => "managed_elsewhere",
        /// It could not be looked at.
        Undetermined => "undetermined",
    }
);

words!(
    /// How relevant a difference of one attribute is, and why.
    Tier {
        /// The code sets the attribute.
        Declared => "declared",
        /// The code is silent, and the provider may set the attribute.
        Undeclared => "undeclared",
        /// Another recorded instance accounts for it.
        Explained => "explained",
        /// The code was not read.
        Unclassified => "unclassified",
        /// The provider alone sets the attribute.
        Runtime => "runtime",
        /// The user said to ignore it.
        Ignored => "ignored",
        /// The provider grew the attribute since the state was written.
        SchemaAdded => "schema_added",
        /// The attribute cannot be read back.
        Unreadable => "unreadable",
    }
);

words!(
    /// How a finding meets a change of the code, where one is checked: the first that is so.
    Impact {
        /// The change removes it on purpose, or replaces it.
        Destroys => "destroys",
        /// The change sets what somebody else changed meanwhile.
        Collides => "collides",
        /// Applying the change undoes what somebody changed by hand, beside what it is about.
        Reverts => "reverts",
        /// The change is about the same instance.
        Touches => "touches",
    }
);

words!(
    /// How much a finding matters.
    FindingSeverity {
        /// For information.
        Info => "info",
        /// Worth a look.
        Low => "low",
        /// Should be dealt with.
        Medium => "medium",
        /// Should be dealt with now.
        High => "high",
    }
);

/// Identifies a finding over time: equal for the same thing found again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One attribute that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeDifference {
    /// What happened to it: changed, pending, stale or a collision.
    pub kind: Kind,
    /// The attribute; an element of a set by what identifies it, never by position.
    pub path: Path,
    /// How relevant it is.
    pub tier: Tier,
    /// Whether it opens something or gives rights, though the code is silent on it.
    pub is_security_relevant: bool,
    /// Why it differs, as a sentence, where that is known.
    pub cause: Option<String>,
    /// The address that this difference follows from.
    pub propagated_from: Option<InstanceAddress>,
    /// Declared.
    pub code: Option<Value>,
    /// Recorded.
    pub state: Option<Value>,
    /// Observed.
    pub cloud: Option<Value>,
    /// Planned.
    pub planned: Option<Value>,
    /// The code that sets it.
    pub source: Option<Span>,
    /// Whether the values must not be shown.
    pub is_sensitive: bool,
}

impl AttributeDifference {
    /// Makes a difference that says only where it is, what happened, and how relevant that is.
    pub fn new(kind: Kind, path: Path, tier: Tier) -> Self {
        Self {
            kind,
            path,
            tier,
            is_security_relevant: false,
            cause: None,
            propagated_from: None,
            code: None,
            state: None,
            cloud: None,
            planned: None,
            source: None,
            is_sensitive: false,
        }
    }
}

/// One thing found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What happened.
    pub kind: Kind,
    /// Whether this finding alone makes the exit code 2.
    pub fails: bool,
    /// The address, where code or state has one.
    pub address: Option<InstanceAddress>,
    /// The deposed object it is about.
    pub deposed: Option<DeposedKey>,
    /// The Terraform type, where one is known.
    pub resource_type: Option<ResourceType>,
    /// The native type, where the cloud was asked.
    pub native_type: Option<crate::NativeType>,
    /// The import id.
    pub id: Option<ImportId>,
    /// Its identity, where the type has one and it was seen.
    pub identity: Option<Identity>,
    /// The cloud-wide name.
    pub arn: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Its tags, where they were seen.
    pub tags: BTreeMap<String, String>,
    /// Why this was found, as a sentence.
    pub reason: String,
    /// How much it matters.
    pub severity: FindingSeverity,
    /// What identifies it over time.
    pub fingerprint: Fingerprint,
    /// The attributes that differ.
    pub attributes: Vec<AttributeDifference>,
    /// The state it was found against, and for double owners all of them.
    pub states: Vec<StateRef>,
    /// The provider.
    pub provider: Option<ProviderAddress>,
    /// The version of the provider that was asked, where one was.
    pub provider_version: Option<String>,
    /// The account.
    pub account: Option<AccountId>,
    /// The region.
    pub region: Option<Region>,
    /// What the observation can be compared with.
    pub precision: Option<Precision>,
    /// The call that showed an object that no state records: `ec2:DescribeInstances`, or `ListResource` of a provider.
    pub found_by: Option<Arc<str>>,
    /// When the cloud was looked at.
    pub observed_at: Option<Timestamp>,
    /// The line of code it is about.
    pub source: Option<Span>,
    /// Set where the user chose to ignore it: the reason given.
    pub ignored: Option<String>,
    /// Why it was folded away rather than shown (an account default, a child), as a sentence.
    pub folded: Option<String>,
    /// How it meets the change that is checked; `None` where it does not, or no change is.
    pub impact: Option<Impact>,
    /// Why it is undetermined.
    pub cause: Option<Cause>,
    /// What may be done about it.
    pub remedies: Vec<Remedy>,
}

impl Finding {
    /// Makes a finding that says only what happened, and why it was found: a sentence.
    pub fn new(kind: Kind, reason: String) -> Self {
        Self {
            kind,
            fails: false,
            address: None,
            deposed: None,
            resource_type: None,
            native_type: None,
            id: None,
            identity: None,
            arn: None,
            name: None,
            tags: BTreeMap::new(),
            reason,
            severity: FindingSeverity::Info,
            fingerprint: Fingerprint(String::new()),
            attributes: Vec::new(),
            states: Vec::new(),
            provider: None,
            provider_version: None,
            account: None,
            region: None,
            precision: None,
            found_by: None,
            observed_at: None,
            source: None,
            ignored: None,
            folded: None,
            impact: None,
            cause: None,
            remedies: Vec::new(),
        }
    }
}

/// What was seen, as data, with its denominator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Managed resource instances in the states that were read.
    pub n_instances: u64,
    /// Those that were compared with the cloud.
    pub n_checked: u64,
    /// Those that could not be.
    pub n_undetermined: u64,
    /// Those that exist in the state and nowhere else, by nature (`random_id`): there is nothing to compare.
    pub n_state_only: u64,
    /// Every scope that was to be looked at.
    pub scopes: Vec<ScopeOutcome>,
    /// The same per provider configuration.
    pub configurations: Vec<ScopeCoverage>,
    /// What providers were asked to list. A list proves that something exists, never that something does not.
    pub lists: Vec<ListOutcome>,
    /// The plan whose own refresh is all that was seen, where a plan was read instead of a cloud.
    pub plan: Option<PlanLook>,
}

/// Says what was seen through a plan that somebody else made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLook {
    /// The plan, as it was named.
    pub name: Arc<str>,
    /// The version of Terraform or OpenTofu that made it.
    pub terraform_version: String,
    /// When it was made, where it says so.
    pub made_at: Option<Timestamp>,
    /// Whether its refresh is certain: where nothing differs, a plan made without one looks just the same.
    pub is_surely_refreshed: bool,
}

words!(
    /// How far a provider's list of a resource type went.
    ListStatus {
        /// It ended without an error.
        Listed => "listed",
        /// It gave objects and was cut short.
        Partial => "partial",
        /// It gave nothing but an error.
        Failed => "failed",
        /// It was not asked for.
        NotListed => "not_listed",
    }
);

/// What became of asking one configured provider to list the objects of one resource type.
#[derive(Clone, Debug, PartialEq)]
pub struct ListOutcome {
    /// The provider configuration, as the state names it.
    pub provider: String,
    /// The version of the provider, where it is known.
    pub provider_version: Option<String>,
    /// The resource type.
    pub resource_type: ResourceType,
    /// How far it went.
    pub status: ListStatus,
    /// How many objects it gave.
    pub n_objects: u64,
    /// How many of them a state records.
    pub n_recorded: u64,
    /// How many others the inventory saw too, or leaves out though it saw their scopes completely.
    pub n_inventory: u64,
    /// How often each call was made, by its name in protocol 6.
    pub calls: BTreeMap<String, u64>,
    /// Why it was cut short, failed or was not asked for.
    pub causes: Vec<Cause>,
}

/// Coverage of the instances of one provider configuration of one state.
#[derive(Clone, Debug, PartialEq)]
pub struct ScopeCoverage {
    /// The provider configuration, as the state names it.
    pub provider: String,
    /// The state it belongs to.
    pub state: StateRef,
    /// Its instances.
    pub n_instances: u64,
    /// Those that were compared.
    pub n_checked: u64,
    /// What the comparison could see.
    pub precision: Precision,
    /// The version of the provider that was asked, where one was.
    pub provider_version: Option<String>,
    /// How often each call of the provider was made, by its name in protocol 6.
    pub calls: BTreeMap<String, u64>,
    /// Why instances were not seen, with how many each.
    pub causes: BTreeMap<Cause, u64>,
}

impl Coverage {
    /// Tells whether everything that was to be seen was seen.
    pub fn is_complete(&self) -> bool {
        self.n_undetermined == 0 && self.scopes.iter().all(|outcome| outcome.status == crate::ScopeStatus::Complete)
    }
}
