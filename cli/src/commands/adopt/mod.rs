//! `driftmgr adopt`.

#![expect(clippy::doc_markdown, reason = "help texts are for a terminal, not Markdown")]

mod choices;
mod place;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use drift::adopt::compose::Layout;
use drift::adopt::search::Profile;
use drift::adopt::{NamePattern, ParseNamePatternError};
use drift::{Pattern, Question};
use engine::{AdoptObserver, AdoptOffer, AdoptRequest, AdoptStyle, Journal, Session, Unobserved};
use model::{Diagnostic, Diagnostics};

use super::comparison::ComparisonArgs;
use crate::args::{FormatArgs, StoreArgs};
use crate::{failure, render};
use choices::ImportArgument;
use place::Place;

/// How many objects of one shape become one block with `for_each`, where nothing else is said.
const GROUP_FROM: usize = 3;

/// Write configuration and import blocks for what no state manages
///
/// Every object is imported and read by its own provider, the one that is installed; a configuration is searched for under
/// which the provider plans nothing but the import. The result is files for review: nothing is imported until you apply
/// them, and no file that is there is changed.
///
/// With --dir the files are added to that root module: imports.tf, generated_*.tf, and variables for secrets. Without it,
/// --out-dir becomes a new root module. mapping.json says which object goes to which address; edit it (another address,
/// module.x.…, another root, or skip) and feed it back with --mapping.
///
/// A run that was interrupted goes on where it was when the same command is run again. What was adopted before is not
/// offered again while its files are there.
///
/// Ends with 0 where everything was seen, clean or not, and with 3 where something could not be seen.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  Everything that nobody manages, into the root module it belongs to:
    driftmgr adopt --dir live
  An account without any code, into a new root module:
    driftmgr adopt --state /dev/null --out-dir adopted
  The queues of one team, fifty at a time, checked by terraform itself:
    driftmgr adopt --dir live --type 'aws_sqs_*' --tag team=shop --limit 50 --verify
  After editing which object goes where:
    driftmgr adopt --dir live --mapping mapping.json --only-mapped
  Objects that nothing lists, by their ids:
    driftmgr adopt --dir live --import rabbitmq_queue=jobs@/ --import 'rabbitmq_vhost.shop=shop'")]
pub(crate) struct Arguments {
    #[command(flatten)]
    comparison: ComparisonArgs,
    #[command(flatten)]
    offer: OfferArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Which objects are adopted, besides the filters.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to adopt")]
struct OfferArgs {
    /// Only objects whose name, or id where they have no name, matches this glob; may be repeated
    #[arg(long, value_name = "GLOB")]
    name: Vec<String>,
    /// An object by its import id, for what nothing lists; may be repeated. Without --type or --mapping, nothing else is
    /// adopted
    #[arg(long, value_name = "TYPE=ID|ADDRESS=ID")]
    import: Vec<ImportArgument>,
    /// A mapping file that an earlier run wrote and a person edited; an object that only the file names is tried by its id
    #[arg(long, value_name = "PATH")]
    mapping: Option<PathBuf>,
    /// Leave out what the mapping file does not name
    #[arg(long, requires = "mapping")]
    only_mapped: bool,
    /// Work on so many objects at most; the next run goes on with the others
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// Offer again what an earlier run wrote to another folder
    #[arg(long)]
    reclaim: bool,
    /// Begin anew where an earlier run was interrupted
    #[arg(long)]
    restart: bool,
}

/// What is written, and where to.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to write")]
struct OutputArgs {
    /// The folder for the files; one that holds configuration already is an error [default: the root module of --dir]
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// Which arguments are written: those a person would write, or all that plan clean
    #[arg(long, value_enum, default_value_t = ArgumentsName::Minimal)]
    arguments: ArgumentsName,
    /// How blocks are divided into files
    #[arg(long, value_enum, default_value_t = LayoutName::Service)]
    layout: LayoutName,
    /// What the names of resources are made of: text with {name}, {id}, {type}, {service}, {region}, {account}, {tag:KEY}
    #[arg(long, value_name = "PATTERN", default_value = "{name}", value_parser = name_pattern)]
    name_pattern: NamePattern,
    /// Write ids of other objects as they are, not as references to their resources
    #[arg(long)]
    no_references: bool,
    /// From how many objects of one shape on these become one resource with for_each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..), conflicts_with = "no_groups")]
    group_from: Option<u16>,
    /// Write a resource of its own for every object
    #[arg(long)]
    no_groups: bool,
    /// Write import blocks alone, and ask no provider for configuration
    #[arg(long)]
    import_only: bool,
    /// Let terraform, and tofu where it is found, plan a temporary copy with the new files in it
    #[arg(long, conflicts_with = "import_only")]
    verify: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ArgumentsName {
    /// Those without which the plan would not be clean, and those that say what the object is
    Minimal,
    /// Everything that may be written and plans clean
    Explicit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LayoutName {
    /// generated_aws_sqs_queue.tf: a file for each type
    Type,
    /// generated_sqs.tf: a file for each service
    Service,
    /// generated.tf
    One,
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let place = Place::find(&arguments, session)?;
    let request = request(&arguments, &place, store, session)?;
    let mut diagnostics = Diagnostics::new();
    let (journal, request) = if request.is_import_only {
        // Nothing of it takes long enough to be kept.
        (None, request)
    } else {
        let (journal, done, problems) = Journal::open(session, &request, &place.folder)?;
        failure::print_diagnostics(&problems);
        let done = if arguments.offer.restart { BTreeMap::new() } else { done };
        (Some(journal), AdoptRequest { done, ..request })
    };
    let observer: &dyn AdoptObserver = match &journal {
        Some(journal) => journal,
        None => &Unobserved,
    };
    let mut answer = engine::adopt(session, &request, observer).await?;
    if let Some(problem) = journal.as_ref().and_then(Journal::failure) {
        diagnostics.push(problem);
    }
    place.choose_names(&mut answer);
    let certificates = if arguments.output.verify && answer.n_imported() > 0 {
        engine::verify(session, &request, &answer).await
    } else {
        Vec::new()
    };
    diagnostics.extend(engine::place_module_files(session, &request, &mut answer, place.is_root));
    place.choose_names(&mut answer);
    anyhow::ensure!(
        !session.cancel.is_cancelled(),
        "stopped before anything was written; run the same command to go on"
    );
    let mapping = render::mapping(&answer, place.root_text.as_deref(), &request.module_sources)?;
    let files = place.write(&answer, mapping)?;
    let imports = place.imports(&files);
    let claimed = imports.map_or(Ok(()), |file| engine::claim(session, &request.comparison.store, &answer, &file));
    if let Err(error) = claimed {
        failure::print(&error.into());
    }
    if let Some(journal) = journal {
        journal.remove();
    }
    diagnostics.extend(answer.comparison.diagnostics.iter().chain(&answer.diagnostics).cloned());
    let mut told: Vec<&Diagnostic> = Vec::new();
    for diagnostic in &diagnostics {
        if !told.contains(&diagnostic) {
            failure::print_diagnostics(std::slice::from_ref(diagnostic));
            told.push(diagnostic);
        }
    }
    render::adopt(
        session,
        &render::Adopted {
            answer: &answer,
            folder: &place.folder.to_string_lossy(),
            place: &place.text,
            files: &files,
            certificates: &certificates,
            next: &place.next(&answer),
        },
        &arguments.format,
    )?;
    let is_complete = answer.comparison.verdict.is_complete;
    if !is_complete {
        failure::note("Not everything could be seen: `driftmgr unmanaged` with the same options says what.");
    }
    Ok(if is_complete { 0 } else { 3 })
}

fn request(arguments: &Arguments, place: &Place, store: &StoreArgs, session: &Session) -> anyhow::Result<AdoptRequest> {
    let Arguments { comparison, offer, output, .. } = arguments;
    let (choices, module_sources) = choices::read(offer, place, session)?;
    let mut comparison = comparison.request(Question::Unmanaged, store, session)?;
    // Who names objects by their ids wants those.
    let is_by_id = !offer.import.is_empty() && offer.mapping.is_none() && comparison.scope.types.is_empty();
    if is_by_id {
        comparison.scope.types = offer.import.iter().map(|import| import.resource_type.to_string()).collect();
        comparison.options.filters.types = comparison.scope.types.iter().map(|name| Pattern::new(name)).collect();
    }
    // A mapping file that is fed back is about the folder it lies in; in batches, about what is left.
    let redo_of = offer.mapping.as_ref().filter(|_| offer.limit.is_none());
    let redo_of = redo_of.and_then(|path| session.path(path).parent()?.canonicalize().ok());
    Ok(AdoptRequest {
        comparison,
        choices,
        offer: AdoptOffer {
            names: offer.name.iter().map(|glob| Pattern::new(glob)).collect(),
            is_only_chosen: offer.only_mapped || is_by_id,
            is_reclaiming: offer.reclaim,
            redo_of,
        },
        style: AdoptStyle {
            profile: match output.arguments {
                ArgumentsName::Minimal => Profile::Minimal,
                ArgumentsName::Explicit => Profile::Explicit,
            },
            layout: match output.layout {
                LayoutName::Type => Layout::Type,
                LayoutName::Service => Layout::Service,
                LayoutName::One => Layout::One,
            },
            has_references: !output.no_references,
            group_from: (!output.no_groups).then(|| output.group_from.map_or(GROUP_FROM, usize::from)),
            names: output.name_pattern.clone(),
        },
        out_dir: Some(place.folder.clone()),
        limit: offer.limit.map(NonZeroUsize::get),
        done: BTreeMap::new(),
        module_sources,
        is_import_only: output.import_only,
    })
}

fn name_pattern(text: &str) -> Result<NamePattern, String> {
    text.parse().map_err(|error: ParseNamePatternError| error.reason)
}
