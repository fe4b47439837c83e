//! The options that several commands share, and how they become requests.

#![expect(clippy::doc_markdown, reason = "help texts are for a terminal, not Markdown")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use drift::{ExitCode, FailOn, Filters, Pattern, TagPattern};
use engine::request::{Regions, ScopeRequest, StatesRequest, VariableSource};
use model::Region;
use report::{Format, GroupBy, Values};

/// Where the store is.
#[derive(Args, Debug)]
pub(crate) struct StoreArgs {
    /// The store's file [default: $DRIFTMGR_STORE, else driftmgr/store.db in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) store: Option<PathBuf>,
}

/// Which part of which clouds, and at what pace.
#[derive(Args, Debug)]
#[command(next_help_heading = "Where to look")]
pub(crate) struct CloudArgs {
    /// A named profile, one account each; may be repeated [default: the environment's own credentials]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Vec<String>,
    /// An account that may be looked at; may be repeated. Credentials of any other are an error
    #[arg(long, value_name = "ID")]
    pub(crate) account: Vec<String>,
    /// A region, or `all` for every enabled one; may be repeated [default: those that states, provider blocks and the
    /// environment name]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<String>,
    /// A Terraform or native type, as a glob; may be repeated [default: every type of the catalog]
    #[arg(long = "type", value_name = "GLOB")]
    pub(crate) types: Vec<String>,
    /// How many calls may be under way at once: of a scan, and for each configuration of a provider that is asked
    /// [default: 16 of a scan, 10 of a provider]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallelism: Option<u16>,
    /// The most calls a second, over everything
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) max_rps: Option<f64>,
    /// How long one type in one region may take, and one instance that its provider is asked about
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(crate) scope_timeout: Duration,
    /// A folder of definitions laid over the built-in catalog
    #[arg(long, value_name = "DIR")]
    pub(crate) catalog: Option<PathBuf>,
}

impl CloudArgs {
    pub(crate) fn request(&self) -> ScopeRequest {
        let regions = match self.region.as_slice() {
            [] => Regions::Named,
            regions if regions.iter().any(|region| region == "all") => Regions::All,
            regions => Regions::Only(regions.iter().map(|region| Region::from(region.as_str())).collect()),
        };
        let standard = ScopeRequest::standard();
        let parallelism = self.parallelism.map(usize::from);
        ScopeRequest {
            profiles: self.profile.clone(),
            accounts: self.account.iter().map(|account| account.as_str().into()).collect(),
            regions,
            types: self.types.clone(),
            parallelism: parallelism.unwrap_or(standard.parallelism),
            provider_parallelism: parallelism.unwrap_or(standard.provider_parallelism),
            max_rps: self.max_rps,
            scope_deadline: self.scope_timeout,
            catalog: self.catalog.clone(),
        }
    }
}

/// Which states.
#[derive(Args, Debug)]
#[command(next_help_heading = "Which states")]
pub(crate) struct StateArgs {
    /// A root module: its backend tells where the state is, its code where to look [default: the current folder, where no
    /// --state is given]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// A state: a file, a folder, an s3:// URL, or `-` for standard input; may be repeated
    #[arg(long, value_name = "PATH|URL|-")]
    pub(crate) state: Vec<String>,
    #[command(flatten)]
    variables: VariableArgs,
}

impl StateArgs {
    pub(crate) fn request(&self) -> StatesRequest {
        StatesRequest { locations: self.state.clone(), dir: self.dir.clone(), variables: self.variables.0.clone() }
    }
}

/// Values for the root module's variables, in the order in which both options were given.
#[derive(Debug, Default)]
pub(crate) struct VariableArgs(pub(crate) Vec<VariableSource>);

impl Args for VariableArgs {
    fn augment_args(command: Command) -> Command {
        let option = |name, value_name, help| {
            Arg::new(name).long(name).value_name(value_name).help(help).action(ArgAction::Append)
        };
        command
            .arg(
                option("var", "NAME=VALUE", "A value for a variable of the root module; may be repeated")
                    .value_parser(assignment),
            )
            .arg(
                option("var-file", "PATH", "A file with values for variables of the root module; may be repeated")
                    .value_parser(file_of_variables),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for VariableArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut variables = Self::default();
        variables.update_from_arg_matches(matches)?;
        Ok(variables)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let mut sources = Vec::new();
        for name in ["var", "var-file"] {
            let values = matches.get_many::<VariableSource>(name).into_iter().flatten();
            sources.extend(matches.indices_of(name).into_iter().flatten().zip(values.cloned()));
        }
        sources.sort_by_key(|(position, _)| *position);
        self.0 = sources.into_iter().map(|(_, source)| source).collect();
        Ok(())
    }
}

fn assignment(text: &str) -> Result<VariableSource, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok(VariableSource::Assignment { name: name.trim().to_owned(), value: value.to_owned() })
        }
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the form that the parser of arguments asks for")]
fn file_of_variables(text: &str) -> Result<VariableSource, String> {
    Ok(VariableSource::File(PathBuf::from(text)))
}

/// What the answer is narrowed to.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to show")]
pub(crate) struct NarrowArgs {
    /// Only what carries this tag, or this tag with this value; may be repeated
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub(crate) tag: Vec<String>,
}

impl NarrowArgs {
    /// Gives the filters that these options and those of where to look make together.
    pub(crate) fn filters(&self, cloud: &CloudArgs) -> Filters {
        Filters {
            types: cloud.types.iter().map(|glob| Pattern::new(glob)).collect(),
            tags: self.tag.iter().map(|text| TagPattern::new(text)).collect(),
            accounts: cloud.account.iter().map(|account| account.as_str().into()).collect(),
            regions: cloud
                .region
                .iter()
                .filter(|region| *region != "all")
                .map(|region| region.as_str().into())
                .collect(),
        }
    }
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// For people
    Terminal,
    /// One document with a schema name and version
    Json,
}

/// How a list is written.
#[derive(Args, Debug)]
#[command(next_help_heading = "How to show it")]
pub(crate) struct FormatArgs {
    /// The format of the answer on standard output
    #[arg(long, value_enum, default_value_t = FormatName::Terminal)]
    format: FormatName,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

impl FormatArgs {
    pub(crate) fn format(&self) -> FormatName {
        if self.json { FormatName::Json } else { self.format }
    }
}

/// Whose exit codes a command has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompatName {
    /// 0 in sync, 1 drift found, 2 error
    Driftctl,
}

/// What the run is judged by.
#[derive(Args, Debug)]
#[command(next_help_heading = "How to judge")]
pub(crate) struct FailArgs {
    /// What makes the run fail, as kinds, tiers, kind:tier or severity:LEVEL, separated by commas; `none` for nothing
    /// [default: see docs/findings.md]
    #[arg(long, value_name = "WHAT", value_parser = fail_on)]
    pub(crate) fail_on: Option<FailOn>,
    /// End with 0 instead of 3 where something could not be seen
    #[arg(long)]
    pub(crate) allow_incomplete: bool,
    /// End with the exit codes of another program
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub(crate) compat: Option<CompatName>,
}

impl FailArgs {
    /// Gives the exit code for what came out.
    pub(crate) fn code(&self, code: ExitCode) -> u8 {
        match (self.compat, code) {
            (Some(CompatName::Driftctl), ExitCode::Drift) => 1,
            (Some(CompatName::Driftctl), ExitCode::Error) => 2,
            (_, code) => code.code(),
        }
    }
}

/// Gives the exit code of an error under options that may not even be right: whoever asks for those of another program never
/// takes an error for drift.
pub(crate) fn code_of_error(arguments: impl Iterator<Item = OsString>) -> u8 {
    let mut is_behind_option = false;
    for argument in arguments {
        if argument == "--compat=driftctl" || is_behind_option && argument == "driftctl" {
            return 2;
        }
        is_behind_option = argument == "--compat";
    }
    1
}

fn fail_on(text: &str) -> Result<FailOn, String> {
    FailOn::parse(text).map_err(|problem| [problem.detail, problem.help.join(" ")].join(" ").trim_end().to_owned())
}

/// What of an answer is shown.
#[derive(Args, Debug)]
#[command(next_help_heading = "How to show it")]
pub(crate) struct ShowArgs {
    /// Which values to show: `safe` for those that nothing calls sensitive, `none` for none at all
    #[arg(long, value_name = "WHICH", default_value = "safe", value_parser = crate::render::values)]
    pub(crate) values: Values,
    /// Show every finding, however many there are
    #[arg(long)]
    all: bool,
    /// What findings are grouped by on a terminal: type, service, account, region, or tag:KEY
    #[arg(long, value_name = "BY", default_value = "type", value_parser = group_by)]
    pub(crate) group_by: GroupBy,
}

impl ShowArgs {
    /// Gives how many findings of a group are shown; `None` for all.
    pub(crate) fn top(&self) -> Option<usize> {
        (!self.all).then_some(10)
    }
}

/// What of a check is shown.
#[derive(Args, Debug)]
#[command(next_help_heading = "How to show it")]
pub(crate) struct ShowCheckArgs {
    /// Which values to show: `safe` for those that nothing calls sensitive, `none` for none at all
    #[arg(long, value_name = "WHICH", default_value = "safe", value_parser = crate::render::values)]
    pub(crate) values: Values,
    #[command(flatten)]
    pub(crate) every: EveryArgs,
}

/// How much of a check is shown.
#[derive(Args, Debug)]
#[command(next_help_heading = "How to show it")]
pub(crate) struct EveryArgs {
    /// Show every finding, however many there are
    #[arg(long)]
    every: bool,
}

impl EveryArgs {
    /// Gives how many findings of a group are shown; `None` for all.
    pub(crate) fn top(&self) -> Option<usize> {
        (!self.every).then_some(10)
    }
}

/// How a verdict is written, and where.
#[derive(Args, Debug)]
#[command(next_help_heading = "How to show it")]
pub(crate) struct ReportArgs {
    /// The format of the answer on standard output. With github, the summary of the workflow's step is written as well
    #[arg(long, value_name = "FORMAT", default_value = "terminal", value_parser = format_words())]
    format: Format,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write the answer to a file as well, in a format of its own, such as sarif=drift.sarif; may be repeated. A file alone
    /// takes the answer instead of standard output
    #[arg(long, value_name = "[FORMAT=]FILE", value_parser = report_file)]
    output: Vec<ReportFile>,
}

/// A file that takes an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportFile {
    /// Its own format; `None` for that of standard output, which it stands in for.
    pub(crate) format: Option<Format>,
    pub(crate) path: PathBuf,
}

impl ReportArgs {
    /// Lists what is written where: `None` is standard output.
    pub(crate) fn outputs(&self) -> Vec<(Format, Option<&Path>)> {
        let format = if self.json { Format::Json } else { self.format };
        let mut outputs: Vec<_> =
            self.output.iter().map(|file| (file.format.unwrap_or(format), Some(&*file.path))).collect();
        if self.output.iter().all(|file| file.format.is_some()) {
            outputs.insert(0, (format, None));
        }
        outputs
    }
}

fn format_words() -> impl TypedValueParser<Value = Format> {
    let values = Format::TABLE.iter().map(|row| PossibleValue::new(row.word).help(row.about));
    PossibleValuesParser::new(values).try_map(|word| Format::from_word(&word).ok_or("no such format"))
}

fn report_file(text: &str) -> Result<ReportFile, String> {
    // A name may hold a `=` of its own: only a format before it is one.
    let named = text.split_once('=').and_then(|(word, path)| Some((Format::from_word(word)?, path)));
    let (format, path) = named.map_or((None, text), |(format, path)| (Some(format), path));
    if path.is_empty() {
        return Err("write FILE or FORMAT=FILE".to_owned());
    }
    Ok(ReportFile { format, path: PathBuf::from(path) })
}

/// Reads `90s`, `15m`, `2h`, `1d` or a number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("`{text}` is no duration: write 90s, 15m, 2h or 1d"))?;
    let seconds = match &text[digits.len()..] {
        "" | "s" => number,
        "m" => number.saturating_mul(60),
        "h" => number.saturating_mul(3_600),
        "d" => number.saturating_mul(86_400),
        unit => return Err(format!("`{unit}` is no unit of time: write s, m, h or d")),
    };
    if seconds == 0 {
        return Err("the duration must be longer than nothing".to_owned());
    }
    Ok(Duration::from_secs(seconds))
}

fn group_by(text: &str) -> Result<GroupBy, String> {
    GroupBy::from_word(text).ok_or_else(|| format!("`{text}` is none of type, service, account, region, tag:KEY"))
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err(format!("`{text}` is no number above zero")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Probe {
        #[command(flatten)]
        states: StateArgs,
    }

    #[test]
    fn variables_keep_their_order_over_both_options() {
        let line = ["probe", "--var", "a=1", "--var-file", "x.tfvars", "--var", "a=b=c", "--var-file=y.tfvars"];
        let probe = <Probe as clap::Parser>::try_parse_from(line).expect("the line is right");
        let assignment = |value: &str| VariableSource::Assignment { name: "a".to_owned(), value: value.to_owned() };
        let file = |path: &str| VariableSource::File(PathBuf::from(path));
        let expected = [assignment("1"), file("x.tfvars"), assignment("b=c"), file("y.tfvars")];
        assert_eq!(probe.states.request().variables, expected);
        assert!(<Probe as clap::Parser>::try_parse_from(["probe", "--var", "a"]).is_err());
    }

    #[test]
    fn errors_are_never_the_drift_of_another_program() {
        let code = |line: &[&str]| code_of_error(line.iter().map(OsString::from));
        assert_eq!(code(&["driftmgr", "drift", "--compat", "driftctl", "--no-such"]), 2);
        assert_eq!(code(&["driftmgr", "check", "--compat=driftctl"]), 2);
        assert_eq!(code(&["driftmgr", "drift", "--state", "driftctl", "--compat"]), 1);
    }

    #[test]
    fn files_may_have_a_format_of_their_own() {
        let file = |format, path: &str| Ok(ReportFile { format, path: PathBuf::from(path) });
        assert_eq!(report_file("sarif=a=b.sarif"), file(Some(Format::Sarif), "a=b.sarif"));
        assert_eq!(report_file("a=b.txt"), file(None, "a=b.txt"));
        assert!(report_file("junit=").is_err() && report_file("").is_err());
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        assert!(duration("2w").expect_err("weeks").contains("`w`"));
        assert!(duration("-1s").is_err() && duration("").is_err() && duration("0s").is_err());
    }
}
