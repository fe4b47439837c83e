//! A provider that has everything the protocol knows, keeps its objects in files, and misbehaves on request.
//!
//! Tests run it under our own host, terraform and tofu. It is also a whole provider to learn from: types, their schemas,
//! their calls, and a `main` of one statement. As every provider served by this workspace it cannot apply.
//!
//! # What it offers
//!
//! - `data.torture_echo` gives back what it is given, and crashes, panics, sleeps or floods where it is told to (`echo.rs`).
//! - `torture_thing` has no cloud: what is read is what was there, and the private bytes count the reads (`thing.rs`).
//! - `torture_object`, `torture_legacy` and `torture_policy` are objects of a cloud that is a folder (`cloud/`); so are
//!   `torture_specimen` and the others that are hard to write configuration for (below).
//! - `provider::torture::repeat` is a function (`function.rs`).
//!
//! # The cloud
//!
//! The object NAME of type TYPE is the file `TYPE/NAME.json` in the folder that the provider's `cloud` argument names, or
//! the variable `TORTURE_CLOUD`. A test changes the cloud by writing files. A file that is not there is an object that does
//! not exist. Attributes that the JSON does not name are null; a number may be written as a string (`"1.50"`) to keep its
//! digits. `$error` in a file makes its reading fail with that text, `$sleep_ms` makes it slow.
//!
//! - Import ids are names, identities are `{name}` of version 1. An import gives no more than the name: reading does the rest.
//! - Everything has schema version 1. In version 0 `name` was `title`, in states and in identities.
//! - Every type can be listed; the list's `prefix` selects names. What cannot be read is left out of a list.
//!
//! `torture_object` behaves as providers on the plugin framework do:
//!
//! - `policy` is planned as it was where the configuration's JSON means the same;
//! - `tier` is optional and computed, `standard` by default; `labels` is optional and computed, with any keys;
//! - `made` is computed by the cloud, `revision` too and changes with every planned update;
//! - `force` is known to the state only: reads keep it, imports do not know it;
//! - `secret` is sensitive, `password` write-only, `anything` of any type, `ratio` a number of any precision;
//! - `ingress` is a set of objects; `endpoint`, `steps`, `members` and `settings` are nested attributes, single, list, set
//!   and map; `rule`, `grant`, `zone` and `limits` are nested blocks, list, set, map and single;
//! - another `name` needs a replacement.
//!
//! `torture_legacy` behaves as providers on the older SDK do: what is absent is read as `""`, an empty list or an empty
//! map, and null and these are the same to its plan, which says that it is excused from planning exactly.
//!
//! `torture_policy` is a twin: it holds the `policy` of the `torture_object` that its `object` names.
//!
//! # What is hard to write configuration for
//!
//! The folder `estate` is a cloud with one file a difficulty: `$about` says which, `$expect` what becomes of the object when
//! it is adopted: `clean`, `clean but for ARGUMENT`, or `skipped`. Whoever finds another difficulty adds a file.
//!
//! - `torture_specimen` has every kind of argument (`cloud/specimen.rs`): `policy` is JSON by meaning, `document` JSON by
//!   bytes; `tier` has a default, `size` one of the server; `location` and `name` need a replacement; `engine` `ancient` and
//!   `mode` `legacy` are read but refused; `password_wo` belongs to `password_wo_version`;
//! - `torture_lock` requires a `pin` and a write-only `token_wo`; `torture_vault` a `password` that no read gives;
//! - `torture_node`s name each other, by id and in texts;
//! - `torture_valve` has arguments that exclude and demand each other, in the older SDK's words; `torture_vent` has the same
//!   in those of the plugin framework (`cloud/rules.rs`);
//! - `torture_sealed` has no import.
//!
//! In a file, `{"$repeat": TEXT, "$times": N}` is a long text; `$gone` makes an object that is listed and not there,
//! `$changes` names an attribute that is another number at every look, `$import` makes an import give `several` objects,
//! one of `another type`, `nothing`, or something `by identity` only.
//!
//! # Misbehaviour
//!
//! Calls go by their names in protocol 6, as in `TORTURE_HANG=ReadResource`; several are separated by commas.
//!
//! | variable | effect |
//! |---|---|
//! | `TORTURE_HANG` | these calls are never answered |
//! | `TORTURE_CRASH` | these calls abort the process, after the words `the disk is on fire` on standard error |
//! | `TORTURE_FAIL` | these calls answer with an error, `Throttling: rate exceeded` |
//! | `TORTURE_SLOW_MS` | every call takes so much longer |
//! | `TORTURE_LEAK_KIB` | every call leaves so much memory behind |
//! | `TORTURE_CALLS` | a file that gets a line per call: `+ReadResource torture_object` at its begin, `-…` at its end |
//! | `TORTURE_LIST_ENDED` | a file that is written when a listing of things ends |
//! | `TORTURE_SCHEMA_MIB` | the schema holds a description of so many mebibytes |
//! | `TORTURE_NO_GENERATE` | these types have no `GenerateResourceConfig`; with `all` the provider has none |
//! | `TORTURE_PATHLESS` | what validation says names no attribute |
//! | `TORTURE_TCP` | a port of the loopback interface instead of a socket |

mod cloud;
mod echo;
mod function;
mod misbehavior;
mod provider;
mod shape;
mod thing;

use std::process::ExitCode;
use std::sync::Arc;

use tfplugin::server::{ListenOn, Mode, Options, PluginEnvironment};

fn main() -> ExitCode {
    tfplugin::log::install("torture", std::env::var("TF_LOG_PROVIDER").ok().as_deref());
    let is_tcp = std::env::var_os("TORTURE_TCP").is_some();
    let is_reattach = std::env::args().any(|argument| argument == "--reattach");
    let provider = misbehavior::Misbehaving::as_the_environment_says(provider::Torture::default());
    tfplugin::server::run(
        Arc::new(provider),
        Options {
            address: "registry.terraform.io/driftmgr/torture".parse().expect("the address is well-formed"),
            mode: if is_reattach { Mode::Reattach } else { Mode::Plugin },
            listen_on: if is_tcp { ListenOn::Port } else { ListenOn::of_this_platform() },
            environment: PluginEnvironment::from_vars(std::env::vars_os()),
            temp_dir: std::env::temp_dir(),
        },
    )
}
