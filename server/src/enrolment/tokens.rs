//! Making tokens by which hosts propose themselves.

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::{
    enrolment_tokens::{self, NewEnrolmentToken},
    host_groups::HostBinding,
};
use sqlx::PgConnection;

use super::rules::checked_name;
use crate::{app_error::AppError, auth::secrets};

/// What somebody wants of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedToken {
    /// What it is for.
    pub name: String,
    /// Days until it ends; `None` for never.
    pub days: Option<u16>,
    /// How many hosts may come by it.
    pub max_uses: Option<i32>,
    /// How many hosts may come by it in a minute.
    pub per_minute: Option<i32>,
    /// What hosts get that come by it.
    pub binding: HostBinding,
}

/// Makes a token. Returns its number and the token itself, which nobody can be shown again.
///
/// # Errors
/// 400 for a name that cannot be shown and numbers below 1.
pub async fn make(
    db: &mut PgConnection,
    wanted: &WantedToken,
    by: &str,
    now: Timestamp,
) -> Result<(i32, String), AppError> {
    let name = checked_name(&wanted.name)?;
    let numbers = [wanted.max_uses, wanted.per_minute, wanted.days.map(i32::from)];
    if numbers.into_iter().flatten().any(|number| number < 1) {
        return Err(AppError::bad_request("Days, uses and hosts per minute are 1 or more."));
    }
    let days = |days: u16| {
        now.saturating_add(SignedDuration::from_hours(i64::from(days) * 24))
            .unwrap_or(Timestamp::MAX)
    };
    // The prefix tells a person, and tools that look for leaked secrets, what it is.
    let token = format!("pwe_{}", secrets::generate().map_err(AppError::internal)?);
    let new = NewEnrolmentToken {
        name: &name,
        hash: &secrets::hash(&token),
        by,
        expires: wanted.days.map(days),
        max_uses: wanted.max_uses,
        per_minute: wanted.per_minute,
        binding: wanted.binding.clone(),
    };
    let id = enrolment_tokens::create(db, &new, now).await?;
    Ok((id, token))
}
