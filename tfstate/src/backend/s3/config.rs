//! What a `backend "s3"` block or an `s3://` URL says.
//!
//! Source: the "s3" page of Terraform's backend documentation. Arguments about writing, locking and validation change
//! nothing for a reader and are passed over.

use std::collections::BTreeMap;

use cty::{Type, Value};
use net::Environment;
use net::aws::Access;
use url::Url;

use crate::backend::BackendConfig;
use crate::{Error, ErrorKind};

const OPERATION: &str = "read the settings of the s3 backend";
const DEFAULT_PREFIX: &str = "env:";

/// Parameters that an `s3://` URL may have.
const PARAMETERS: &[&str] = &[
    "endpoint",
    "external_id",
    "profile",
    "region",
    "role_arn",
    "use_path_style",
    "workspace",
    "workspace_key_prefix",
];
/// Arguments that would change how the connection is made, which is for the environment to say.
const CONNECTION: &[(&str, &str)] = &[
    ("custom_ca_bundle", "AWS_CA_BUNDLE"),
    ("http_proxy", "HTTP_PROXY"),
    ("https_proxy", "HTTPS_PROXY"),
    ("no_proxy", "NO_PROXY"),
];
/// Arguments of `assume_role` that narrow or label the session: leaving them out would ask for more than was meant.
const ROLE_LIMITS: &[&str] = &["policy", "policy_arns", "source_identity", "tags", "transitive_tag_keys"];

/// Everything that decides what is asked, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) workspace_key_prefix: String,
    pub(super) use_path_style: bool,
    pub(super) use_fips: bool,
    pub(super) use_dual_stack: bool,
    pub(super) allowed_accounts: Vec<String>,
    pub(super) forbidden_accounts: Vec<String>,
    pub(super) access: Access,
    /// The environment with what the block says put over it.
    pub(super) environment: Environment,
}

impl Config {
    /// Reads an `s3://BUCKET/KEY?region=…` URL.
    pub(super) fn from_url(url: &Url, environment: &Environment) -> Result<(Self, String), Error> {
        let mut arguments = BTreeMap::new();
        let mut workspace = None;
        for (name, value) in url.query_pairs() {
            if !PARAMETERS.contains(&name.as_ref()) {
                return Err(invalid("parameter", &name)
                    .with_help(format!("An s3 URL may have the parameters {}.", PARAMETERS.join(", "))));
            }
            if name == "workspace" {
                workspace = Some(value.into_owned());
            } else {
                arguments.insert(name.into_owned(), Value::string(value));
            }
        }
        let key = percent_encoding::percent_decode_str(url.path().trim_start_matches('/')).decode_utf8();
        let key = key.map_err(|error| invalid("part", "key").because(error))?;
        arguments.insert("bucket".to_owned(), Value::string(url.host_str().unwrap_or_default()));
        arguments.insert("key".to_owned(), Value::string(key));
        let config = Self::from_block(&BackendConfig { kind: "s3".to_owned(), arguments }, environment)?;
        Ok((config, workspace.unwrap_or_else(|| crate::backend::DEFAULT_WORKSPACE.to_owned())))
    }

    /// Reads the arguments of a `backend "s3"` block.
    pub(super) fn from_block(config: &BackendConfig, environment: &Environment) -> Result<Self, Error> {
        let arguments = Arguments { prefix: "", values: &config.arguments };
        for (name, variable) in CONNECTION {
            if arguments.is_set(name) {
                return Err(unsupported(name).with_help(format!("Set {variable} in the environment instead.")));
            }
        }
        if arguments.flag("insecure")? {
            return Err(unsupported("insecure").with_help("Add the server's certificate with AWS_CA_BUNDLE instead."));
        }
        if arguments.is_set("sse_customer_key") || environment.get("AWS_SSE_CUSTOMER_KEY").is_some() {
            return Err(unsupported("sse_customer_key")
                .with_help("States under a customer's own key (SSE-C) are not read directly.")
                .with_help("Pipe the state instead: `terraform state pull | driftmgr … -`."));
        }
        let mut variables = environment.variables().clone();
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                variables.insert(name.to_owned(), value);
            }
        };
        let endpoints = arguments.nested("endpoints")?;
        let endpoint = |name: &str, older: &str| -> Result<Option<String>, Error> {
            let newer =
                endpoints.as_ref().map(|endpoints| endpoints.as_arguments("endpoints.").text(name)).transpose()?;
            Ok(newer.flatten().or(arguments.text(older)?))
        };
        set(
            "AWS_ENDPOINT_URL_S3",
            endpoint("s3", "endpoint")?.or(environment.get("AWS_S3_ENDPOINT").map(str::to_owned)),
        );
        set("AWS_ENDPOINT_URL_STS", endpoint("sts", "sts_endpoint")?);
        set("AWS_ENDPOINT_URL_SSO", endpoint("sso", "sso_endpoint")?);
        set("AWS_EC2_METADATA_SERVICE_ENDPOINT", arguments.text("ec2_metadata_service_endpoint")?);
        set("AWS_CONFIG_FILE", arguments.single("shared_config_files")?);
        set("AWS_SHARED_CREDENTIALS_FILE", arguments.single("shared_credentials_files")?);
        set("AWS_SHARED_CREDENTIALS_FILE", arguments.text("shared_credentials_file")?);
        if arguments.flag("skip_metadata_api_check")? {
            set("AWS_EC2_METADATA_DISABLED", Some("true".to_owned()));
        }
        let role = arguments.nested("assume_role")?;
        let web_role = arguments.nested("assume_role_with_web_identity")?;
        if let Some(web_role) = &web_role {
            let web_role = web_role.as_arguments("assume_role_with_web_identity.");
            for limit in ROLE_LIMITS.iter().chain(&["web_identity_token"]) {
                web_role.refuse(limit)?;
            }
            set("AWS_ROLE_ARN", web_role.text("role_arn")?);
            set("AWS_WEB_IDENTITY_TOKEN_FILE", web_role.text("web_identity_token_file")?);
            set("AWS_ROLE_SESSION_NAME", web_role.text("session_name")?);
        }
        let (mut role_arn, mut external_id) = (arguments.text("role_arn")?, arguments.text("external_id")?);
        if let Some(role) = &role {
            let role = role.as_arguments("assume_role.");
            for limit in ROLE_LIMITS {
                role.refuse(limit)?;
            }
            role_arn = role.text("role_arn")?.or(role_arn);
            external_id = role.text("external_id")?.or(external_id);
            set("AWS_ROLE_SESSION_NAME", role.text("session_name")?);
        }
        let mut profile = arguments.text("profile")?;
        if let Some(access_key) = arguments.text("access_key")? {
            set("AWS_ACCESS_KEY_ID", Some(access_key));
            set("AWS_SECRET_ACCESS_KEY", arguments.text("secret_key")?);
            // A token of the environment belongs to the key of the environment.
            set("AWS_SESSION_TOKEN", Some(arguments.text("token")?.unwrap_or_default()));
            set("AWS_PROFILE", Some(String::new()));
            profile = None;
        }
        let text = |name: &str| arguments.text(name).map(Option::unwrap_or_default);
        let config = Self {
            bucket: text("bucket")?,
            key: text("key")?,
            workspace_key_prefix: arguments
                .values
                .get("workspace_key_prefix")
                .and_then(Value::as_str)
                .unwrap_or(DEFAULT_PREFIX)
                .trim_matches('/')
                .to_owned(),
            use_path_style: arguments.flag("use_path_style")? || arguments.flag("force_path_style")?,
            use_fips: arguments.flag("use_fips_endpoint")? || environment.is_true("AWS_USE_FIPS_ENDPOINT"),
            use_dual_stack: arguments.flag("use_dualstack_endpoint")?
                || environment.is_true("AWS_USE_DUALSTACK_ENDPOINT"),
            allowed_accounts: arguments.texts("allowed_account_ids")?,
            forbidden_accounts: arguments.texts("forbidden_account_ids")?,
            access: Access { profile, role_arn, external_id, region: arguments.text("region")? },
            environment: Environment::new(variables, environment.home().map(std::path::Path::to_owned)),
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Error> {
        let is_bucket = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if self.bucket.is_empty() || !self.bucket.chars().all(is_bucket) {
            return Err(invalid("argument", "bucket")
                .with_help("Name the bucket in the `backend` block, with `-backend-config` at `terraform init`, or as s3://BUCKET/KEY."));
        }
        // A URL drops `.` and `..` on its way, so that another object would be asked for.
        let is_plain = |segment: &str| segment != "." && segment != "..";
        let is_key = !self.key.is_empty() && !self.key.starts_with('/') && !self.key.ends_with('/');
        if !is_key || !self.key.split('/').all(is_plain) || !self.workspace_key_prefix.split('/').all(is_plain) {
            return Err(invalid("argument", "key")
                .with("bucket", &self.bucket)
                .with_help("A key is the path of the state in its bucket, without a slash at either end."));
        }
        Ok(())
    }
}

fn invalid(what: &'static str, name: &str) -> Error {
    Error::new(ErrorKind::Configuration, OPERATION).with(what, name)
}

fn unsupported(name: &str) -> Error {
    Error::new(ErrorKind::Unsupported, OPERATION).with("argument", name)
}

/// The arguments of a block, or of an object in it.
struct Arguments<'a> {
    prefix: &'static str,
    values: &'a BTreeMap<String, Value>,
}

struct Nested(BTreeMap<String, Value>);

impl Nested {
    fn as_arguments(&self, prefix: &'static str) -> Arguments<'_> {
        Arguments { prefix, values: &self.0 }
    }
}

impl Arguments<'_> {
    fn given(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !(value.is_known() && value.is_null()))
    }

    fn is_set(&self, name: &str) -> bool {
        match self.given(name) {
            Some(value) if matches!(value.ty(), Type::Bool) => value.as_bool() != Some(false),
            Some(value) if matches!(value.ty(), Type::String) => value.as_str() != Some(""),
            Some(value) => !value.is_known() || !value.is_empty(),
            None => false,
        }
    }

    fn refuse(&self, name: &str) -> Result<(), Error> {
        if !self.is_set(name) {
            return Ok(());
        }
        Err(unsupported(&format!("{}{name}", self.prefix)).with_help(
            "Name a profile that assumes the role, or pipe the state: `terraform state pull | driftmgr … -`.",
        ))
    }

    fn wrong(&self, name: &str, expected: &str) -> Error {
        invalid("argument", &format!("{}{name}", self.prefix))
            .with_help(format!("It must be {expected} that is known."))
    }

    /// Gives a text; empty and null count as absent.
    fn text(&self, name: &str) -> Result<Option<String>, Error> {
        match self.given(name) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some("") => Ok(None),
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(self.wrong(name, "a string")),
            },
        }
    }

    fn flag(&self, name: &str) -> Result<bool, Error> {
        match self.given(name) {
            None => Ok(false),
            Some(value) => match (value.as_bool(), value.as_str()) {
                (Some(flag), _) => Ok(flag),
                (None, Some("true" | "1")) => Ok(true),
                (None, Some("false" | "0" | "")) => Ok(false),
                _ => Err(self.wrong(name, "true or false, a value")),
            },
        }
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let Some(value) = self.given(name) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(name, "a list of strings");
        if !value.is_known() || value.as_str().is_some() || value.as_bool().is_some() || value.as_number().is_some() {
            return Err(wrong());
        }
        value.elements().map(|element| element.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
    }

    /// Gives the only element of a list.
    fn single(&self, name: &str) -> Result<Option<String>, Error> {
        let mut texts = self.texts(name)?;
        if texts.len() > 1 {
            return Err(unsupported(name).with_help("Only one file is read: put the profiles into one."));
        }
        Ok(texts.pop())
    }

    /// Gives an object argument, whether it was written as an attribute or as a block.
    fn nested(&self, name: &str) -> Result<Option<Nested>, Error> {
        let Some(value) = self.given(name) else { return Ok(None) };
        let wrong = || self.wrong(name, "an object");
        if !value.is_known() || value.ty().is_primitive() {
            return Err(wrong());
        }
        let is_object = |value: &Value| matches!(value.ty(), Type::Object(_) | Type::Map(_));
        let object = if is_object(value) {
            value.clone()
        } else {
            match value.elements().next() {
                Some(first) => first.clone(),
                None => return Ok(None),
            }
        };
        if !is_object(&object) || object.is_null() {
            return Err(wrong());
        }
        Ok(Some(Nested(object.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect())))
    }
}
