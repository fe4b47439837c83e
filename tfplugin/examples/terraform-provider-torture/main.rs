//! A provider that has everything the protocol knows, keeps its objects in files, and misbehaves on request.
//!
//! Tests run it under our own host, terraform and tofu. It is also a whole provider to learn from: types, their schemas,
//! their calls, and a `main` of one statement. As every provider served by this workspace it cannot apply.
//!
//! # What it offers
//!
//! - `data.torture_echo` gives back what it is given, and crashes, panics, sleeps or floods where it is told to (`echo.rs`).
//! - `torture_thing` has no cloud: what is read is what was there, and the private bytes count the reads (`thing.rs`).
//! - `torture_object`, `torture_legacy` and `torture_policy` are objects of a cloud that is a folder (`cloud/`).
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
