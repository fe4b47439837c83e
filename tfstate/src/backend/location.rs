//! Where a state lies, as people write it.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use crate::{Error, ErrorKind};

/// Names a state: `-` for standard input, a URL, or a path.
///
/// ```
/// use tfstate::backend::Location;
/// assert!(matches!(Location::parse("-")?, Location::Stdin));
/// assert!(matches!(Location::parse("live/terraform.tfstate")?, Location::Path(_)));
/// assert_eq!(Location::parse("s3://states/live.tfstate?region=eu-west-1")?.to_string(), "s3://states/live.tfstate");
/// # Ok::<(), tfstate::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Standard input.
    Stdin,
    /// A state file, or the directory of a root module.
    Path(PathBuf),
    /// An object that a backend holds.
    Url(Url),
}

impl Location {
    /// Reads what a person wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for a malformed URL, or one that holds credentials.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if !text.contains("://") {
            return Ok(Self::Path(PathBuf::from(text)));
        }
        let refuse = |operation| Error::new(ErrorKind::Configuration, operation);
        let url = Url::parse(text).map_err(|error| refuse("read the state's URL").because(error))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("use a URL that holds credentials")
                .with("host", url.host_str().unwrap_or_default())
                .with_help("Give them as the environment or the profile does, never in the URL."));
        }
        if url.scheme() == "file" {
            let path = url.to_file_path().map_err(|()| refuse("find the path that the URL names"))?;
            return Ok(Self::Path(path));
        }
        Ok(Self::Url(url))
    }
}

impl fmt::Display for Location {
    /// Writes it without the parameters of a URL: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("-"),
            Self::Path(path) => path.display().fmt(f),
            Self::Url(url) => {
                let mut shown = url.clone();
                shown.set_query(None);
                shown.set_fragment(None);
                shown.fmt(f)
            }
        }
    }
}
