//! The code beside a state: what it says about backends, regions, instances and their arguments.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cty::convert::convert;
use cty::{Path as AttributePath, PathStep, Type, Value};
use drift::{Declaration, DeclaredArguments, DeclaredBlock, DeclaredNames, UnrecordedInstance};
use hcl::blocks::removed::Removal;
use hcl::configuration::Lookup;
use hcl::module::Module;
use hcl::root::{DeclaredInstance, Expansion, Root};
use hcl::syntax::{Body, File};
use hcl::trace::TraceSubject;
use hcl::{ReadError, SourceTree, expression};
use model::{
    Block, Diagnostics, ImportId, InstanceAddress, ModuleAddress, ProviderAddress, ProviderConfigAddress,
    RecordedInstance, Region, ResourceAddress, ResourceMode, Severity, TraceKind, TraceStep,
};
use tfplugin::ProviderSchema;
use tfstate::backend::BackendConfig;
use tokio::task::JoinError;

use crate::evaluation::RootModule;
use crate::evaluation::stage::Stage;
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

/// Gives the `backend` block of the root module in a folder, as it is on the disk.
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

/// What is known of a provider configuration.
#[derive(Debug)]
pub(crate) struct ProviderFacts {
    /// What the provider offers.
    pub(crate) schema: Arc<ProviderSchema>,
    /// The region that it asks.
    pub(crate) region: Option<Region>,
}

/// What the code declares: the blocks of the root module and of the modules it calls, as far as they are on disk.
#[derive(Debug)]
pub(crate) struct Declared {
    module: Arc<RootModule>,
    /// Whether any block moves or removes addresses: then a resource without a block proves nothing.
    has_moves: bool,
    /// Where recorded instances are now that `moved` blocks lead elsewhere; `None` where a mistake in them hides it.
    moved: Option<BTreeMap<InstanceAddress, InstanceAddress>>,
    /// What `removed` blocks say.
    removals: Vec<Removal>,
    /// Which instances there are.
    expansion: Expansion,
    /// The instances, to be found fast.
    instances: HashSet<InstanceAddress>,
}

/// Takes the code that a request is about, with the instances that its state records.
///
/// Mistakes in the code become warnings: what they hide is unknown, the rest is known.
pub(crate) fn declared(module: &Arc<RootModule>, recorded: &[RecordedInstance]) -> (Declared, Diagnostics) {
    let mut diagnostics = module.code_problems().clone();
    for diagnostic in &mut diagnostics {
        diagnostic.severity = Severity::Warning;
    }
    let configuration = module.configuration();
    let (moves, move_problems) = configuration.moves();
    let (removals, removal_problems) = configuration.removals();
    let has_moves = !moves.statements().is_empty() || !removals.is_empty();
    let is_certain = move_problems.is_empty() && removal_problems.is_empty();
    let addresses = recorded.iter().map(|instance| instance.address.clone()).collect();
    let moved = is_certain.then(|| moves.all_current(&addresses));
    let expansion = module.evaluate(Root::expand);
    let instances = expansion.instances.iter().cloned().collect();
    let has_moves = has_moves || !is_certain;
    (Declared { module: Arc::clone(module), has_moves, moved, removals, expansion, instances }, diagnostics)
}

impl Declared {
    /// Gives the address that an instance of the state has in the code.
    pub(crate) fn current<'a>(&'a self, address: &'a InstanceAddress) -> &'a InstanceAddress {
        self.moved.as_ref().and_then(|moved| moved.get(address)).unwrap_or(address)
    }

    /// Gives the root module.
    pub(crate) fn module(&self) -> &Arc<RootModule> {
        &self.module
    }

    /// Lists type and name of what expressions refer to, in whichever module they stand.
    pub(crate) fn referred(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for definitions in self.module.configuration().definitions.values() {
            for (file, _) in &definitions.files {
                refer(file, &file.body, &mut found);
            }
        }
        found
    }

    /// Lists the instances that the code has and the state does not record, of which the code says what they would be
    /// imported by.
    ///
    /// That is known where the provider's identity asks for one attribute that is an argument: `name`, `bucket`.
    pub(crate) fn unrecorded(
        &self,
        recorded: &[RecordedInstance],
        providers: &BTreeMap<ProviderConfigAddress, ProviderFacts>,
    ) -> Vec<UnrecordedInstance> {
        if self.moved.is_none() {
            return Vec::new();
        }
        let taken: HashSet<&InstanceAddress> =
            recorded.iter().map(|instance| self.current(&instance.address)).collect();
        let imports = self.module.configuration().root().map(|root| root.imports.as_slice()).unwrap_or_default();
        let is_imported = |address: &InstanceAddress| {
            imports.iter().any(|import| match &import.address {
                Some(to) => to == address,
                None => import.to.starts_with(&address.resource.to_string()),
            })
        };
        self.module.evaluate(|root| {
            let wanted = self.expansion.instances.iter();
            let wanted = wanted.filter(|it| it.resource.mode == ResourceMode::Managed && !taken.contains(it));
            let of = |address: &InstanceAddress| {
                let configuration = root.provider_of(address).ok()?;
                let provider = providers.get(&configuration)?;
                let resource_type = address.resource_type().as_str();
                let identity = provider.schema.identities.get(resource_type)?;
                let mut required = identity.attributes.iter().filter(|(_, attribute)| attribute.required_for_import);
                let (Some((name, _)), None) = (required.next(), required.next()) else { return None };
                let found = root.instance(address, &provider.schema.resources.get(resource_type)?.block).ok()?;
                let text = |name: &str| {
                    let value = found.config.get_attr(name).ok()?.unmark().0;
                    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
                };
                let names = DeclaredNames { import_id: Some(ImportId::from(text(name)?)), ..DeclaredNames::default() };
                let region = text("region").map(|region| Region::from(region.as_str()));
                Some(UnrecordedInstance {
                    address: address.clone(),
                    source: Some(found.span.clone()),
                    provider: Some(configuration.provider.clone()),
                    state: 0,
                    account: None,
                    region: region.or_else(|| provider.region.clone()),
                    names,
                    is_being_imported: is_imported(address),
                })
            };
            // Where a provider has regions and nobody says which, what exists elsewhere may be meant as well.
            let is_placed = |one: &UnrecordedInstance| {
                one.region.is_some()
                    || !one.provider.as_ref().is_some_and(|it| it.to_string().ends_with("hashicorp/aws"))
            };
            wanted.filter_map(of).filter(is_placed).collect()
        })
    }

    /// Tells whether it is certain that the code has no such instance, though it has the block.
    fn is_gone(&self, address: &InstanceAddress) -> bool {
        let steps = address.resource.module.steps();
        let is_on_way = |module: &ModuleAddress| {
            let unknown = module.steps();
            let Some((last, outer)) = unknown.split_last() else { return true };
            steps.len() >= unknown.len() && steps[..outer.len()] == *outer && steps[outer.len()].name == last.name
        };
        !self.instances.contains(address)
            && !self.expansion.unknown_modules.iter().any(|(module, _)| is_on_way(module))
            && !self.expansion.unknown_resources.iter().any(|(resource, _)| *resource == address.resource)
            && (0..=steps.len()).all(|n| self.module.is_complete(&ModuleAddress::from_steps(steps[..n].to_vec())))
    }
}

impl Declared {
    /// Evaluates the block of an instance of the state.
    fn found(&self, root: &Root, instance: &RecordedInstance, schema: &ProviderSchema) -> Option<DeclaredInstance> {
        let schema = schema.resources.get(instance.address.resource_type().as_str())?;
        let now = self.current(&instance.address);
        let found = instance.deposed.is_none().then(|| root.instance(now, &schema.block).ok())??;
        (!model::diagnostic::has_errors(&found.diagnostics)).then_some(found)
    }
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

    fn instance(&self, address: &InstanceAddress) -> DeclaredBlock {
        let now = self.current(address);
        match self.module.configuration().resource(&now.resource) {
            Lookup::Block(_) if self.moved.is_some() && self.is_gone(now) => DeclaredBlock::Absent,
            Lookup::Block(block) => DeclaredBlock::Present(block.span.clone()),
            Lookup::Absent if self.moved.is_some() && !self.removals.iter().any(|one| one.removes(now)) => {
                DeclaredBlock::Absent
            }
            Lookup::Absent | Lookup::Unread => DeclaredBlock::Unknown,
        }
    }

    fn instance_argument(&self, address: &InstanceAddress, path: &AttributePath) -> Declaration {
        self.argument(&self.current(address).resource, path)
    }

    fn moved_to(&self, address: &InstanceAddress) -> Option<InstanceAddress> {
        self.moved.as_ref()?.get(address).filter(|now| *now != address).cloned()
    }

    fn references(&self, address: &InstanceAddress, path: &AttributePath) -> Vec<(InstanceAddress, AttributePath)> {
        let subject = TraceSubject::Instance(self.current(address).clone());
        let step = self.module.evaluate(|root| root.trace(&subject, path));
        let mut found = Vec::new();
        if let Ok(step) = step {
            collect(&step, &mut found);
        }
        found
    }
}

/// Lists the managed instances at the first references of a trace, each with the path that is taken of it.
fn collect(step: &TraceStep, found: &mut Vec<(InstanceAddress, AttributePath)>) {
    if step.kind == TraceKind::Resource {
        // Where it stands for all instances of a resource, the name has no key: nobody knows which one matters.
        let address = step.name.as_deref().and_then(|name| name.parse::<InstanceAddress>().ok());
        found.extend(address.map(|address| (address, step.path.clone())));
        return;
    }
    for inner in &step.inner {
        collect(inner, found);
    }
}

/// Lists type and name of what the expressions of a body refer to.
fn refer(file: &Arc<File>, body: &Body, found: &mut BTreeSet<(String, String)>) {
    for attribute in &body.attributes {
        let Ok(node) = expression::parse(file, &attribute.expression) else { continue };
        for reference in node.references() {
            let names = if reference.first() == Some(&"resource") { &reference[1..] } else { &reference[..] };
            if let [resource_type, name, ..] = names {
                found.insert(((*resource_type).to_owned(), (*name).to_owned()));
            }
        }
    }
    for block in &body.blocks {
        refer(file, &block.body, found);
    }
}

/// What the code declares of one instance, evaluated against the schema of its provider.
#[derive(Clone, Debug)]
pub(crate) struct EvaluatedInstance {
    declared: Arc<Declared>,
    schema: Arc<ProviderSchema>,
    /// What the code says; `None` where there is a mistake in it, or no such instance.
    found: Option<DeclaredInstance>,
}

impl EvaluatedInstance {
    /// Evaluates the blocks of instances of the state, in their order, on a thread that may block.
    ///
    /// What is thrown away beside the code, a deposed object, has no configuration.
    pub(crate) fn all(
        declared: &Arc<Declared>,
        schema: &Arc<ProviderSchema>,
        instances: Vec<RecordedInstance>,
    ) -> impl Future<Output = Vec<Self>> + Send + use<> {
        let (declared, schema) = (Arc::clone(declared), Arc::clone(schema));
        let evaluated = tokio::task::spawn_blocking(move || {
            let evaluate = |root: &Root| {
                let of = |instance: &RecordedInstance| Self {
                    declared: Arc::clone(&declared),
                    schema: Arc::clone(&schema),
                    found: declared.found(root, instance, &schema),
                };
                instances.iter().map(of).collect()
            };
            declared.module.evaluate(evaluate)
        });
        async {
            match evaluated.await.map_err(JoinError::try_into_panic) {
                Ok(evaluated) => evaluated,
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                // Everything ends.
                Err(Err(_)) => Vec::new(),
            }
        }
    }

    /// Evaluates the blocks of instances of the state, in their order, with what providers answer to what that needs.
    ///
    /// Gives nothing where everything was stopped.
    pub(crate) async fn settled(
        stage: &Stage,
        declared: &Arc<Declared>,
        schema: &Arc<ProviderSchema>,
        instances: Vec<RecordedInstance>,
    ) -> Vec<Self> {
        let (declared, schema) = (Arc::clone(declared), Arc::clone(schema));
        let take = move |root: &Root| {
            let of = |instance: &RecordedInstance| Self {
                declared: Arc::clone(&declared),
                schema: Arc::clone(&schema),
                found: declared.found(root, instance, &schema),
            };
            instances.iter().map(of).collect::<Vec<_>>()
        };
        stage.settled(take).await.unwrap_or_default()
    }

    /// Counts what of its code is not known.
    pub(crate) fn n_unknown(&self) -> usize {
        self.found.as_ref().map_or(0, |found| found.unknown.len())
    }

    /// Gives its Declared facet: what is sensitive is marked, what evaluation cannot know unknown.
    pub(crate) fn config(&self) -> Option<&Value> {
        self.found.as_ref().map(|found| &found.config)
    }
}

impl DeclaredArguments for EvaluatedInstance {
    fn block(&self, address: &ResourceAddress) -> DeclaredBlock {
        self.declared.block(address)
    }

    fn argument(&self, address: &ResourceAddress, path: &AttributePath) -> Declaration {
        self.declared.argument(address, path)
    }

    fn instance(&self, address: &InstanceAddress) -> DeclaredBlock {
        self.declared.instance(address)
    }

    fn instance_argument(&self, address: &InstanceAddress, path: &AttributePath) -> Declaration {
        let declaration = self.declared.instance_argument(address, path);
        let (Declaration::Written(_), Some(found)) = (&declaration, &self.found) else { return declaration };
        match self.schema.resources.get(found.address.resource_type().as_str()) {
            Some(schema) if is_silent(&schema.block, &found.config, path) => Declaration::Silent,
            _ => declaration,
        }
    }

    fn moved_to(&self, address: &InstanceAddress) -> Option<InstanceAddress> {
        self.declared.moved_to(address)
    }

    fn references(&self, address: &InstanceAddress, path: &AttributePath) -> Vec<(InstanceAddress, AttributePath)> {
        self.declared.references(address, path)
    }

    fn unknown_reason(&self, _address: &InstanceAddress, path: &AttributePath) -> Option<String> {
        let unknown = &self.found.as_ref()?.unknown;
        let is_there = |one: &&hcl::evaluate::Unknown| one.path.starts_with(path) || path.starts_with(&one.path);
        let reason = unknown.iter().find(is_there)?.reason.trim_end_matches('.');
        Some(format!("What the code sets it to is not known: {reason}."))
    }
}

/// Tells whether what a configuration has at a path is known, and nothing: null, or no block.
fn is_silent(schema: &Block, config: &Value, path: &AttributePath) -> bool {
    let mut block = Some(schema);
    let mut is_block = true;
    let mut here = vec![config.clone()];
    for step in path.steps() {
        let mut next = Vec::new();
        for value in here {
            let value = value.unmark().0;
            if !value.is_known() {
                return false;
            }
            if value.is_null() {
                continue;
            }
            match step {
                PathStep::GetAttr(name) => match value.get_attr(name) {
                    Ok(value) => next.push(value),
                    Err(_) => return false,
                },
                // Of a collection that is an argument, the code says all there is.
                PathStep::Index(_) if !is_block => return false,
                PathStep::Index(_) => {
                    next.extend(value.elements().cloned());
                    next.extend(value.entries().map(|(_, element)| element.clone()));
                }
            }
        }
        if let PathStep::GetAttr(name) = step {
            let nested = block.and_then(|block| block.blocks.get(name));
            is_block = nested.is_some();
            block = nested.map(|nested| &nested.block);
        }
        here = next;
    }
    let is_nothing = |value: &Value| value.is_known() && (value.is_null() || is_block && value.is_empty());
    here.iter().all(|value| is_nothing(&value.unmark().0))
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
        super::declared(&module, &[]).0
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

    /// Tells what the code says of an instance that a state records, among others that it records.
    fn instance(code: &str, recorded: &[&str], address: &str) -> &'static str {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("main.tf"), code).expect("it is written");
        let session = Session::new(net::Environment::default(), folder.path().to_owned());
        let module = RootModule::open(&session, &StatesRequest::default()).expect("there is code");
        let recorded: Vec<RecordedInstance> = recorded.iter().map(|address| recorded_at(address)).collect();
        let (declared, _) = super::declared(&module, &recorded);
        match declared.instance(&address.parse().expect("an address")) {
            DeclaredBlock::Present(_) => "present",
            DeclaredBlock::Absent => "absent",
            DeclaredBlock::Unknown => "unknown",
        }
    }

    fn recorded_at(address: &str) -> RecordedInstance {
        RecordedInstance {
            state: 0,
            position: 0,
            address: address.parse().expect("an address"),
            deposed: None,
            provider: "provider[\"registry.terraform.io/hashicorp/a\"]".parse().expect("an address"),
            id: None,
            import_id: None,
            arn: None,
            identity: None,
            account: None,
            region: None,
            is_tainted: false,
        }
    }

    #[test]
    fn an_instance_whose_key_is_gone_is_absent_where_all_keys_are_known() {
        let counted = "variable \"n\" { default = 1 }\nresource \"a_b\" \"c\" {\n  count = var.n\n}\n";
        assert_eq!(instance(counted, &[], "a_b.c[0]"), "present");
        assert_eq!(instance(counted, &[], "a_b.c[1]"), "absent");
        let unknown = "data \"a_b\" \"d\" {}\nresource \"a_b\" \"c\" {\n  count = data.a_b.d.n\n}\n";
        assert_eq!(instance(unknown, &[], "a_b.c[1]"), "present");
        let broken = format!("{counted}resource \"a_b\" {{\n");
        assert_eq!(instance(&broken, &[], "a_b.c[1]"), "present");
        let keyed = "resource \"a_b\" \"c\" {\n  for_each = toset([\"x\"])\n}\n";
        assert_eq!(instance(keyed, &[], "a_b.c[\"x\"]"), "present");
        assert_eq!(instance(keyed, &[], "a_b.c[\"y\"]"), "absent");
    }

    #[test]
    fn an_instance_that_moved_is_found_and_one_that_is_removed_is_no_orphan() {
        let moved = "resource \"a_b\" \"new\" {\n  count = 1\n}\nmoved {\n  from = a_b.old\n  to = a_b.new\n}\n";
        assert_eq!(instance(moved, &["a_b.old[0]"], "a_b.old[0]"), "present");
        assert_eq!(instance(moved, &["a_b.old[0]", "a_b.other"], "a_b.other"), "absent");
        let removed = "removed {\n  from = a_b.c\n  lifecycle {\n    destroy = false\n  }\n}\n";
        assert_eq!(instance(removed, &["a_b.c"], "a_b.c"), "unknown");
        assert_eq!(instance(removed, &["a_b.c", "a_b.d"], "a_b.d"), "absent");
    }

    #[tokio::test]
    async fn what_is_null_or_not_repeated_is_not_written() {
        let code = r#"
variable "none" { default = null }
data "a_b" "d" {}
resource "a_b" "c" {
  plain   = var.none
  set     = var.none == null ? "x" : null
  later   = data.a_b.d.name
  listed  = []
  dynamic "rule" {
    for_each = var.none == null ? [] : [1]
    content { port = 1 }
  }
  other {
    port = null
    name = "n"
  }
}
"#;
        let text = |ty: Type| model::Attribute {
            computed: true,
            ..model::Attribute::optional(model::AttributeType::Plain(ty))
        };
        let block = |names: &[&str]| Block {
            attributes: names.iter().map(|name| ((*name).to_owned(), text(Type::String))).collect(),
            ..Block::default()
        };
        let mut schema = block(&["plain", "set", "later", "open"]);
        schema.attributes.insert("listed".to_owned(), text(Type::list(Type::String)));
        for name in ["rule", "other"] {
            let (nesting, block) = (model::NestingMode::List, block(&["port", "name"]));
            let nested = model::NestedBlock { nesting, block, min_items: 0, max_items: 0 };
            schema.blocks.insert(name.to_owned(), nested);
        }
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("main.tf"), code).expect("it is written");
        let session = Session::new(net::Environment::default(), folder.path().to_owned());
        let module = RootModule::open(&session, &StatesRequest::default()).expect("there is code");
        let declared = Arc::new(super::declared(&module, &[]).0);
        let address = "a_b.c".parse().expect("an address");
        let mut schemas = ProviderSchema::new(model::Schema { version: 0, block: Block::default() });
        schemas.resources.insert("a_b".to_owned(), model::Schema { version: 0, block: schema });
        let evaluated = EvaluatedInstance::all(&declared, &Arc::new(schemas), vec![recorded_at("a_b.c")]).await;
        let evaluated = evaluated.first().expect("it is asked of one");
        let is_written =
            |path: AttributePath| matches!(evaluated.instance_argument(&address, &path), Declaration::Written(_));
        let at = |name: &str| AttributePath::default().attr(name);
        assert!(!is_written(at("plain")) && !is_written(at("open")));
        assert!(is_written(at("set")) && is_written(at("later")) && is_written(at("listed").index(0_u64)));
        assert!(!is_written(at("rule")) && !is_written(at("rule").index(0_u64).attr("port")));
        assert!(is_written(at("other").index(0_u64).attr("name")));
        assert!(!is_written(at("other").index(0_u64).attr("port")));
        assert!(matches!(declared.instance_argument(&address, &at("plain")), Declaration::Written(_)));
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
