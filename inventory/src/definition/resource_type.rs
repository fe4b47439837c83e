//! One compiled resource type: how its objects are found and what they are in Terraform.

use std::collections::BTreeMap;

use serde_json::Value;

use super::condition::{ObjectCondition, StandingRule, Tags};
use super::error::Origin;
use super::mapping::{AttributePath, Mapping};
use super::pointer::Pointer;
use super::template::{Subject, Template};

/// A compiled definition of one native resource type.
#[derive(Clone, Debug)]
pub struct TypeDefinition {
    /// Native type, cloud first: `aws.vpc`.
    pub name: String,
    /// Cloud the type belongs to: `aws`.
    pub cloud: String,
    /// What people call it: `VPC`.
    pub title: String,
    /// Service that the type belongs to, as named in `cloud.yaml`.
    pub service: String,
    /// Where the definition was written.
    pub origin: Origin,
    /// Where objects of the type live.
    pub reach: Reach,
    /// The type whose objects these belong to.
    pub parent: Option<Parent>,
    /// How all objects of one scope are listed.
    pub list: Listing,
    /// Calls for one object each, in this order; each may use what the earlier ones gave.
    pub details: Vec<Detail>,
    /// Objects that do not count as existing, such as terminated instances.
    pub skip_if: Vec<ObjectCondition>,
    /// Stable native key, unique within type, account and region.
    pub key: Template,
    /// ARN, where the type has one.
    pub arn: Option<Template>,
    /// Name people know the object by.
    pub name_of: Option<Mapping>,
    /// Region of the object, where it differs from the region that was asked.
    pub region: Option<Mapping>,
    /// Where tags are, if the type can carry any.
    pub tags: Option<TagSource>,
    /// Objects the cloud gives to every account.
    pub default_if: Vec<StandingRule>,
    /// Objects a service of the cloud makes and looks after.
    pub service_made_if: Vec<StandingRule>,
    /// Objects another tool manages; the cloud's own rules come behind these.
    pub managed_elsewhere_if: Vec<StandingRule>,
    /// Terraform attributes that the API answers for.
    pub attributes: Vec<AttributeMapping>,
    /// What is removed from the native object before anything else looks at it.
    pub sensitive: Vec<Pointer>,
    /// What the object is in Terraform; the first entry whose condition holds counts.
    pub terraform: Vec<TerraformMapping>,
    /// Permissions that listing and details need, for example `ec2:DescribeVpcs`.
    pub permissions: Vec<String>,
    /// Recorded exchanges with the objects they must give.
    pub examples: Vec<Example>,
    /// Public page each fact was taken from, by fact.
    pub sources: BTreeMap<String, String>,
}

/// Where objects of a type live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Once per account: listed in the partition's global region.
    Global,
    /// In every region: listed once per account and region.
    Regional,
}

/// The type whose objects the objects of another type belong to.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Native type of the parent, for example `aws.iam_role`.
    pub type_name: String,
    /// Parents that are asked for children; all where absent.
    pub(super) when: Option<ObjectCondition>,
    /// How children of a scope-wide listing find their parent; `None` when children are listed once per parent.
    pub join: Option<Join>,
}

/// Child and parent belong together when both pointers reach the same text.
#[derive(Clone, Debug)]
pub struct Join {
    /// Pointer into the child.
    pub child: Pointer,
    /// Pointer into the parent.
    pub parent: Pointer,
}

/// How all objects of one scope are listed.
#[derive(Clone, Debug)]
pub enum Listing {
    /// By a call: once per scope, or once per parent where the type has a parent without join.
    Call(Box<ListCall>),
    /// From what is already known of each parent: no call.
    FromParent(FromParent),
}

/// A listing that makes no call: the objects lie in the parent.
#[derive(Clone, Debug)]
pub struct FromParent {
    /// Elements in the parent; each becomes one object.
    pub(super) items: Pointer,
    /// Key under which each element is put.
    pub(super) wrap: Option<String>,
    /// Detail of the parent that must have been fetched, when the objects lie in one.
    pub detail: Option<String>,
}

/// A paginated call that lists objects.
#[derive(Clone, Debug)]
pub struct ListCall {
    /// What is sent.
    pub call: CallTemplate,
    /// Where responses hold JSON as text; it is parsed before anything else looks at the response.
    pub(super) parse_json: Vec<Pointer>,
    /// Where the objects are in each response.
    pub(super) items: Pointer,
    /// Key under which each element is put: `wrap: QueueUrl` makes `{"QueueUrl": "https://…"}` of a string.
    pub(super) wrap: Option<String>,
    /// How the next page is asked for.
    pub page: Option<Paging>,
    /// Error codes that mean "there is none": the listing is empty then.
    pub tolerate: Vec<String>,
}

/// How the next page of a listing is asked for.
#[derive(Clone, Debug)]
pub struct Paging {
    /// Where the response holds the token; absent or empty means the last page.
    pub token: Pointer,
    /// Parameter (or query argument in REST protocols) the token is sent in.
    pub param: String,
    /// Flag that must be true for another page to follow, for APIs that always send a token.
    pub more: Option<Pointer>,
    /// Page size parameter and its value.
    pub size: Option<(String, u32)>,
}

/// A call for one object whose answer becomes part of the object.
#[derive(Clone, Debug)]
pub struct Detail {
    /// Key under which the result is put into the object.
    pub name: String,
    /// When the call is made.
    pub need: Need,
    /// Objects the call is made for; all where absent.
    pub when: Option<ObjectCondition>,
    /// What is sent.
    pub call: CallTemplate,
    /// What of the response is kept.
    pub(super) result: Pointer,
    /// True when the result is a list of elements, possibly over several pages.
    pub list: bool,
    /// How the next page is asked for.
    pub page: Option<Paging>,
    /// Error codes that mean "there is none": the detail is null then, which is different from not fetched.
    pub tolerate: Vec<String>,
}

/// When a detail call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// For every object: the object cannot be told what it is without it.
    Always,
    /// For objects whose attributes somebody asks for.
    OnDemand,
}

/// One request to a cloud's API, before its templates are filled in.
#[derive(Clone, Debug)]
pub struct CallTemplate {
    /// Service, as named in `cloud.yaml`.
    pub service: String,
    /// Wire protocol, from the service.
    pub protocol: Protocol,
    /// Action (query, EC2) or operation (JSON); empty for REST protocols.
    pub action: String,
    /// HTTP method.
    pub method: Method,
    /// Path, `/` except for REST protocols.
    pub path: Template,
    /// Query arguments, REST protocols only; an empty value is sent as a bare key.
    pub query: Vec<(String, Template)>,
    /// Extra headers.
    pub headers: Vec<(String, Template)>,
    /// Parameters: form fields (query, EC2) or the JSON body (JSON, REST-JSON).
    pub params: Vec<(String, Param)>,
}

/// A parameter before its templates are filled in.
#[derive(Clone, Debug)]
pub enum Param {
    /// A number, boolean or null, sent as it is.
    Constant(Value),
    /// Text.
    Text(Template),
    /// A list.
    List(Vec<Param>),
    /// A structure.
    Map(Vec<(String, Param)>),
}

/// HTTP method of a call; only reading ones exist, and POST where a protocol reads that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
}

/// Wire protocol of a service.
///
/// How XML becomes JSON (EC2, query, REST-XML): text stays text; an element without content is an empty string; the
/// children `item` and `member` make their parent a list; the children `entry` with `key` and `value` make their parent
/// an object; attributes and namespaces are dropped; the root, and in the query protocol the `…Result` element below
/// it, is left out, so that a root that holds only text becomes that text; any other repeated element becomes a list, a
/// single one does not ([`Pointer::elements`] and list mappings treat both alike). A REST-XML answer that begins with `{` is
/// JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Form body, lists flattened as `Name.1`, XML answer with `item` lists.
    Ec2,
    /// Form body, lists flattened as `Name.member.1`, XML answer with `member` lists.
    Query,
    /// POST with `X-Amz-Target` and a JSON body.
    Json,
    /// REST with JSON bodies.
    RestJson,
    /// REST with XML answers.
    RestXml,
}

/// Where tags are.
#[derive(Clone, Debug)]
pub struct TagSource {
    /// A list of structures, or a map.
    pub at: Pointer,
    /// Name of the key and of the value field, for a list of structures.
    pub fields: Option<(String, String)>,
}

/// One Terraform attribute that the API answers for.
#[derive(Clone, Debug)]
pub struct AttributeMapping {
    /// The attribute.
    pub path: AttributePath,
    /// Where its value is.
    pub mapping: Mapping,
    /// True when the value changes by itself: kept for showing, never compared.
    pub volatile: bool,
}

/// What a native object is in Terraform.
#[derive(Clone, Debug)]
pub struct TerraformMapping {
    /// Resource type, for example `aws_vpc`.
    pub resource_type: String,
    /// The id that `import` takes.
    pub import_id: Template,
    /// Identity attributes, for `import` blocks with an identity.
    pub identity: Vec<(String, Template)>,
    /// Objects this mapping is for; all where absent.
    pub when: Option<ObjectCondition>,
    /// Template over a recorded instance's attributes that gives its import id; `{/id}` unless said otherwise.
    pub recorded_id: Template,
    /// Other resource types whose instances may record the same object.
    pub aliases: Vec<Alias>,
    /// Attributes of a parent's resource that may hold the object inline.
    pub inline_in: Vec<Inline>,
    /// Attributes of this mapping alone, behind the type's.
    pub attributes: Vec<AttributeMapping>,
    /// Where the real provider imported an object by this id and planned it without changes to its identity.
    pub proof: Option<Proof>,
}

/// Another resource type whose instances may record the same object.
#[derive(Clone, Debug)]
pub struct Alias {
    /// Resource type, for example `aws_default_vpc`.
    pub resource_type: String,
    /// Template over a recorded instance's attributes that gives the import id of the mapping.
    pub recorded_id: Template,
}

/// An attribute or block of a parent's resource that may hold a child inline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inline {
    /// Resource type of the parent, for example `aws_security_group`.
    pub resource_type: String,
    /// Attribute or block, for example `ingress`.
    pub attribute: String,
}

/// Which import proved a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Provider and version, for example `hashicorp/aws 6.47.1`.
    pub provider: String,
    /// What the provider talked to, for example `moto 5.2.5`.
    pub against: String,
}

/// Recorded exchanges and the objects they must give.
#[derive(Clone, Debug)]
pub struct Example {
    /// What the example shows.
    pub name: String,
    /// What was recorded, for example `moto 5.2.5`.
    pub recorded_from: String,
    /// Account and region of the recording.
    pub account: String,
    /// Region of the recording.
    pub region: String,
    /// Requests and what was answered.
    pub exchanges: Vec<Exchange>,
    /// Objects the exchanges must give, by key.
    pub objects: Vec<ExampleObject>,
    /// Where the example was written.
    pub origin: Origin,
}

/// One recorded request and its response.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Service the request goes to.
    pub service: String,
    /// `Action` of query protocols, operation of JSON ones, `METHOD /path?query` of REST ones.
    pub operation: String,
    /// Parameters the request must carry, as sent; the ones not named are not looked at.
    pub params: BTreeMap<String, Value>,
    /// HTTP status answered.
    pub status: u16,
    /// Body answered.
    pub body: String,
}

/// An object that an example must give.
#[derive(Clone, Debug)]
pub struct ExampleObject {
    /// Native key.
    pub key: String,
    /// Facts the object must have, by the names that `examples:` use for them.
    pub facts: BTreeMap<String, Value>,
}

impl ListCall {
    /// Returns the native objects of one response.
    pub fn objects(&self, mut response: Value) -> Vec<Value> {
        for pointer in &self.parse_json {
            pointer.parse_json(&mut response);
        }
        self.items.elements(&response).into_iter().map(|element| wrapped(self.wrap.as_deref(), element)).collect()
    }
}

impl FromParent {
    /// Returns the native objects that a parent holds.
    pub fn objects(&self, parent: &Value) -> Vec<Value> {
        self.items.elements(parent).into_iter().map(|element| wrapped(self.wrap.as_deref(), element)).collect()
    }
}

impl Parent {
    /// Returns true when a parent is worth asking for children.
    pub fn admits(&self, parent: &Subject<'_>, tags: &Tags) -> bool {
        self.when.as_ref().is_none_or(|when| when.holds(parent, tags))
    }
}

impl Detail {
    /// Returns what of one response is put into the object.
    pub fn value(&self, response: &Value) -> Value {
        if self.list {
            Value::Array(self.result.elements(response).into_iter().cloned().collect())
        } else {
            self.result.first(response).cloned().unwrap_or(Value::Null)
        }
    }
}

fn wrapped(wrap: Option<&str>, element: &Value) -> Value {
    match wrap {
        None => element.clone(),
        Some(key) => Value::Object(std::iter::once((key.to_owned(), element.clone())).collect()),
    }
}

impl TypeDefinition {
    /// Returns the names of the details, which are the object's keys that may be missing for want of a call.
    pub fn detail_names(&self) -> Vec<&str> {
        self.details.iter().map(|detail| detail.name.as_str()).collect()
    }

    /// Returns every call of the definition: the listing's first, then the details'.
    pub fn calls(&self) -> impl Iterator<Item = &CallTemplate> {
        let list = match &self.list {
            Listing::Call(list) => Some(&list.call),
            Listing::FromParent(_) => None,
        };
        list.into_iter().chain(self.details.iter().map(|detail| &detail.call))
    }

    /// Returns the Terraform resource types the objects can be, aliases left out.
    pub fn resource_types(&self) -> impl Iterator<Item = &str> {
        self.terraform.iter().map(|mapping| mapping.resource_type.as_str())
    }
}
