//! The options that several commands share, and how they become requests.

#![expect(clippy::doc_markdown, reason = "help texts are for a terminal, not Markdown")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use drift::{Filters, Pattern, TagPattern};
use engine::request::{Regions, ScopeRequest, StatesRequest, VariableSource};
use model::Region;
use report::{GroupBy, Values};

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

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// For people
    Terminal,
    /// One document with a schema name and version
    Json,
    /// For a pull request's comment
    Markdown,
}

/// How an answer is written.
#[derive(Args, Debug)]
#[command(next_help_heading = "How to show it")]
pub(crate) struct FormatArgs {
    /// The format of the answer on standard output
    #[arg(long, value_enum, default_value_t = FormatName::Terminal)]
    format: FormatName,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Which values to show: `safe` for those that nothing calls sensitive, `none` for none at all
    #[arg(long, value_name = "WHICH", default_value = "safe", value_parser = crate::render::values)]
    values: Values,
    /// Show every finding, however many there are
    #[arg(long)]
    all: bool,
    /// What findings are grouped by on a terminal: type, service, account, region, or tag:KEY
    #[arg(long, value_name = "BY", default_value = "type", value_parser = group_by)]
    group_by: GroupBy,
}

impl FormatArgs {
    pub(crate) fn format(&self) -> FormatName {
        if self.json { FormatName::Json } else { self.format }
    }

    pub(crate) fn values(&self) -> Values {
        self.values
    }

    pub(crate) fn group_by(&self) -> GroupBy {
        self.group_by.clone()
    }

    /// Gives how many findings of a group are shown; `None` for all.
    pub(crate) fn top(&self) -> Option<usize> {
        (!self.all).then_some(10)
    }
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
    fn durations_have_units() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        assert!(duration("2w").expect_err("weeks").contains("`w`"));
        assert!(duration("-1s").is_err() && duration("").is_err() && duration("0s").is_err());
    }
}
