//! Renders findings, for people and machines; owns every versioned output schema.
