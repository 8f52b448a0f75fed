//! Labels and group that hosts get by a token or rule.

use poolwatch_model::HostGroupId;
use poolwatch_store::host_groups::HostBinding;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::{app_error::AppError, enrolment::bindings};

/// Labels and group that hosts get.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct BindingText {
    /// Labels that hosts get.
    #[serde(default)]
    labels: Vec<String>,
    /// Number of the group that hosts are put into.
    group: Option<i32>,
}

impl BindingText {
    pub(super) async fn checked(&self, db: &mut PgConnection) -> Result<HostBinding, AppError> {
        let labels = self.labels.iter().map(String::as_str);
        bindings::checked(db, labels, self.group.map(HostGroupId)).await
    }
}

impl From<HostBinding> for BindingText {
    fn from(binding: HostBinding) -> Self {
        Self { labels: binding.labels, group: binding.group.map(|group| group.0) }
    }
}
