//! Terraform's type system: types, values, paths, conversion, and the msgpack and JSON codecs of go-cty.
