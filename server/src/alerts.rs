//! Warnings: what is worth one, and how it gets out.

pub mod deliver;
pub mod incident;
