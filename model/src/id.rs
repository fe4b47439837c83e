//! Identifiers and quantities that could be swapped for one another, each a type of its own.

use std::fmt;
use std::sync::Arc;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// Gives the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:?})", stringify!($name), &*self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }
    };
}

text_id!(
    /// Names one cloud of the catalog, as its folder is called: `aws`.
    CloudName
);
text_id!(
    /// Names one account, subscription or project of a cloud: `123456789012`.
    AccountId
);
text_id!(
    /// Names one region of a cloud: `eu-central-1`.
    Region
);
text_id!(
    /// Names a type of remote object as its cloud calls it: `aws.ec2.instance`.
    NativeType
);
text_id!(
    /// Names a Terraform resource type: `aws_instance`.
    ResourceType
);
text_id!(
    /// Identifies a remote object to `terraform import` and to the `id` argument of an `import` block.
    ImportId
);
text_id!(
    /// Identifies the history a state snapshot belongs to; snapshots of different lineage are unrelated.
    Lineage
);
text_id!(
    /// Tells apart the deposed objects of one resource instance: eight hexadecimal digits.
    DeposedKey
);

/// Counts the versions of a state snapshot within its lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(pub u64);

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
