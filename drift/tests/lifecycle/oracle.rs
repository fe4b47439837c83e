//! OpenTofu's core, which makes the cases: built once for each state of our sources, see `acceptance-tests/lifecycle`.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use xtask::tools::{InsideOpentofu, inside_opentofu};

const PROGRAM: InsideOpentofu = InsideOpentofu {
    name: "lifecycle",
    sources: "acceptance-tests/lifecycle",
    places: &[("core", "internal/tofu"), ("generate", "internal/driftmgr-lifecycle")],
};

/// Returns the program that makes cases; where it cannot be built, says so and returns nothing.
///
/// # Panics
/// Where it is not built although Go and the module are there.
pub(crate) fn program() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(|| inside_opentofu(&PROGRAM)).as_deref()
}
