//! The Terraform plugin protocol, as a server and as a host, behind one Provider trait.
