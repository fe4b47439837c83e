//! What `drift`, `unmanaged` and `adopt` share: the options of a comparison, and how they become a request.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use drift::{JudgeOptions, Question};
use engine::request::{Freshness, Sight};
use engine::{BaselineSource, DriftRequest, Session};

use crate::args::{CloudArgs, NarrowArgs, StateArgs, StoreArgs, duration};

/// What a comparison needs to know.
#[derive(Args, Debug)]
pub(crate) struct ComparisonArgs {
    #[command(flatten)]
    pub(crate) states: StateArgs,
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    #[command(flatten)]
    pub(crate) narrow: NarrowArgs,
    /// Answer from the store alone, however old what it holds; what it never saw is undetermined
    #[arg(long, help_heading = "Where to look")]
    pub(crate) no_scan: bool,
    /// Use what the store saw no longer ago than this, and look at the rest
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "no_scan", help_heading = "Where to look")]
    pub(crate) max_age: Option<Duration>,
    /// Rules for findings to ignore, each with a reason [default: .driftmgrignore.yaml beside the code, where it is there]
    #[arg(long, value_name = "PATH", help_heading = "What to show")]
    pub(crate) ignore_file: Option<PathBuf>,
    /// What is known and approved, and fails no more; `none` for nothing [default: driftmgr.baseline.json beside the code,
    /// where it is there]
    #[arg(long, value_name = "PATH|none", help_heading = "What to show")]
    pub(crate) baseline: Option<PathBuf>,
    /// What the comparison may see
    #[arg(long, value_enum, default_value_t = PrecisionName::Auto, help_heading = "How to judge")]
    pub(crate) precision: PrecisionName,
}

/// What a comparison may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionName {
    /// Everything, where the provider of an instance is installed and can be asked; what the inventory sees elsewhere
    Auto,
    /// Everything, through the installed providers alone: what those cannot be asked about is undetermined
    Provider,
    /// Existence, identity and the attributes the catalog maps, from list calls; no provider is started
    Inventory,
}

impl ComparisonArgs {
    /// Makes the request that asks a question.
    pub(crate) fn request(
        &self,
        question: Question,
        store: &StoreArgs,
        session: &Session,
    ) -> anyhow::Result<DriftRequest> {
        let mut options = JudgeOptions::for_question(question);
        options.filters = self.narrow.filters(&self.cloud);
        Ok(DriftRequest {
            states: self.states.request(),
            scope: self.cloud.request(),
            freshness: match self.max_age {
                _ if self.no_scan => Freshness::StoreOnly,
                Some(max_age) => Freshness::Within(max_age),
                None => Freshness::Now,
            },
            sight: match self.precision {
                PrecisionName::Auto => Sight::Auto,
                PrecisionName::Provider => Sight::Provider,
                PrecisionName::Inventory => Sight::Inventory,
            },
            transcripts: None,
            store: session.store_path(store.store.as_deref())?,
            options,
            ignore_file: self.ignore_file.clone(),
            baseline: baseline_source(self.baseline.as_deref()),
        })
    }
}

/// Reads what was given to `--baseline`.
pub(crate) fn baseline_source(path: Option<&Path>) -> BaselineSource {
    match path {
        None => BaselineSource::Beside,
        Some(path) if path.as_os_str() == "none" => BaselineSource::Nothing,
        Some(path) => BaselineSource::File(path.to_owned()),
    }
}
