//! Which remote objects exist, in which scope: the catalog and the discovery engine.
//!
//! Owns: the YAML definition format and what it compiles to ([`definition`]), and the engine that asks the clouds.
//! May not know: Terraform schemas, states, configuration, findings, the store, or how anything is shown.
//! Start reading at [`definition::TypeDefinition`], then `catalog/aws/vpc.yaml`, which is the same thing as a person
//! writes it. A good addition is one YAML file with a recorded example: no Rust changes for a resource type.

pub mod definition;
pub mod engine;
