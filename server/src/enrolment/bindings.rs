//! Labels and group that hosts get by a token or rule.

use poolwatch_model::{
    HostGroupId,
    host_group::{HostGroup, checked_labels},
};
use poolwatch_store::host_groups::{self, HostBinding};
use sqlx::PgConnection;

use crate::app_error::AppError;

/// What somebody wants hosts to get.
///
/// # Errors
/// 400 for what is no label, and for a group that is not there.
pub async fn checked<'a>(
    db: &mut PgConnection,
    labels: impl IntoIterator<Item = &'a str>,
    group: Option<HostGroupId>,
) -> Result<HostBinding, AppError> {
    let labels = checked_labels(labels).map_err(AppError::bad_request)?;
    if let Some(group) = group
        && !host_groups::list(db).await?.iter().any(|one| one.id == group)
    {
        return Err(AppError::bad_request("There is no such group."));
    }
    Ok(HostBinding { labels, group })
}

/// What somebody types into a form: labels with commas between, and the number of a group.
///
/// # Errors
/// As [`checked`].
pub async fn read(
    db: &mut PgConnection,
    labels: &str,
    group: &str,
) -> Result<HostBinding, AppError> {
    let bad = |_| AppError::bad_request("`group` is the number of a group.");
    let group = match group.trim() {
        "" => None,
        number => Some(HostGroupId(number.parse().map_err(bad)?)),
    };
    checked(db, labels.split(','), group).await
}

/// What hosts get, in words; nothing where they get nothing.
#[must_use]
pub fn binding_in_words(binding: &HostBinding, groups: &[HostGroup]) -> String {
    let group = groups.iter().find(|group| Some(group.id) == binding.group);
    let labels = binding.labels.iter().map(|label| format!("label {label}"));
    let all = group.map(|group| format!("group {}", group.name)).into_iter().chain(labels);
    all.collect::<Vec<_>>().join(", ")
}
