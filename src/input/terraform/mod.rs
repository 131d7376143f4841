//! Terraform.

pub mod language;
mod syntax;
