//! The code beside a state: what it says about backends, regions and arguments. It is parsed, not evaluated.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cty::convert::convert;
use cty::{Path as AttributePath, Type};
use drift::{Declaration, DeclaredArguments, DeclaredBlock};
use hcl::configuration::Lookup;
use hcl::module::Module;
use hcl::{File, ReadError, SourceTree};
use model::{Diagnostics, ModuleAddress, ProviderAddress, ProviderConfigAddress, Region, ResourceAddress, Severity};
use tfstate::backend::BackendConfig;

use crate::evaluation::RootModule;
use crate::request::StatesRequest;
use crate::{Session, states};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// A folder of configuration on disk; paths are relative to the root module.
pub(crate) struct Folder<'a>(pub(crate) &'a Path);

impl SourceTree for Folder<'_> {
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        let fail = |error: std::io::Error| ReadError { path: folder.to_owned(), reason: error.to_string() };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.0.join(folder)).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if entry.path().is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort();
        Ok(names)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        let fail = |error: std::io::Error| ReadError { path: folder.to_owned(), reason: error.to_string() };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.0.join(folder)).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if entry.path().is_dir() {
                if entry.file_type().map_err(fail)?.is_symlink() {
                    let reason = "a link to a folder is in it".to_owned();
                    return Err(ReadError { path: folder.to_owned(), reason });
                }
                names.extend(entry.file_name().into_string());
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let fail = |reason: String| ReadError { path: path.to_owned(), reason };
        let full = self.0.join(path);
        let size = full.metadata().map_err(|error| fail(error.to_string()))?.len();
        if size > MAX_FILE {
            return Err(fail(format!("it has {size} bytes, and {MAX_FILE} is the limit")));
        }
        std::fs::read(full).map_err(|error| fail(error.to_string()))
    }
}

/// The root module a request is about: the named one, or the current folder where no state is named.
pub(crate) fn root(request: &StatesRequest, session: &Session) -> Option<PathBuf> {
    let directory = match &request.dir {
        Some(dir) => session.path(dir),
        None if request.locations.is_empty() => session.current_dir.clone(),
        None => return None,
    };
    states::is_root_module(&directory).then_some(directory)
}

/// Gives the `backend` block of the root module in a folder.
pub(crate) fn backend_config(directory: &Path) -> Option<BackendConfig> {
    if !states::is_root_module(directory) {
        return None;
    }
    let (module, _) = Module::read(&Folder(directory), ".");
    module.backend.map(|settings| BackendConfig { kind: settings.name, arguments: settings.arguments })
}

/// What the provider blocks of a root module say about where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProviderPlaces {
    /// The regions that are literals.
    pub(crate) regions: BTreeSet<Region>,
    /// The region of the block without an alias.
    pub(crate) default_region: Option<Region>,
    /// Whether the block without an alias names a region that must be evaluated.
    pub(crate) is_default_region_unknown: bool,
    /// The profiles that are literals.
    pub(crate) profiles: BTreeSet<String>,
}

/// Reads the `provider "aws"` blocks of a root module.
pub(crate) fn provider_places(module: &RootModule) -> ProviderPlaces {
    let mut places = ProviderPlaces::default();
    let Some(definitions) = module.definitions(&ModuleAddress::root()) else { return places };
    let is_aws = |name: &str| match definitions.required_providers.get(name).and_then(Option::as_deref) {
        Some(source) => source.ends_with("hashicorp/aws"),
        None => name == "aws",
    };
    module.evaluate(|root| {
        let Ok(scope) = root.module_scope(&ModuleAddress::root()) else { return };
        for provider in definitions.providers.iter().filter(|provider| is_aws(&provider.name)) {
            let text = |name: &str| {
                let (file, argument) = provider.body.attribute(name)?;
                let (value, _, _) = root.expression(file, &argument.expression, &scope);
                let value = convert(&value.unmark_deep().0, &Type::String).ok()?;
                value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
            };
            let region = text("region").map(|region| Region::from(region.as_str()));
            if provider.alias.is_none() {
                places.is_default_region_unknown = region.is_none() && provider.body.attribute("region").is_some();
                places.default_region.clone_from(&region);
            }
            places.regions.extend(region);
            places.profiles.extend(text("profile"));
        }
    });
    places
}

/// Gives the configurations of providers in the root module: of every provider that it asks for or configures the default
/// one, and those with an alias. What `for_each` repeats is not here.
pub(crate) fn provider_configurations(module: &RootModule) -> BTreeSet<ProviderConfigAddress> {
    let Some(definitions) = module.definitions(&ModuleAddress::root()) else { return BTreeSet::new() };
    let source = |name: &str| {
        let source = definitions.required_providers.get(name).and_then(Option::as_deref);
        source.unwrap_or(name).to_lowercase().parse::<ProviderAddress>().ok()
    };
    let names = definitions.required_providers.keys().map(|name| (name, None));
    let plain = definitions.providers.iter().filter(|block| block.body.attribute("for_each").is_none());
    let blocks = plain.map(|block| (&block.name, block.alias.as_deref()));
    let address = |(name, alias): (&String, Option<&str>)| {
        let (module, provider) = (ModuleAddress::root(), source(name)?);
        Some(ProviderConfigAddress { module, provider, alias: alias.map(Into::into), key: None })
    };
    names.chain(blocks).filter_map(address).collect()
}

/// What the code declares: the blocks of the root module and of the modules it calls, as far as they are on disk.
#[derive(Debug)]
pub(crate) struct Declared {
    module: Arc<RootModule>,
    /// Whether any block moves or removes addresses: then an address without a block proves nothing.
    has_moves: bool,
}

/// Takes the code that a request is about.
///
/// Mistakes in the code become warnings: what they hide is unknown, the rest is known.
pub(crate) fn declared(module: &Arc<RootModule>) -> (Declared, Diagnostics) {
    let mut diagnostics = module.code_problems().clone();
    for diagnostic in &mut diagnostics {
        diagnostic.severity = Severity::Warning;
    }
    let mut files = module.configuration().modules.values().flat_map(|module| &module.files);
    let has_moves = files.any(|(path, _)| moves_addresses(&**module.tree(), path));
    (Declared { module: Arc::clone(module), has_moves }, diagnostics)
}

fn moves_addresses(tree: &dyn SourceTree, path: &str) -> bool {
    let Ok(bytes) = tree.read(path) else { return true };
    let Ok(text) = String::from_utf8(bytes) else { return true };
    let is_json = Path::new(path).extension().is_some_and(|extension| extension == "json");
    let (file, _) = if is_json { File::parse_json(path, &text) } else { File::parse(path, &text) };
    file.body.blocks.iter().any(|block| matches!(block.block_type.as_str(), "moved" | "removed"))
}

impl DeclaredArguments for Declared {
    fn block(&self, address: &ResourceAddress) -> DeclaredBlock {
        match self.module.configuration().resource(address) {
            Lookup::Block(block) => DeclaredBlock::Present(block.span.clone()),
            Lookup::Absent if !self.has_moves => DeclaredBlock::Absent,
            Lookup::Absent | Lookup::Unread => DeclaredBlock::Unknown,
        }
    }

    fn argument(&self, address: &ResourceAddress, path: &AttributePath) -> Declaration {
        let Lookup::Block(block) = self.module.configuration().resource(address) else { return Declaration::Unknown };
        if block.ignores(path) {
            return Declaration::IgnoredChanges;
        }
        match block.written(path) {
            Some(argument) => Declaration::Written(argument.span.clone()),
            None => Declaration::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(files: &[(&str, &str)]) -> Declared {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
            std::fs::write(path, text).expect("it is written");
        }
        let session = Session::new(net::Environment::default(), folder.path().to_owned());
        let module = RootModule::open(&session, &StatesRequest::default()).expect("there is code");
        super::declared(&module).0
    }

    fn block(declared: &Declared, address: &str) -> &'static str {
        match declared.block(&address.parse().expect("an address")) {
            DeclaredBlock::Present(_) => "present",
            DeclaredBlock::Absent => "absent",
            DeclaredBlock::Unknown => "unknown",
        }
    }

    #[test]
    fn blocks_are_found_through_local_modules_and_unknown_in_others() {
        let declared = declared(&[
            (
                "main.tf",
                "resource \"a_b\" \"c\" {}\nmodule \"m\" {\n  source = \"./m\"\n}\nmodule \"far\" {\n  source = \"x/y/z\"\n}\n",
            ),
            ("m/main.tf", "resource \"a_b\" \"inner\" {\n  x = 1\n}\n"),
        ]);
        assert_eq!(block(&declared, "a_b.c"), "present");
        assert_eq!(block(&declared, "a_b.gone"), "absent");
        assert_eq!(block(&declared, "module.m[0].a_b.inner"), "present");
        assert_eq!(block(&declared, "module.m[0].a_b.gone"), "absent");
        assert_eq!(block(&declared, "module.gone.a_b.c"), "absent");
        assert_eq!(block(&declared, "module.far.a_b.c"), "unknown");
        let argument = |path: cty::Path| declared.argument(&"module.m.a_b.inner".parse().expect("an address"), &path);
        assert!(matches!(argument(cty::Path::default().attr("x")), Declaration::Written(_)));
        assert_eq!(argument(cty::Path::default().attr("y")), Declaration::Silent);
    }

    #[test]
    fn an_address_that_may_have_moved_is_not_absent() {
        let moved = "resource \"a_b\" \"new\" {}\nmoved {\n  from = a_b.old\n  to = a_b.new\n}\n";
        assert_eq!(block(&declared(&[("main.tf", moved)]), "a_b.old"), "unknown");
    }

    #[test]
    fn code_with_mistakes_is_unknown() {
        assert_eq!(block(&declared(&[("main.tf", "resource \"a_b\" {")]), "a_b.c"), "unknown");
    }

    #[test]
    fn provider_blocks_name_places() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "locals {\n  place = \"eu-west\"\n}\nprovider \"aws\" {\n  region = \"${local.place}-1\"\n  profile = \"prod\"\n}\nprovider \"aws\" {\n  alias = \"x\"\n  region = data.a.b.c\n}\n";
        std::fs::write(folder.path().join("main.tf"), text).expect("it is written");
        let session = Session::new(net::Environment::default(), folder.path().to_owned());
        let places = provider_places(&RootModule::open(&session, &StatesRequest::default()).expect("there is code"));
        assert_eq!(places.regions, BTreeSet::from([Region::from("eu-west-1")]));
        assert_eq!(places.default_region, Some(Region::from("eu-west-1")));
        assert_eq!(places.profiles, BTreeSet::from(["prod".to_owned()]));
    }
}
