//! The walk: finds what differs between Recorded and Observed along the schema, and what plans make of it.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, Type, Value};
use model::{Attribute, AttributeType, Block, NestingMode};

use super::align::{self, Shape, is_default, text};
use super::is_runtime;
use crate::compare::canonical::is_blank;

/// So many elements of one collection are told apart; beyond, the collection differs as a whole.
const MAX_ELEMENTS: usize = 1_000;

/// One place in Recorded, in Observed, and in what was planned over each.
#[derive(Clone, Debug, Default)]
pub(super) struct Facet {
    pub(super) state: Option<Value>,
    pub(super) cloud: Option<Value>,
    /// What is planned over Observed.
    pub(super) planned: Option<Value>,
    /// What is planned over Recorded.
    pub(super) replanned: Option<Value>,
    /// What the code evaluates to.
    pub(super) code: Option<Value>,
}

/// What the schema says about a place.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) is_required: bool,
    pub(super) is_computed: bool,
    pub(super) is_write_only: bool,
    pub(super) is_sensitive: bool,
    /// The provider alone sets it.
    pub(super) is_runtime: bool,
    /// The outermost block it lies in.
    pub(super) block: Option<String>,
    /// Recorded has nothing in the attribute or block it is, or lies in.
    pub(super) is_recorded_blank: bool,
    /// Recorded has nothing but defaults there.
    pub(super) is_recorded_default: bool,
}

/// One difference, before it is known what it means.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: Path,
    pub(super) facet: Facet,
    pub(super) facts: Facts,
    /// Nothing a provider could not have made of the other side: defaults against nothing, or another order.
    pub(super) is_weak: bool,
    /// Its values must not be shown, be it for what lies inside of them.
    pub(super) is_hidden: bool,
    /// A key of a map came or went, whatever it holds: a tag without a value is a tag.
    pub(super) is_key: bool,
}

/// Compares two objects in the shape of a block. With plans, each difference has what they make of it.
pub(super) fn differences(block: &Block, facet: &Facet, is_strict: bool) -> Vec<Place> {
    let mut walk = Walk { places: Vec::new(), is_strict };
    let facts = Facts {
        is_required: false,
        is_computed: false,
        is_write_only: false,
        is_sensitive: false,
        is_runtime: false,
        block: None,
        is_recorded_blank: false,
        is_recorded_default: false,
    };
    walk.block(&Path::new(), block, facet, &facts);
    let mut places = walk.places;
    places.sort_by_cached_key(|place| place.path.to_string());
    places
}

/// Tells whether two values mean the same where both are known.
pub(super) fn agree(planned: Option<&Value>, base: Option<&Value>) -> bool {
    let (Some(planned), Some(base)) = (planned, base) else {
        return planned.is_none_or(is_blank) && base.is_none_or(is_blank);
    };
    if !planned.is_known() {
        return true;
    }
    if planned.is_wholly_known() {
        return planned == base || is_blank(planned) && is_blank(base) || text(planned) == text(base);
    }
    if planned.ty().is_set() || planned.len() != base.len() {
        return false;
    }
    planned.elements().zip(base.elements()).all(|(planned, base)| agree(Some(planned), Some(base)))
        && planned.entries().zip(base.entries()).all(|((_, planned), (_, base))| agree(Some(planned), Some(base)))
}

struct Walk {
    places: Vec<Place>,
    /// Null and empty are told apart.
    is_strict: bool,
}

impl Facet {
    fn map(&self, step: impl Fn(&Value) -> Option<Value>) -> Self {
        let go = |value: &Option<Value>| match value {
            Some(value) if value.is_null() => None,
            // What is inside of something unknown is unknown.
            Some(value) if !value.is_known() => Some(Value::dynamic()),
            value => value.as_ref().and_then(&step),
        };
        Self {
            state: go(&self.state),
            cloud: go(&self.cloud),
            planned: go(&self.planned),
            replanned: go(&self.replanned),
            code: go(&self.code),
        }
    }

    fn attribute(&self, name: &str) -> Self {
        self.map(|value| match value.ty() {
            Type::Object(_) => value.get_attr(name).ok(),
            _ => value.entries().find(|(own, _)| *own == name).map(|(_, value)| value.clone()),
        })
    }

    fn both(&self) -> [Option<&Value>; 2] {
        [self.state.as_ref(), self.cloud.as_ref()]
    }
}

impl Walk {
    fn block(&mut self, path: &Path, block: &Block, facet: &Facet, facts: &Facts) {
        for (name, attribute) in &block.attributes {
            self.attribute(path.clone().attr(name), attribute, &facet.attribute(name), facts);
        }
        for (name, nested) in &block.blocks {
            let facet = facet.attribute(name);
            if self.is_same(facet.state.as_ref(), facet.cloud.as_ref()) {
                continue;
            }
            let path = path.clone().attr(name);
            let shape = Shape::Block(&nested.block);
            let facts = Facts {
                is_required: false,
                is_runtime: facts.is_runtime || shape.is_runtime(),
                block: facts.block.clone().or_else(|| Some(name.clone())),
                is_recorded_blank: facet.state.as_ref().is_none_or(is_blank),
                is_recorded_default: facet.state.as_ref().is_none_or(is_default),
                ..facts.clone()
            };
            match nested.nesting {
                NestingMode::Single | NestingMode::Group => self.element(path, shape, &facet, &facts),
                NestingMode::List | NestingMode::Set | NestingMode::Map => self.value(path, shape, &facet, &facts),
            }
        }
    }

    fn attribute(&mut self, path: Path, attribute: &Attribute, facet: &Facet, outer: &Facts) {
        if self.is_same(facet.state.as_ref(), facet.cloud.as_ref()) {
            return;
        }
        let facts = Facts {
            is_required: attribute.required,
            is_computed: attribute.computed || outer.is_computed,
            is_write_only: attribute.write_only || outer.is_write_only,
            is_sensitive: attribute.sensitive || outer.is_sensitive,
            is_runtime: is_runtime(attribute) || outer.is_runtime,
            block: outer.block.clone(),
            is_recorded_blank: facet.state.as_ref().is_none_or(is_blank),
            is_recorded_default: facet.state.as_ref().is_none_or(is_default),
        };
        match &attribute.ty {
            AttributeType::Plain(_) => self.value(path, Shape::Plain, facet, &facts),
            AttributeType::Nested(nested) => {
                let shape = Shape::Attributes(&nested.attributes);
                match nested.nesting {
                    NestingMode::Single | NestingMode::Group => self.element(path, shape, facet, &facts),
                    NestingMode::List | NestingMode::Set | NestingMode::Map => self.value(path, shape, facet, &facts),
                }
            }
        }
    }

    /// Compares one object of a nested block or attribute, or an element of a plain collection.
    fn element(&mut self, path: Path, shape: Shape<'_>, facet: &Facet, facts: &Facts) {
        if self.is_same(facet.state.as_ref(), facet.cloud.as_ref()) {
            return;
        }
        if facet.both().iter().any(|value| value.is_none_or(|value| value.is_null() || !value.is_known())) {
            self.hide(path, facet, facts, shape.is_sensitive());
            return;
        }
        match shape {
            Shape::Plain => self.value(path, shape, facet, facts),
            Shape::Block(block) => self.block(&path, block, facet, facts),
            Shape::Attributes(attributes) => {
                for (name, attribute) in attributes {
                    self.attribute(path.clone().attr(name), attribute, &facet.attribute(name), facts);
                }
            }
        }
    }

    /// Compares values by the types they have.
    fn value(&mut self, path: Path, shape: Shape<'_>, facet: &Facet, facts: &Facts) {
        if self.is_same(facet.state.as_ref(), facet.cloud.as_ref()) {
            return;
        }
        if facet.both().into_iter().flatten().any(|value| !value.is_known()) {
            self.hide(path, facet, facts, shape.is_sensitive());
            return;
        }
        let present = |value: &Option<Value>| value.clone().filter(|value| !value.is_null());
        let (state, cloud) = (present(&facet.state), present(&facet.cloud));
        let kind = match (&state, &cloud) {
            (Some(state), Some(cloud)) if Kind::of(state.ty()) == Kind::of(cloud.ty()) => Kind::of(cloud.ty()),
            (Some(value), None) | (None, Some(value)) => Kind::of(value.ty()),
            _ => Kind::Scalar,
        };
        let n_elements = [&state, &cloud].iter().filter_map(|value| value.as_ref()).map(Value::len).max().unwrap_or(0);
        match kind {
            _ if n_elements > MAX_ELEMENTS => self.report(path, facet, facts, false),
            Kind::Scalar => self.report(path, facet, facts, false),
            Kind::Object if matches!(shape, Shape::Plain) => {
                if state.is_none() || cloud.is_none() {
                    self.report(path, facet, facts, false);
                    return;
                }
                for name in names(&[&state, &cloud]) {
                    self.value(path.clone().attr(&name), shape, &facet.attribute(&name), facts);
                }
            }
            Kind::Object | Kind::Map => {
                for name in names(&[&state, &cloud]) {
                    let (path, facet) = (path.clone().index(name.as_str()), facet.attribute(&name));
                    let is_there = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
                    if is_there(&facet.state) == is_there(&facet.cloud) {
                        self.element(path, shape, &facet, facts);
                    } else {
                        self.hide(path, &facet, facts, shape.is_sensitive());
                        if let Some(place) = self.places.last_mut() {
                            place.is_key = true;
                            place.is_weak = false;
                        }
                    }
                }
            }
            Kind::List => self.list(&path, shape, facet, facts),
            Kind::Set => self.set(&path, shape, facet, facts),
        }
    }

    fn list(&mut self, path: &Path, shape: Shape<'_>, facet: &Facet, facts: &Facts) {
        let [state, cloud, planned, replanned, code] = elements(facet);
        let is_reordered = || {
            let sorted = |elements: &[Value]| {
                let mut texts: Vec<String> = elements.iter().map(text).collect();
                texts.sort_unstable();
                texts
            };
            state.len() > 1 && sorted(&state) == sorted(&cloud)
        };
        if state.len() == cloud.len() && is_reordered() {
            self.report(path.clone(), facet, facts, true);
            return;
        }
        let pairs = align::lists(&state, &cloud);
        let over_cloud = |elements: &[Value]| {
            follow(&cloud, elements, &pairs, |pair| pair.1, |pair| pair.0.map(|at| &state[at]), align::lists)
        };
        let (planned, code) = (over_cloud(&planned), over_cloud(&code));
        let replanned =
            follow(&state, &replanned, &pairs, |pair| pair.0, |pair| pair.1.map(|at| &cloud[at]), align::lists);
        for (((pair, planned), replanned), code) in pairs.iter().zip(planned).zip(replanned).zip(code) {
            let facet = Facet {
                state: pair.0.map(|position| state[position].clone()),
                cloud: pair.1.map(|position| cloud[position].clone()),
                planned: unknown(facet.planned.as_ref()).or(planned),
                replanned: unknown(facet.replanned.as_ref()).or(replanned),
                code: unknown(facet.code.as_ref()).or(code),
            };
            let position = pair.1.or(pair.0).unwrap_or_default();
            self.element(path.clone().index(position as u64), shape, &facet, facts);
        }
    }

    fn set(&mut self, path: &Path, shape: Shape<'_>, facet: &Facet, facts: &Facts) {
        if facts.is_sensitive {
            self.report(path.clone(), facet, facts, false);
            return;
        }
        let [state, cloud, planned, replanned, code] = elements(facet);
        let pair_up = |a: &[Value], b: &[Value]| align::sets(a, b, shape);
        let pairs = pair_up(&state, &cloud);
        let over_cloud = |elements: &[Value]| {
            follow(&cloud, elements, &pairs, |pair| pair.1, |pair| pair.0.map(|at| &state[at]), pair_up)
        };
        let (planned, code) = (over_cloud(&planned), over_cloud(&code));
        let replanned = follow(&state, &replanned, &pairs, |pair| pair.0, |pair| pair.1.map(|at| &cloud[at]), pair_up);
        let mut changed = Vec::new();
        for (((pair, planned), replanned), code) in pairs.iter().zip(planned).zip(replanned).zip(code) {
            let facet = Facet {
                state: pair.0.map(|position| state[position].clone()),
                cloud: pair.1.map(|position| cloud[position].clone()),
                planned: unknown(facet.planned.as_ref()).or(planned),
                replanned: unknown(facet.replanned.as_ref()).or(replanned),
                code: unknown(facet.code.as_ref()).or(code),
            };
            if !self.is_same(facet.state.as_ref(), facet.cloud.as_ref()) {
                changed.push(facet);
            }
        }
        let sides: Vec<_> = changed.iter().map(Facet::both).collect();
        let names = align::names(&sides, shape);
        if names.iter().any(Option::is_none) {
            self.hide(path.clone(), facet, facts, true);
            return;
        }
        for (name, facet) in names.into_iter().flatten().zip(&changed) {
            self.element(path.clone().index(name), shape, facet, facts);
        }
    }

    fn is_same(&self, state: Option<&Value>, cloud: Option<&Value>) -> bool {
        match (state, cloud) {
            (Some(state), Some(cloud)) if state == cloud => true,
            (Some(state), Some(cloud)) if self.is_strict => {
                is_blank(state) == is_blank(cloud)
                    && state.is_null() == cloud.is_null()
                    && !align::is_collection(state.ty())
                    && text(state) == text(cloud)
            }
            (Some(state), Some(cloud)) => is_blank(state) && is_blank(cloud) || text(state) == text(cloud),
            (value, other) => value.or(other).is_none_or(is_blank),
        }
    }

    fn report(&mut self, path: Path, facet: &Facet, facts: &Facts, is_weak: bool) {
        let is_nothing = |value: Option<&Value>| value.is_none_or(is_default);
        let is_weak = is_weak || facet.both().into_iter().all(is_nothing);
        self.places.push(Place {
            path,
            facet: facet.clone(),
            facts: facts.clone(),
            is_weak,
            is_hidden: facts.is_sensitive,
            is_key: false,
        });
    }

    /// Reports what may hold something that must not be shown.
    fn hide(&mut self, path: Path, facet: &Facet, facts: &Facts, is_hidden: bool) {
        self.report(path, facet, facts, false);
        if let Some(place) = self.places.last_mut() {
            place.is_hidden |= is_hidden;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scalar,
    List,
    Set,
    Map,
    Object,
}

impl Kind {
    fn of(ty: &Type) -> Self {
        match ty {
            Type::String | Type::Number | Type::Bool | Type::Dynamic => Self::Scalar,
            Type::List(_) | Type::Tuple(_) => Self::List,
            Type::Set(_) => Self::Set,
            Type::Map(_) => Self::Map,
            Type::Object(_) => Self::Object,
        }
    }
}

fn names(values: &[&Option<Value>]) -> BTreeSet<String> {
    values.iter().filter_map(|value| value.as_ref()).flat_map(Value::entries).map(|(name, _)| name.to_owned()).collect()
}

/// Gives what every element of a value is, where the value is unknown.
fn unknown(value: Option<&Value>) -> Option<Value> {
    value.filter(|value| !value.is_known()).map(|_| Value::dynamic())
}

fn elements(facet: &Facet) -> [Vec<Value>; 5] {
    let of = |value: &Option<Value>| value.iter().flat_map(Value::elements).cloned().collect();
    [of(&facet.state), of(&facet.cloud), of(&facet.planned), of(&facet.replanned), of(&facet.code)]
}

/// Finds, for each pair, the element of a plan: the counterpart of what the plan started from, or else one that the
/// plan brings back.
fn follow<'v>(
    base: &[Value],
    planned: &[Value],
    pairs: &[(Option<usize>, Option<usize>)],
    own: impl Fn(&(Option<usize>, Option<usize>)) -> Option<usize>,
    other: impl Fn(&(Option<usize>, Option<usize>)) -> Option<&'v Value>,
    pair_up: impl Fn(&[Value], &[Value]) -> Vec<(Option<usize>, Option<usize>)>,
) -> Vec<Option<Value>> {
    let mut counterparts: BTreeMap<usize, usize> = BTreeMap::new();
    let mut added = Vec::new();
    for pair in pair_up(base, planned) {
        match pair {
            (Some(base), Some(position)) => drop(counterparts.insert(base, position)),
            (None, Some(position)) => added.push(&planned[position]),
            (_, None) => {}
        }
    }
    pairs
        .iter()
        .map(|pair| match own(pair) {
            Some(position) => counterparts.get(&position).map(|position| planned[*position].clone()),
            None => {
                let wanted = other(pair)?;
                let is_wanted = |element: &&Value| agree(Some(element), Some(wanted));
                let like = || {
                    let added: Vec<Value> = added.iter().copied().cloned().collect();
                    let pairs = pair_up(std::slice::from_ref(wanted), &added);
                    pairs.into_iter().find_map(|pair| pair.0.and(pair.1))
                };
                let found = added.iter().position(is_wanted).or_else(like)?;
                Some(added.remove(found).clone())
            }
        })
        .collect()
}
