//! Code that was applied from another revision than the one a change starts from.

use cty::{Path, PathStep, Value};
use model::{AttributeDifference, Kind};

use super::walk::agree;

/// Says why code is not applied where neither a change nor what it starts from says what is recorded.
///
/// `base` is Declared at the revision the change starts from. Nothing is said where that leaves the argument open, does
/// not know it, or where the path leads into a set.
pub fn applied_from_elsewhere(difference: &AttributeDifference, base: &Value) -> Option<String> {
    let recorded = difference.state.as_ref().filter(|_| difference.kind == Kind::Pending)?.unmark_deep().0;
    let declared = at(&base.unmark_deep().0, &difference.path)?;
    let is_said = declared.is_wholly_known() && !declared.is_null();
    (is_said && !agree(Some(&declared), Some(&recorded))).then(|| {
        "Neither this change nor what it starts from says what is recorded: the state was applied from another revision."
            .to_owned()
    })
}

fn at(value: &Value, path: &Path) -> Option<Value> {
    let mut here = value.clone();
    for step in path.steps() {
        here = match step {
            _ if here.is_null() || !here.is_known() => return None,
            PathStep::GetAttr(name) => here.get_attr(name).ok()?,
            PathStep::Index(_) if here.ty().is_set() => return None,
            PathStep::Index(key) if here.ty().as_object().is_some() => here.get_attr(key.as_str()?).ok()?,
            PathStep::Index(key) => here.index(key).ok()?,
        };
    }
    Some(here)
}

#[cfg(test)]
mod tests {
    use model::Tier;

    use super::*;

    #[test]
    fn it_is_said_where_the_base_says_something_else_than_the_state() {
        let json = |text: &str| cty::json::decode_implied(text.as_bytes()).expect(text);
        let pending = |kind| AttributeDifference {
            state: Some(Value::string("applied")),
            ..AttributeDifference::new(kind, Path::new().attr("tags").index("k"), Tier::Declared)
        };
        let says = |kind, base: &str| applied_from_elsewhere(&pending(kind), &json(base)).is_some();
        assert!(says(Kind::Pending, r#"{"tags":{"k":"base"}}"#));
        assert!(!says(Kind::Pending, r#"{"tags":{"k":"applied"}}"#));
        assert!(!says(Kind::Pending, r#"{"tags":{}}"#));
        assert!(!says(Kind::Pending, r#"{"tags":null}"#));
        assert!(!says(Kind::Changed, r#"{"tags":{"k":"base"}}"#));
    }
}
