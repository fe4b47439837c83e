//! What was learned of a resource type, kept per version of its provider.

/// What searches learned about one resource type in one version of its provider.
///
/// It only ever saves probes: with wrong lessons a search takes longer, and ends the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lessons {}
