//! The tasks of this repository: tools, code generation, docs, tidy checks, dist, loops.

fn main() {}
