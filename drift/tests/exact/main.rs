//! What an examination finds, and what it leaves alone: the rows of the table of noise, in both directions.

mod noise;
mod paths;
mod plans;
mod properties;
mod rows;
mod settled;
mod support;
