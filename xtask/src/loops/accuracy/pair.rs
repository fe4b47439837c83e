//! The pairs: how each is started, and how it is changed.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Judged, json_of};
use crate::drifts::{self, Kind, Target};
use crate::moto::Moto;
use crate::pairs::Pair;
use crate::repository;
use crate::terraform::{CliConfig, RootFolder};
use crate::tools::{self, Tool};

/// A server with an estate in it.
pub(super) struct Started {
    /// The server; it ends when this is dropped.
    pub(super) server: Server,
    /// The root whose state records the estate; its plan is clean.
    pub(super) root: RootFolder<'static>,
}

/// A running server.
pub(super) enum Server {
    Aws(Moto),
    Other(Pair, Box<dyn Target>),
}

impl Judged {
    /// Names the pair.
    pub(in crate::loops) fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Rabbitmq => "rabbitmq",
            Self::Kubernetes => "kubernetes",
        }
    }

    /// Finds everything the pair needs.
    pub(in crate::loops) fn tools(self) -> Result<()> {
        let tools = match self {
            Self::Aws => &[Tool::Aws, Tool::Moto][..],
            Self::Rabbitmq => Pair::Rabbitmq.tools(),
            Self::Kubernetes => Pair::Kubernetes.tools(),
        };
        tools.iter().try_for_each(|tool| tools::find(*tool).map(drop))?;
        tools::terraform_or_tofu().map(drop)
    }

    /// Starts the server, and lets terraform create the estate in it, once.
    pub(super) fn start(self, terraform: &Path) -> Result<Started> {
        let pair = match self {
            Self::Aws => {
                let moto = Moto::start()?;
                let estate = repository().join("acceptance-tests/accuracy/aws");
                let root = RootFolder::copy_of(&estate, terraform, &CliConfig::with_tools()?, None)?;
                let root = root.with_environment(moto.environment());
                root.init()?;
                root.apply(10)?;
                let plan = root.plan()?;
                ensure!(plan.clean, "the plan is not clean after the apply:\n{}", plan.text);
                return Ok(Started { server: Server::Aws(moto), root });
            }
            Self::Rabbitmq => Pair::Rabbitmq,
            Self::Kubernetes => Pair::Kubernetes,
        };
        let running = pair.start(terraform)?;
        Ok(Started { server: Server::Other(pair, running.server), root: running.root })
    }
}

impl Server {
    /// Makes the changes that a seed draws, and tells the truth about them.
    pub(super) fn inject(&self, root: &RootFolder<'_>, seed: u64, share: u8) -> Result<Value> {
        match self {
            Self::Aws(moto) => {
                let script = repository().join("acceptance-tests/accuracy/aws.py");
                let state = root.path().join("terraform.tfstate");
                let mut command = root.command(moto.python());
                command.arg("-I").arg(&script).arg(state).arg(seed.to_string());
                let output = command.arg((f64::from(share) / 100.0).to_string()).output();
                json_of(&output.with_context(|| format!("cannot run {}", script.display()))?, "the script of changes")
            }
            Self::Other(pair, target) => inject_list(*pair, target.as_ref(), seed, share),
        }
    }
}

fn inject_list(pair: Pair, target: &dyn Target, seed: u64, share: u8) -> Result<Value> {
    let list = pair.drifts()?;
    let n_noises = list.iter().filter(|drift| drift.kind == Kind::Noise).count();
    let part = |n_all: usize| (n_all * usize::from(share)).div_ceil(100);
    let drawn = drifts::draw(&list, seed, part(list.len() - n_noises), part(n_noises));
    let mut truth = json!({"drifts": [], "noises": []});
    for drift in drawn {
        drifts::inject(target, drift)?;
        let (list, kind, row, fails) = match drift.kind {
            Kind::Changed => ("drifts", "changed", "an argument of the code", true),
            Kind::Missing => ("drifts", "missing", "deleted by hand", true),
            // Nobody lists these types, and no state names the object.
            Kind::Unmanaged => ("noises", "noise", "an object that nobody manages", false),
            Kind::Noise => ("noises", "noise", "noise of the server", false),
        };
        let addresses: Vec<Option<&String>> =
            if drift.addresses.is_empty() { vec![None] } else { drift.addresses.iter().map(Some).collect() };
        for address in addresses {
            let entry = json!({"name": drift.name, "row": row, "kind": kind, "address": address, "fails": fails});
            truth[list].as_array_mut().context("the truth holds lists")?.push(entry);
        }
    }
    Ok(truth)
}
