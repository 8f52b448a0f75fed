//! How hosts come into the fleet and go: proposals of agents, rules that approve them, and what people
//! decide.

pub mod bindings;
pub mod decisions;
pub mod groups;
pub mod labels;
pub mod proposals;
pub mod rules;
pub mod tokens;
