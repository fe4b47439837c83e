//! Remedies: what a person may do about a finding, as data. `hcl` turns them into text.

use std::fmt;

use crate::scope::words;
use crate::{Fingerprint, ImportId, InstanceAddress, ResourceAddress};

words!(
    /// What a remedy is called where people choose one.
    RemedyKind {
        /// The code takes over what the cloud holds.
        Accept => "accept",
        /// The next apply brings the cloud back to what the code says.
        Revert => "revert",
        /// The state takes over what the cloud holds.
        Refresh => "refresh",
        /// A `removed` block: terraform forgets the object, and destroys nothing.
        Removed => "removed",
        /// An `import` block.
        Import => "import",
        /// A `moved` block.
        Moved => "moved",
        /// An entry in the baseline.
        Baseline => "baseline",
    }
);

words!(
    /// How much is known of a remedy.
    RemedyStatus {
        /// The provider plans it so: patched code leaves alone what was accepted, and nothing else becomes another.
        Proved => "proved",
        /// It is for a person to decide and to review.
        Offered => "offered",
        /// It cannot be had, or nobody can tell that it would do.
        Refused => "refused",
    }
);

/// One thing to do about a finding.
#[derive(Clone, Debug, PartialEq)]
pub enum Remedy {
    /// Write an `import` block.
    Import {
        /// The address to import to.
        to: InstanceAddress,
        /// The import id.
        id: ImportId,
    },
    /// Write a `removed` block with `destroy = false`: the object is forgotten, nothing is destroyed.
    Forget {
        /// The resource to forget.
        from: ResourceAddress,
    },
    /// Change an argument in the code to what the cloud holds.
    UpdateCode {
        /// The instance.
        address: InstanceAddress,
        /// The argument.
        path: cty::Path,
        /// The value the cloud holds.
        value: cty::Value,
    },
    /// Apply the code: what was changed by hand is reverted, what is missing is made again.
    Apply {
        /// The instance.
        address: InstanceAddress,
    },
    /// Refresh the state: it already agrees with the code after that.
    Refresh {
        /// The instance.
        address: InstanceAddress,
    },
    /// Write a `moved` block: the object is the same, its address is not.
    Move {
        /// The address in the state.
        from: InstanceAddress,
        /// The address in the code.
        to: InstanceAddress,
    },
    /// Write an entry into the baseline: it is known, and somebody answers for it.
    Baseline {
        /// What identifies the finding.
        fingerprint: Fingerprint,
    },
}

impl Remedy {
    /// Gives what it is called.
    pub fn kind(&self) -> RemedyKind {
        match self {
            Self::Import { .. } => RemedyKind::Import,
            Self::Forget { .. } => RemedyKind::Removed,
            Self::UpdateCode { .. } => RemedyKind::Accept,
            Self::Apply { .. } => RemedyKind::Revert,
            Self::Refresh { .. } => RemedyKind::Refresh,
            Self::Move { .. } => RemedyKind::Moved,
            Self::Baseline { .. } => RemedyKind::Baseline,
        }
    }
}
