//! Terraform configuration: read without loss, emit.
