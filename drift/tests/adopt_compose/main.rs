//! What adopted objects look like together: bodies, references, groups, variables, files.

mod bodies;
mod evaluate;
mod groups;
mod layout;
mod print;
mod properties;
mod references;
mod world;
