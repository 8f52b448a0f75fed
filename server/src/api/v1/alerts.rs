//! `/api/v1/alerts/…`: who is told of what, and what nobody is told for a while.

pub(in crate::api) mod deliveries;
pub(in crate::api) mod recipients;
pub(in crate::api) mod rules;
pub(in crate::api) mod settings;
pub(in crate::api) mod silences;
pub(in crate::api) mod windows;

use axum::Extension;
use poolwatch_model::alerting::HostScope;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{access::audit::AuditNote, app_error::AppError};

/// An answer with what the audit log keeps of it.
type Noted<T> = Result<(Extension<AuditNote>, T), AppError>;

/// Some hosts; what is `null` leaves nobody out.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ScopeInfo {
    /// Those of a group, and of groups below it.
    group: Option<String>,
    /// Those of such a name.
    pattern: Option<String>,
}

impl From<HostScope> for ScopeInfo {
    fn from(HostScope { group, pattern }: HostScope) -> Self {
        Self { group, pattern }
    }
}
