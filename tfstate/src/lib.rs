//! State snapshots: format version 4, a streaming index, and the backends they live in.
