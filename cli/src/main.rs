//! What exists in the cloud, what drifted from code and state, what nobody manages.

fn main() {}
