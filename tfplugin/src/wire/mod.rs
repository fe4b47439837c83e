//! The types of the wire, and the one place where they meet `cty` and `model`.
//!
//! Messages of protocol 5 that equal those of protocol 6 field for field have one Rust type, that of protocol 6; the
//! generator (`tests/generated.rs`) proves the equality each time. Only the schema and the validation of the provider's
//! configuration have two.

pub(crate) mod diagnostic;
pub(crate) mod function;
pub(crate) mod schema;
pub(crate) mod value;

macro_rules! generated {
    ($(#[$doc:meta])* $name:ident, $file:literal) => {
        $(#[$doc])*
        #[expect(
            unreachable_pub,
            unused_qualifications,
            clippy::all,
            clippy::pedantic,
            clippy::allow_attributes_without_reason,
            reason = "generated code"
        )]
        pub(crate) mod $name {
            include!(concat!("generated/", $file));
        }
    };
}

generated!(
    /// Protocol 5, without what equals protocol 6.
    tfplugin5, "tfplugin5.rs"
);
generated!(
    /// Protocol 6.
    tfplugin6, "tfplugin6.rs"
);
generated!(
    /// The services of go-plugin.
    goplugin, "goplugin.rs"
);
generated!(
    /// The health service of gRPC.
    health, "health.rs"
);
