//! One way to the network: transport, deadlines, retry, limits, signers, credentials, egress guard.
