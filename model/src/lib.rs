//! The nouns of Terraform: addresses, schemas, identities, facets, findings, diagnostics.
