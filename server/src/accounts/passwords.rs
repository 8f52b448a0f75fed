//! Setting passwords.

use poolwatch_model::person::{Role, Scope};
use poolwatch_store::{
    audit::{self, AuditEntry},
    one_time_links::{self, LinkPurpose},
    people::{self, User},
    sessions,
};
use sqlx::Connection;

use super::people::NewPerson;
use crate::{
    app::App,
    app_error::AppError,
    auth::{
        passwords::{MAX_BYTES, MIN_CHARACTERS},
        secrets,
    },
};

/// Why a password is not taken; `None` when it is.
#[must_use]
pub fn refusal(password: &str) -> Option<String> {
    if password.chars().count() < MIN_CHARACTERS {
        return Some(format!("A password has at least {MIN_CHARACTERS} characters."));
    }
    (password.len() > MAX_BYTES).then(|| format!("A password has at most {MAX_BYTES} bytes."))
}

/// What a link came to.
#[derive(Debug)]
pub enum LinkUse {
    /// The person whose password is set now.
    Done(User),
    /// What was typed is not taken, for this reason; the link is still good.
    Refused(String),
    /// The link is used up, too old, or never was.
    Over,
}

/// Sets the password of who has a link, or makes the first administrator, with what the audit log says
/// of that. Sessions of before end.
///
/// # Errors
/// When the database fails, or too many passwords are checked now.
pub async fn set_by_link(
    app: &App,
    link: &str,
    typed: (&str, &str),
    password: String,
    entry: impl FnOnce(&User) -> AuditEntry,
) -> Result<LinkUse, AppError> {
    let hash = secrets::hash(link);
    let now = app.clock.now();
    let mut db = app.pool.acquire().await?;
    let Some(purpose) = one_time_links::find(&mut db, &hash, now).await? else {
        return Ok(LinkUse::Over);
    };
    drop(db);
    if let Some(reason) = refusal(&password) {
        return Ok(LinkUse::Refused(reason));
    }
    let first = match &purpose {
        LinkPurpose::Password(_) => None,
        LinkPurpose::FirstAdministrator => match NewPerson::read(typed.0, typed.1, Role::Admin) {
            Ok(person) => Some(person),
            Err(reason) => return Ok(LinkUse::Refused(reason)),
        },
    };
    let place = app.password_checks.queue(false)?;
    let password_hash = app.password_checks.hash(place, password).await?;
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    if !one_time_links::use_up(&mut transaction, &hash).await? {
        return Ok(LinkUse::Over);
    }
    let user = match (purpose, first) {
        (LinkPurpose::Password(user), _) => {
            people::set_password(&mut transaction, user.id, &password_hash).await?;
            sessions::delete_all(&mut transaction, user.id).await?;
            User { password_hash, ..user }
        }
        (LinkPurpose::FirstAdministrator, Some(NewPerson { name, email, role, .. })) => {
            let made =
                people::create_user(&mut transaction, &email, &name, role, &password_hash, now);
            let Some(id) = made.await? else {
                return Ok(LinkUse::Refused(format!("There is an account of {email} already.")));
            };
            User {
                id,
                email,
                name,
                role,
                scope: Scope::WholeFleet,
                password_hash,
                sealed_totp: None,
            }
        }
        (LinkPurpose::FirstAdministrator, None) => return Ok(LinkUse::Over),
    };
    audit::add(&mut transaction, &entry(&user)).await?;
    transaction.commit().await?;
    app.callers.forget_all();
    Ok(LinkUse::Done(user))
}

/// Changes the password of who knows the one of now. All their sessions end. Returns the person as
/// they are then, or why it was not taken.
///
/// # Errors
/// When the database fails, or too many passwords are checked now.
pub async fn change(
    app: &App,
    user: User,
    old: String,
    new: String,
) -> Result<Result<User, String>, AppError> {
    if let Some(reason) = refusal(&new) {
        return Ok(Err(reason));
    }
    if !is_right(app, &user, old).await? {
        return Ok(Err("The password of now is wrong.".to_owned()));
    }
    let place = app.password_checks.queue(true)?;
    let password_hash = app.password_checks.hash(place, new).await?;
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    people::set_password(&mut transaction, user.id, &password_hash).await?;
    sessions::delete_all(&mut transaction, user.id).await?;
    transaction.commit().await?;
    app.callers.forget_all();
    Ok(Ok(User { password_hash, ..user }))
}

/// Whether a password is that of a person who is signed in. Such tries count as those of a device
/// that has signed in before.
///
/// # Errors
/// 429 when there were too many, or when it cannot be checked.
pub async fn is_right(app: &App, user: &User, password: String) -> Result<bool, AppError> {
    if password.len() > MAX_BYTES {
        return Ok(false);
    }
    if let Err(wait) = app.sign_in_limits.check_device(&format!("account {}", user.id)) {
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        return Err(AppError::too_many(
            format!("Too many passwords were tried. Wait {seconds} s."),
            seconds,
        ));
    }
    let place = app.password_checks.queue(true)?;
    app.password_checks.verify(place, password, Some(user.password_hash.clone())).await
}
