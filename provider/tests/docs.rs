//! The registry pages are what the schema and the examples give.
//!
//! `DRIFTMGR_BLESS=1 cargo test -p terraform-provider-driftmgr --test docs` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::PathBuf;

#[test]
fn the_pages_are_current() {
    let pages = terraform_provider_driftmgr::docs::pages();
    for (path, text) in &pages {
        let file = xtask::repository().join(path);
        if std::env::var_os("DRIFTMGR_BLESS").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, text).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(committed == *text, "{path} is out of date: run this test with DRIFTMGR_BLESS=1");
        assert!(text.len() < 500_000, "{path} is longer than a registry takes");
    }
    for kind in ["data-sources", "functions"] {
        let folder: PathBuf = xtask::repository().join("docs").join(kind);
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| format!("docs/{kind}/{}", entry.unwrap().file_name().to_str().unwrap()))
            .collect();
        let made = pages.keys().filter(|path| path.starts_with(&format!("docs/{kind}/"))).cloned().collect();
        assert_eq!(there, made, "no other page belongs in docs/{kind}");
    }
}

#[test]
fn every_field_of_a_list_is_described() {
    for (path, text) in terraform_provider_driftmgr::docs::pages() {
        assert!(!text.contains("() "), "{path} describes a field that does not exist");
    }
}
