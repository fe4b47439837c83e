//! Decides what differs, why, and what can be done about it; pure, no IO.
