//! Remedies: what a person may do about a finding, as data. `hcl` turns them into text.

use crate::{Fingerprint, ImportId, InstanceAddress, ResourceAddress};

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
