//! What adopted objects look like together: bodies, references, groups, variables, files.

mod bodies;
mod evaluate;
mod print;
mod references;
mod world;
