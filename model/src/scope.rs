//! Scopes: where was looked, and how completely.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::{AccountId, CloudName, NativeType, Region};

/// The smallest place that is seen or not seen as a whole: one type in one region of one account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The cloud.
    pub cloud: CloudName,
    /// The account, subscription or project.
    pub account: AccountId,
    /// The region; `None` for what is global in its account.
    pub region: Option<Region>,
    /// The type of remote object.
    pub native_type: NativeType,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_ref().map_or("global", Region::as_str);
        write!(f, "{}/{region}/{}", self.account, self.native_type)
    }
}

/// Says how completely a scope was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeStatus {
    /// Every object was listed: what is not there does not exist.
    Complete,
    /// Some objects were listed; absence proves nothing.
    Partial,
    /// Nothing was listed.
    Failed,
}

/// What became of looking at one scope.
#[derive(Clone, Debug, PartialEq)]
pub struct ScopeOutcome {
    /// The scope.
    pub scope: Scope,
    /// How completely it was seen.
    pub status: ScopeStatus,
    /// Why it was not seen completely; empty where it was, save for causes that concern single objects.
    pub causes: Vec<Cause>,
    /// How many objects were seen.
    pub n_objects: u64,
    /// How often each operation was called, retries included.
    pub calls: BTreeMap<String, u64>,
    /// When looking began.
    pub started: Timestamp,
    /// When looking ended.
    pub finished: Timestamp,
}

/// Why something could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// The kind, for scripts.
    pub kind: CauseKind,
    /// Full sentences, for people: what failed, where, what to do next. Never holds a secret.
    pub detail: String,
}

impl Cause {
    /// Makes a cause.
    pub fn new(kind: CauseKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Lists every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Gives the word used in every output.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Finds the value a word stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words!(
    /// The kinds of causes for which something is undetermined.
    CauseKind {
        /// The cloud asked us to slow down until the deadline passed.
        Throttled => "throttled",
        /// The credentials lack a permission.
        Denied => "denied",
        /// No usable credentials were found, or they have expired.
        Credentials => "credentials",
        /// The deadline passed.
        Timeout => "timeout",
        /// The user stopped the run.
        Cancelled => "cancelled",
        /// The endpoint could not be reached.
        Unreachable => "unreachable",
        /// The answer could not be understood, or never ended.
        InvalidReply => "invalid_reply",
        /// The server failed.
        ServerError => "server_error",
        /// The region is not enabled in the account, or does not have the service.
        RegionUnavailable => "region_unavailable",
        /// A parent could not be seen, so its children could not.
        ParentNotSeen => "parent_not_seen",
        /// No definition and no provider knows the type.
        NoDefinition => "no_definition",
        /// The instance lies outside the scopes that were asked for.
        OutsideScope => "outside_scope",
        /// The scope was never scanned, or longer ago than allowed.
        NotScanned => "not_scanned",
        /// The instance records too little to find its remote object.
        NoIdentity => "no_identity",
        /// The caller's account is not the recorded one.
        WrongAccount => "wrong_account",
        /// Implausibly many instances of one provider configuration would be missing.
        ImplausibleShare => "implausible_share",
        /// The set of states is incomplete, so that "unmanaged" has no meaning.
        IncompleteStates => "incomplete_states",
        /// The state moved while it was compared.
        StateMoved => "state_moved",
        /// No binary of the provider was found.
        NoProvider => "no_provider",
        /// A binary of the provider was found but must not be started: its hash or its origin forbids it.
        ProviderRefused => "provider_refused",
        /// The provider ended, panicked, or answered with an error.
        ProviderFailed => "provider_failed",
        /// The provider's configuration cannot be known without running terraform.
        UnknownConfiguration => "unknown_configuration",
        /// The provider does not know the type.
        UnknownType => "unknown_type",
        /// A newer version of the provider wrote the state.
        NewerState => "newer_state",
    }
);
