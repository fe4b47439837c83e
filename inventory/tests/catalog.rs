//! The embedded catalog, as a whole.

use std::collections::BTreeSet;

use inventory::definition::{Catalog, Listing, embedded_sources};

#[test]
fn the_embedded_catalog_compiles() {
    if let Err(errors) = Catalog::compile(&embedded_sources()) {
        panic!("{errors}");
    }
}
