//! `/api/v1/enrolment/…`: how hosts come into the fleet.

mod binding;
pub(in crate::api) mod hosts;
pub(in crate::api) mod kit;
pub(in crate::api) mod rules;
pub(in crate::api) mod tokens;
