//! From a merged tree to a compiled type: everything that can be wrong is found here, nothing later.

use std::collections::BTreeMap;

use super::cloud::{CloudDefinition, read_service};
use super::condition::{ObjectCondition, StandingRule, read_pointer, read_template};
use super::error::{DefinitionErrors, Origin};
use super::example;
use super::fields::{Fields, string};
use super::mapping::{AttributePath, Mapping, read_word};
use super::node::{Key, Node, NodeValue};
use super::pointer::Pointer;
use super::resource_type::{
    Alias, AttributeMapping, CallTemplate, Detail, FromParent, Inline, Join, ListCall, Listing, Method, Need, Paging,
    Param, Parent, Proof, Protocol, Reach, TagSource, TerraformMapping, TypeDefinition,
};
use super::template::Template;

/// The one format version there is.
const SCHEMA: u32 = 1;
/// Attributes that start so say that the object claims another one: `claim.type`, `claim.id`, `claim.by`, `claim.evidence`.
const CLAIM_PREFIX: &str = "claim.";

/// What an action may begin with. A definition can only read: it cannot even name an action that writes.
const READING_VERBS: [&str; 5] = ["Describe", "List", "Get", "BatchGet", "Search"];

/// Checks the `schema:` key.
pub(crate) fn check_schema(fields: &mut Fields<'_>, errors: &mut DefinitionErrors) {
    let Some(node) = fields.required("schema", errors) else { return };
    if !matches!(node.value, NodeValue::Integer(version) if version == i64::from(SCHEMA)) {
        errors.push_with_help(
            &node.origin,
            "this definition was written for another version of the format",
            format!("this version of driftmgr reads `schema: {SCHEMA}`"),
        );
    }
}

/// Reads the `source:` key: a public page for each fact.
pub(crate) fn read_sources(fields: &mut Fields<'_>, errors: &mut DefinitionErrors) -> BTreeMap<String, String> {
    let sources = fields.string_map("source", errors);
    if sources.is_empty() {
        errors.push_with_help(
            fields.origin,
            "the definition does not say where its facts are from",
            "add `source:` with the public page of each fact",
        );
    }
    for url in sources.values() {
        if !url.starts_with("https://") {
            errors.push(fields.origin, format!("the source `{url}` is no https URL"));
        }
    }
    sources
}

/// Reads one type from its merged tree.
pub(crate) fn read_type(
    name: &str,
    node: &Node,
    cloud: &CloudDefinition,
    errors: &mut DefinitionErrors,
) -> Option<TypeDefinition> {
    let mut fields = Fields::open(node, "a type definition", errors)?;
    check_schema(&mut fields, errors);
    let title = fields.required_string("title", errors).unwrap_or_default().to_owned();
    let service = fields.required("service", errors).and_then(|node| read_service(node, &cloud.services, errors));
    let service = service.map(|service| service.name.as_str());
    let reach = fields
        .required("scope", errors)
        .and_then(|node| read_word(node, "scope", &[("global", Reach::Global), ("regional", Reach::Regional)], errors));
    let parent = fields.get("parent").and_then(|node| read_parent(node, errors));
    let context = Context { cloud, service: service?, parent: parent.as_ref() };
    let list = fields.required("list", errors).and_then(|node| context.listing(node, errors));
    let details = fields
        .map("details", errors)
        .iter()
        .filter_map(|(key, node)| context.detail(key, node, errors))
        .collect::<Vec<_>>();
    let skip_if = fields.list("skip_if").iter().filter_map(|node| ObjectCondition::read(node, errors)).collect();
    let key = fields.required("key", errors).and_then(|node| context.template(node, "key", errors));
    let arn = fields.get("arn").and_then(|node| context.template(node, "arn", errors));
    let name_of = fields.get("name").and_then(|node| Mapping::read(node, errors));
    let region = fields.get("region").and_then(|node| Mapping::read(node, errors));
    let tags = fields.get("tags").and_then(|node| read_tags(node, errors));
    let mut rules = |key: &'static str, errors: &mut DefinitionErrors| -> Vec<StandingRule> {
        fields.list(key).iter().filter_map(|node| StandingRule::read(node, errors)).collect()
    };
    let default_if = rules("default_if", errors);
    let service_made_if = rules("service_made_if", errors);
    let managed_elsewhere_if = rules("managed_elsewhere_if", errors);
    let volatile = fields.strings("volatile", errors);
    let attributes = read_attributes(fields.map("attributes", errors), &volatile, errors);
    let sensitive =
        fields.list("sensitive").iter().filter_map(|node| read_pointer(node, "sensitive", errors)).collect();
    let terraform: Vec<_> =
        fields.list("terraform").iter().filter_map(|node| context.terraform(node, &volatile, errors)).collect();
    let permissions = fields.strings("permissions", errors);
    let sources = read_sources(&mut fields, errors);
    let examples =
        fields.list("examples").iter().filter_map(|node| example::read(node, context.service, errors)).collect();
    let origin = fields.origin.clone();
    fields.finish(errors);

    let definition = TypeDefinition {
        name: name.to_owned(),
        cloud: cloud.name.clone(),
        title,
        service: context.service.to_owned(),
        origin,
        reach: reach?,
        parent,
        list: list?,
        details,
        skip_if,
        key: key?,
        arn,
        name_of,
        region,
        tags,
        default_if,
        service_made_if,
        managed_elsewhere_if,
        attributes,
        sensitive,
        terraform,
        permissions,
        examples,
        sources,
    };
    check_whole(&definition, &volatile, errors);
    Some(definition)
}

fn check_whole(definition: &TypeDefinition, volatile: &[String], errors: &mut DefinitionErrors) {
    let origin = &definition.origin;
    let is_claim = |attribute: &AttributeMapping| attribute.path.to_string().starts_with(CLAIM_PREFIX);
    if definition.terraform.is_empty() && !definition.attributes.iter().any(is_claim) {
        errors.push_with_help(
            origin,
            "the definition says nothing under `terraform`: no Terraform type, no import id",
            "only a type whose objects claim others (`claim.type`, `claim.id`, `claim.by`, `claim.evidence`) has none",
        );
    }
    if definition.permissions.is_empty() && definition.calls().next().is_some() {
        errors.push_with_help(origin, "the definition makes calls but names no `permissions`", "name the IAM actions");
    }
    let mapped: Vec<String> = definition
        .attributes
        .iter()
        .chain(definition.terraform.iter().flat_map(|mapping| &mapping.attributes))
        .map(|attribute| attribute.path.to_string())
        .collect();
    for path in volatile {
        if !mapped.contains(path) {
            errors.push(origin, format!("`volatile` names `{path}`, which `attributes` does not map"));
        }
    }
}

fn read_parent(node: &Node, errors: &mut DefinitionErrors) -> Option<Parent> {
    if let NodeValue::String(type_name) = &node.value {
        return Some(Parent { type_name: type_name.clone(), when: None, join: None });
    }
    let mut fields = Fields::open(node, "parent", errors)?;
    let type_name = fields.required_string("type", errors).map(str::to_owned);
    let when = fields.get("when").and_then(|node| ObjectCondition::read(node, errors));
    let join = fields.get("join").and_then(|node| {
        let mut fields = Fields::open(node, "join", errors)?;
        let child = fields.required("child", errors).and_then(|node| read_pointer(node, "child", errors));
        let parent = fields.required("parent", errors).and_then(|node| read_pointer(node, "parent", errors));
        fields.finish(errors);
        Some(Join { child: child?, parent: parent? })
    });
    fields.finish(errors);
    Some(Parent { type_name: type_name?, when, join })
}

fn read_tags(node: &Node, errors: &mut DefinitionErrors) -> Option<TagSource> {
    let mut fields = Fields::open(node, "tags", errors)?;
    let at = fields.required("at", errors).and_then(|node| read_pointer(node, "at", errors));
    let key = fields.string("key", errors).map(str::to_owned);
    let value = fields.string("value", errors).map(str::to_owned);
    let origin = fields.origin;
    fields.finish(errors);
    if key.is_some() != value.is_some() {
        errors.push(origin, "a list of tags needs both `key` and `value`; a map of tags has neither");
    }
    Some(TagSource { at: at?, fields: key.zip(value) })
}

fn read_attributes(
    entries: &[(Key, Node)],
    volatile: &[String],
    errors: &mut DefinitionErrors,
) -> Vec<AttributeMapping> {
    entries
        .iter()
        .filter_map(|(key, node)| {
            let path = AttributePath::parse(&key.text).map_err(|why| errors.push(&key.origin, why)).ok();
            let mapping = Mapping::read(node, errors);
            Some(AttributeMapping { path: path?, mapping: mapping?, volatile: volatile.contains(&key.text) })
        })
        .collect()
}

/// What the parts of a type need to know of the whole.
struct Context<'a> {
    cloud: &'a CloudDefinition,
    service: &'a str,
    parent: Option<&'a Parent>,
}

impl Context<'_> {
    /// Reads a template and checks that the parent it may name exists.
    fn template(&self, node: &Node, what: &str, errors: &mut DefinitionErrors) -> Option<Template> {
        let template = read_template(node, what, errors)?;
        if template.needs_parent() && self.parent.is_none() {
            errors.push(&node.origin, format!("the template `{template}` names a parent, but the type has none"));
        }
        Some(template)
    }

    fn listing(&self, node: &Node, errors: &mut DefinitionErrors) -> Option<Listing> {
        let mut fields = Fields::open(node, "list", errors)?;
        let wrap = fields.string("wrap", errors).map(str::to_owned);
        if let Some(from_parent) = fields.get("from_parent") {
            let items = read_pointer(from_parent, "from_parent", errors);
            let detail = fields.string("detail", errors).map(str::to_owned);
            let origin = fields.origin;
            fields.finish(errors);
            if self.parent.is_none_or(|parent| parent.join.is_some()) {
                errors.push(origin, "`from_parent` needs a `parent` without `join`");
            }
            return Some(Listing::FromParent(FromParent { items: items?, wrap, detail }));
        }
        let call = self.call(&mut fields, errors);
        let items = fields.required("items", errors).and_then(|node| read_pointer(node, "items", errors));
        let parse_json =
            fields.list("parse_json").iter().filter_map(|node| read_pointer(node, "parse_json", errors)).collect();
        let page = fields.get("page").and_then(|node| read_page(node, errors));
        let tolerate = fields.strings("tolerate", errors);
        fields.finish(errors);
        Some(Listing::Call(Box::new(ListCall { call: call?, parse_json, items: items?, wrap, page, tolerate })))
    }

    fn detail(&self, key: &Key, node: &Node, errors: &mut DefinitionErrors) -> Option<Detail> {
        let mut fields = Fields::open(node, "a detail", errors)?;
        let need = fields.required("need", errors).and_then(|node| {
            read_word(node, "need", &[("always", Need::Always), ("on_demand", Need::OnDemand)], errors)
        });
        let when = fields.get("when").and_then(|node| ObjectCondition::read(node, errors));
        let call = self.call(&mut fields, errors);
        let result = match fields.get("result") {
            Some(node) => read_pointer(node, "result", errors),
            None => Pointer::parse("").ok(),
        };
        let list = fields.flag("list", errors);
        let page = fields.get("page").and_then(|node| read_page(node, errors));
        let tolerate = fields.strings("tolerate", errors);
        let origin = fields.origin;
        fields.finish(errors);
        if page.is_some() && !list {
            errors.push(origin, "a detail with `page` needs `list: true`");
        }
        Some(Detail { name: key.text.clone(), need: need?, when, call: call?, result: result?, list, page, tolerate })
    }

    fn call(&self, fields: &mut Fields<'_>, errors: &mut DefinitionErrors) -> Option<CallTemplate> {
        let service = match fields.get("service") {
            Some(node) => read_service(node, &self.cloud.services, errors)?,
            None => self.cloud.services.get(self.service)?,
        };
        let is_rest = matches!(service.protocol, Protocol::RestJson | Protocol::RestXml);
        let action = fields.get("action");
        let method = fields
            .get("method")
            .and_then(|node| read_word(node, "method", &[("GET", Method::Get), ("HEAD", Method::Head)], errors));
        let path = fields.get("path").and_then(|node| self.template(node, "path", errors));
        let query = self.templates(fields.map("query", errors), errors);
        let headers = self.templates(fields.map("headers", errors), errors);
        let params = fields
            .map("params", errors)
            .iter()
            .filter_map(|(key, node)| Some((key.text.clone(), self.param(node, errors)?)))
            .collect();
        let origin = fields.origin;
        let action = match action {
            Some(node) => read_action(node, errors)?.to_owned(),
            None => String::new(),
        };
        if is_rest && (path.is_none() || !action.is_empty()) {
            errors.push(origin, format!("`{}` speaks REST: give `path`, not `action`", service.name));
        }
        if !is_rest && (path.is_some() || method.is_some() || !query.is_empty() || action.is_empty()) {
            errors.push(origin, format!("`{}` takes actions: give `action` and `params`, no path", service.name));
        }
        Some(CallTemplate {
            service: service.name.clone(),
            protocol: service.protocol,
            action,
            method: if is_rest { method.unwrap_or(Method::Get) } else { Method::Post },
            path: path.or_else(|| Template::parse("/").ok())?,
            query,
            headers,
            params,
        })
    }

    fn templates(&self, entries: &[(Key, Node)], errors: &mut DefinitionErrors) -> Vec<(String, Template)> {
        entries
            .iter()
            .filter_map(|(key, node)| {
                let template = match &node.value {
                    NodeValue::Null => Template::parse("").ok(),
                    NodeValue::Integer(value) => Template::parse(&value.to_string()).ok(),
                    _ => self.template(node, &key.text, errors),
                };
                Some((key.text.clone(), template?))
            })
            .collect()
    }

    fn param(&self, node: &Node, errors: &mut DefinitionErrors) -> Option<Param> {
        Some(match &node.value {
            NodeValue::String(_) => Param::Text(self.template(node, "a parameter", errors)?),
            NodeValue::List(elements) => {
                Param::List(elements.iter().filter_map(|node| self.param(node, errors)).collect())
            }
            NodeValue::Map(entries) => Param::Map(
                entries.iter().filter_map(|(key, node)| Some((key.text.clone(), self.param(node, errors)?))).collect(),
            ),
            _ => Param::Constant(node.to_json()),
        })
    }

    fn terraform(&self, node: &Node, volatile: &[String], errors: &mut DefinitionErrors) -> Option<TerraformMapping> {
        let mut fields = Fields::open(node, "a Terraform mapping", errors)?;
        let resource_type = fields.required("type", errors).and_then(|node| read_resource_type(node, errors));
        let import_id = fields.required("import_id", errors).and_then(|node| self.template(node, "import_id", errors));
        let identity = self.templates(fields.map("identity", errors), errors);
        let when = fields.get("when").and_then(|node| ObjectCondition::read(node, errors));
        let recorded_id = fields.get("recorded_id").and_then(|node| read_template(node, "recorded_id", errors));
        let aliases = fields.list("aliases").iter().filter_map(|node| read_alias(node, errors)).collect();
        let inline_in = fields.list("inline_in").iter().filter_map(|node| read_inline(node, errors)).collect();
        let attributes = read_attributes(fields.map("attributes", errors), volatile, errors);
        let proof = fields.get("proof").and_then(|node| {
            let mut fields = Fields::open(node, "proof", errors)?;
            let provider = fields.required_string("provider", errors).map(str::to_owned);
            let against = fields.required_string("against", errors).map(str::to_owned);
            fields.finish(errors);
            Some(Proof { provider: provider?, against: against? })
        });
        fields.finish(errors);
        Some(TerraformMapping {
            resource_type: resource_type?,
            import_id: import_id?,
            identity,
            when,
            recorded_id: recorded_id.or_else(id_template)?,
            aliases,
            inline_in,
            attributes,
            proof,
        })
    }
}

fn id_template() -> Option<Template> {
    Template::parse("{/id}").ok()
}

fn read_alias(node: &Node, errors: &mut DefinitionErrors) -> Option<Alias> {
    if let NodeValue::String(_) = &node.value {
        return Some(Alias { resource_type: read_resource_type(node, errors)?, recorded_id: id_template()? });
    }
    let mut fields = Fields::open(node, "an alias", errors)?;
    let resource_type = fields.required("type", errors).and_then(|node| read_resource_type(node, errors));
    let recorded_id =
        fields.required("recorded_id", errors).and_then(|node| read_template(node, "recorded_id", errors));
    fields.finish(errors);
    Some(Alias { resource_type: resource_type?, recorded_id: recorded_id? })
}

fn read_inline(node: &Node, errors: &mut DefinitionErrors) -> Option<Inline> {
    let mut fields = Fields::open(node, "inline_in", errors)?;
    let resource_type = fields.required("type", errors).and_then(|node| read_resource_type(node, errors));
    let attribute = fields.required_string("attribute", errors).map(str::to_owned);
    fields.finish(errors);
    Some(Inline { resource_type: resource_type?, attribute: attribute? })
}

fn read_resource_type(node: &Node, errors: &mut DefinitionErrors) -> Option<String> {
    let text = string(node, "type", errors)?;
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !text.contains('_') || !text.chars().all(is_word) {
        errors.push(&node.origin, format!("`{text}` is no Terraform resource type"));
        return None;
    }
    Some(text.to_owned())
}

fn read_action<'a>(node: &'a Node, errors: &mut DefinitionErrors) -> Option<&'a str> {
    let action = string(node, "action", errors)?;
    let reads = READING_VERBS.iter().any(|verb| action.starts_with(verb));
    if !reads || !action.chars().all(|c| c.is_ascii_alphanumeric()) {
        errors.push_with_help(
            &node.origin,
            format!("`{action}` is not an action that only reads"),
            format!("a definition may only use actions that start with {}", READING_VERBS.join(", ")),
        );
        return None;
    }
    Some(action)
}

fn read_page(node: &Node, errors: &mut DefinitionErrors) -> Option<Paging> {
    let mut fields = Fields::open(node, "page", errors)?;
    let token = fields.required("token", errors).and_then(|node| read_pointer(node, "token", errors));
    let param = fields.required_string("param", errors).map(str::to_owned);
    let more = fields.get("more").and_then(|node| read_pointer(node, "more", errors));
    let size_param = fields.string("size_param", errors).map(str::to_owned);
    let size = fields.integer("size", errors);
    let origin: &Origin = fields.origin;
    fields.finish(errors);
    if size_param.is_some() != size.is_some() {
        errors.push(origin, "a page size needs both `size_param` and `size`");
    }
    Some(Paging { token: token?, param: param?, more, size: size_param.zip(size) })
}
