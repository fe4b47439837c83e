//! `driftmgr explain`.

#![expect(clippy::doc_markdown, clippy::doc_link_with_quotes, reason = "help texts are for a terminal, not Markdown")]

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine::request::StatesRequest;
use engine::{ExplainRequest, Explanation, Session};
use report::v1::explain::{Document, ExplainItem, ExplainProvider, ExplainReport};
use report::{Style, Values, format};

use crate::args::VariableArgs;
use crate::{failure, output};

/// Tell where a value in the code comes from, step by step, and what is not known and why
///
/// Reads the code and, where it is installed, the provider's schema. Without --state no cloud is asked, and no credentials
/// are needed.
/// Ends with 0 where every value that was asked for is known, with 3 where one is not.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr explain aws_instance.web\n  driftmgr explain 'aws_instance.web[0]' 'tags[\"Name\"]'\n  driftmgr explain 'module.network[\"eu\"].var.cidr' --var-file prod.tfvars\n  driftmgr explain provider.aws.west region --json"
)]
pub(crate) struct Arguments {
    /// What to explain: a resource or one of its instances, data.…, local.x, var.x, output.x, provider.NAME[.ALIAS], all of
    /// them in a module too (module.m.local.x); and a module's output (module.m.x) or call (module.m)
    #[arg(value_name = "ADDRESS")]
    address: String,
    /// The path of one value in it, as HCL writes it: tags["Name"], ingress[0].from_port, ingress[{from_port = 22}]
    /// [default: everything its block writes]
    #[arg(value_name = "PATH")]
    path: Option<String>,
    /// The root module [default: the current folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The state of the root module: with it, other resources are planned by their providers, with their credentials, and
    /// what is planned is known
    #[arg(long, value_name = "PATH|URL|-")]
    state: Option<String>,
    #[command(flatten)]
    variables: VariableArgs,
    /// Do not start the installed provider to ask for its schema
    #[arg(long)]
    no_provider: bool,
    /// The format of the answer on standard output
    #[arg(long, value_enum, default_value_t = ExplainFormat::Terminal)]
    format: ExplainFormat,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Which values to show: `safe` for those that nothing calls sensitive, `none` for none at all
    #[arg(long, value_name = "WHICH", default_value = "safe", value_parser = crate::render::values)]
    values: Values,
    /// List every instance, however many there are
    #[arg(long)]
    all: bool,
    /// End with 0 although a value is not known
    #[arg(long)]
    allow_incomplete: bool,
}

/// How an explanation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExplainFormat {
    /// For people
    Terminal,
    /// One document with a schema name and version
    Json,
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> anyhow::Result<u8> {
    let dir = arguments.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let request = ExplainRequest {
        states: StatesRequest {
            dir: arguments.dir.clone().or_else(|| arguments.state.is_some().then(|| dir.clone())),
            variables: arguments.variables.0.clone(),
            locations: arguments.state.iter().cloned().collect(),
        },
        address: arguments.address.clone(),
        path: arguments.path.clone(),
        with_provider: !arguments.no_provider,
    };
    let explanation = engine::explain(session, &request).await?;
    failure::print_diagnostics(&explanation.diagnostics);
    write(session, &explanation, &dir, &arguments)?;
    Ok(if explanation.is_complete() || arguments.allow_incomplete { 0 } else { 3 })
}

fn write(session: &Session, explanation: &Explanation, dir: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let items: Vec<ExplainItem<'_>> = explanation
        .explained
        .iter()
        .map(|explained| ExplainItem {
            address: &explained.address,
            span: explained.span.as_ref(),
            values: &explained.values,
        })
        .collect();
    let root = dir.to_string_lossy();
    let report = ExplainReport {
        address: &explanation.address,
        path: explanation.path.as_ref(),
        root: Some(&root),
        provider: explanation.provider.as_ref().map(|look| ExplainProvider {
            address: &look.provider,
            version: look.version.as_deref(),
            problem: look.problem.as_deref(),
        }),
        instances: &explanation.instances,
        items: &items,
        is_complete: explanation.is_complete(),
        diagnostics: &explanation.diagnostics,
    };
    if arguments.json || arguments.format == ExplainFormat::Json {
        let document = Document { report: &report, values: arguments.values };
        return output::write_stdout(|out| format::json::write(&document, out));
    }
    let style = Style {
        color: output::wants_color(&session.environment),
        width: output::width(&session.environment),
        values: arguments.values,
        top: (!arguments.all).then_some(10),
        see_all: "--all lists them".to_owned(),
        ..Style::plain()
    };
    output::write_stdout(|out| format::explain::write(&report, &style, out))
}
