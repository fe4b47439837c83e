//! The terraform-provider-driftmgr binary: what exists, drifted and is unmanaged, as data sources.

fn main() {}
