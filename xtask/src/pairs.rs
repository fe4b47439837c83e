//! The pairs of a real provider and a real server, each with a root module and a list of what can be changed by hand.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::drifts::{self, Drift, Target};
use crate::kubernetes::Cluster;
use crate::rabbitmq::Broker;
use crate::repository;
use crate::terraform::{CliConfig, RootFolder};
use crate::tools::Tool;

/// Names a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pair {
    /// `cyrilgdn/rabbitmq` and a `RabbitMQ` broker.
    Rabbitmq,
    /// `gavinbunney/kubectl` and a Kubernetes API server.
    Kubernetes,
}

/// A pair's server, and the root module that terraform created in it.
pub struct Running {
    /// The root module; its plan is clean. The environment of its commands names the server.
    pub root: RootFolder<'static>,
    /// The server; it ends with this value.
    pub server: Box<dyn Target>,
    /// The environment in which the provider talks to the server.
    pub environment: Vec<(String, String)>,
}

impl Pair {
    /// Lists the tools that the pair needs, besides terraform.
    pub fn tools(self) -> &'static [Tool] {
        match self {
            Self::Rabbitmq => &[Tool::Rabbitmq, Tool::RabbitmqServer],
            Self::Kubernetes => &[Tool::Kubectl, Tool::KubeApiserver, Tool::Etcd],
        }
    }

    /// Returns the provider's source address, and the name it goes by in the root.
    pub fn provider(self) -> (&'static str, &'static str) {
        match self {
            Self::Rabbitmq => ("cyrilgdn/rabbitmq", "rabbitmq"),
            Self::Kubernetes => ("gavinbunney/kubectl", "kubectl"),
        }
    }

    /// Returns the directory of the root module.
    pub fn root(self) -> PathBuf {
        self.directory().join("root")
    }

    /// Reads the list of what can be changed by hand.
    pub fn drifts(self) -> Result<Vec<Drift>> {
        drifts::read(&self.directory().join("drifts.json"))
    }

    /// Starts the server, with nothing in it, and gives the environment in which the provider talks to it.
    ///
    /// # Errors
    /// Where a tool is missing, or the server doesn't start.
    pub fn serve(self) -> Result<(Box<dyn Target>, Vec<(String, String)>)> {
        Ok(match self {
            Self::Rabbitmq => {
                let broker = Broker::start()?;
                let environment = broker.environment();
                (Box::new(broker), environment)
            }
            Self::Kubernetes => {
                let cluster = Cluster::start()?;
                let environment = cluster.environment();
                (Box::new(cluster), environment)
            }
        })
    }

    /// Starts the server and lets terraform create the root in it.
    ///
    /// # Errors
    /// Where a tool is missing, the server doesn't start, or the plan isn't clean after the apply.
    pub fn start(self, terraform: &Path) -> Result<Running> {
        let (server, environment) = self.serve()?;
        let root = RootFolder::copy_of(&self.root(), terraform, &CliConfig::with_tools()?, None)?;
        let root = root.with_environment(environment.clone());
        root.init()?;
        root.apply(10)?;
        let plan = root.plan()?;
        ensure!(plan.clean, "the plan is not clean after the apply:\n{}", plan.text);
        Ok(Running { root, server, environment })
    }

    fn directory(self) -> PathBuf {
        repository().join("acceptance-tests").join(match self {
            Self::Rabbitmq => "rabbitmq",
            Self::Kubernetes => "kubernetes",
        })
    }
}
