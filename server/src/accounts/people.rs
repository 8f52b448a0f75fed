//! Adding, changing and removing people.

use poolwatch_model::{
    HostGroupId,
    person::{Role, Scope},
};
use poolwatch_store::{
    people::{self, Account},
    second_factors, sessions,
};
use sqlx::{Connection, PgConnection};

use super::{links, read_name};
use crate::{app::App, app_error::AppError, enrolment::groups::checked_scope};

/// Longest e-mail address that mail systems take.
pub const EMAIL_BYTES: usize = 254;

/// A person to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// Name shown.
    pub name: String,
    /// E-mail address, to sign in with.
    pub email: String,
    /// What the person may do.
    pub role: Role,
    /// The groups whose hosts the person sees; `None` for all hosts.
    pub groups: Option<Vec<HostGroupId>>,
}

impl NewPerson {
    /// What somebody typed.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn read(name: &str, email: &str, role: Role) -> Result<Self, String> {
        let name = read_name(name).ok_or("A name has 1 to 100 characters.")?;
        let email = email.trim();
        let parts = email.split_once('@');
        let is_plain = !email.chars().any(|c| c.is_control() || c.is_whitespace() || c == ':');
        let is_address = parts.is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        if !is_plain || !is_address || email.len() > EMAIL_BYTES {
            return Err("An e-mail address looks like ana@example.com.".to_owned());
        }
        Ok(Self { name: name.to_owned(), email: email.to_owned(), role, groups: None })
    }
}

/// The account of this number.
///
/// # Errors
/// 404 when there is none.
pub async fn find(app: &App, db: &mut PgConnection, id: i32) -> Result<Account, AppError> {
    let account = people::account(db, id, app.clock.now()).await?;
    account.ok_or_else(|| AppError::not_found("There is no such person"))
}

/// Adds a person. Returns their number and the link by which they set their password.
///
/// # Errors
/// 409 when the e-mail address is taken.
pub async fn add(app: &App, person: &NewPerson) -> Result<(i32, String), AppError> {
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    let NewPerson { name, email, role, groups } = person;
    let now = app.clock.now();
    let made = people::create_user(&mut transaction, email, name, *role, "", now).await?;
    let id = made.ok_or_else(|| {
        let detail = format!("There is an account of {email} already.");
        AppError::new(axum::http::StatusCode::CONFLICT, "taken", "The address is taken", detail)
    })?;
    let scope = checked_scope(&mut transaction, groups.clone(), *role).await?;
    people::set_scope(&mut transaction, id, &scope).await?;
    let link = links::make(app, &mut transaction, id).await?;
    transaction.commit().await?;
    Ok((id, link))
}

/// What is to become of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonChanges<'a> {
    /// Name shown.
    pub name: &'a str,
    /// What the person may do.
    pub role: Role,
    /// The groups whose hosts the person sees, or `None` in it for all; as before without it.
    pub groups: Option<Option<Vec<HostGroupId>>>,
}

/// Changes a person's name, role and scope. Returns what changed, in words.
///
/// # Errors
/// 400 when a name is no name, for groups that are not there, when nobody would be administrator any
/// more, and when an identity provider says what the person may do.
pub async fn change(
    app: &App,
    id: i32,
    PersonChanges { name, role, groups }: PersonChanges<'_>,
) -> Result<String, AppError> {
    let name =
        read_name(name).ok_or_else(|| AppError::bad_request("A name has 1 to 100 characters."))?;
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    let has_others = people::lock_other_administrators(&mut transaction, id).await?;
    let Account { user, provider, .. } = find(app, &mut transaction, id).await?;
    let scope = match groups {
        Some(groups) => checked_scope(&mut transaction, groups, role).await?,
        None if role == Role::Admin => Scope::WholeFleet,
        None => user.scope.clone(),
    };
    if provider.is_some() {
        return Err(AppError::bad_request(
            "The person's identity provider sets their name and role. Change them there.",
        ));
    }
    if user.role == Role::Admin && role < Role::Admin {
        require_other(has_others)?;
    }
    people::change_user(&mut transaction, id, name, role).await?;
    people::set_scope(&mut transaction, id, &scope).await?;
    transaction.commit().await?;
    app.callers.forget_all();
    let mut changes = Vec::new();
    if user.name != name {
        changes.push(format!("name {} → {name}", user.name));
    }
    if user.role != role {
        changes.push(format!("role {} → {role}", user.role));
    }
    if user.scope != scope {
        changes.push(format!("sees {} → {}", scope_in_words(&user.scope), scope_in_words(&scope)));
    }
    Ok(format!("{}: {}", user.email, changes.join(", ")))
}

/// Lets a person sign in no more, or again. Their sessions end. Returns their e-mail address.
///
/// # Errors
/// 400 when nobody would be administrator any more.
pub async fn set_disabled(app: &App, id: i32, is_disabled: bool) -> Result<String, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    let has_others = people::lock_other_administrators(&mut transaction, id).await?;
    let account = find(app, &mut transaction, id).await?;
    if is_disabled && account.user.role == Role::Admin {
        require_other(has_others)?;
    }
    let at = is_disabled.then(|| account.disabled.unwrap_or_else(|| app.clock.now()));
    people::set_disabled(&mut transaction, id, at).await?;
    sessions::delete_all(&mut transaction, id).await?;
    transaction.commit().await?;
    app.callers.forget_all();
    Ok(account.user.email)
}

/// Deletes a person. Returns their e-mail address.
///
/// # Errors
/// 400 when nobody would be administrator any more.
pub async fn delete(app: &App, id: i32) -> Result<String, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    let has_others = people::lock_other_administrators(&mut transaction, id).await?;
    let account = find(app, &mut transaction, id).await?;
    if account.user.role == Role::Admin {
        require_other(has_others)?;
    }
    people::delete_user(&mut transaction, id).await?;
    transaction.commit().await?;
    app.callers.forget_all();
    Ok(account.user.email)
}

/// Makes a link by which a person sets a new password, for an administrator to hand on.
///
/// # Errors
/// 404 when there is no such person, 400 when they are disabled.
pub async fn make_link(app: &App, id: i32) -> Result<(Account, String), AppError> {
    let mut db = app.pool.acquire().await?;
    let account = find(app, &mut db, id).await?;
    if account.disabled.is_some() {
        return Err(AppError::bad_request("The person is disabled. Enable them first."));
    }
    if account.provider.is_some() {
        return Err(AppError::bad_request("The person signs in by an identity provider."));
    }
    let link = links::make(app, &mut db, id).await?;
    Ok((account, link))
}

/// Turns off the second factor of a person who lost it. Returns their e-mail address.
///
/// # Errors
/// 404 when there is no such person.
pub async fn reset_second_factor(app: &App, id: i32) -> Result<String, AppError> {
    let mut db = app.pool.acquire().await?;
    let account = find(app, &mut db, id).await?;
    second_factors::disable(&mut db, id).await?;
    Ok(account.user.email)
}

/// Ends one session of a person, at once.
///
/// # Errors
/// 404 when there is no such session.
pub async fn end_session(app: &App, id: i32, session: i64) -> Result<(), AppError> {
    let ended = sessions::delete_one(&mut *app.pool.acquire().await?, id, session).await?;
    app.callers.forget_all();
    ended.then_some(()).ok_or_else(|| AppError::not_found("There is no such session"))
}

/// A scope for the audit log, by the numbers of its groups.
#[must_use]
pub fn scope_in_words(scope: &Scope) -> String {
    let Some(groups) = scope.groups() else { return "the whole fleet".to_owned() };
    let numbers: Vec<String> = groups.iter().map(|group| group.0.to_string()).collect();
    format!("groups {}", numbers.join(", "))
}

fn require_other(has_others: bool) -> Result<(), AppError> {
    if has_others {
        return Ok(());
    }
    Err(AppError::bad_request(
        "It is the only administrator who can sign in. Make another one first.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_a_name_and_an_address_that_mail_systems_take() {
        let read = |name: &str, email: &str| NewPerson::read(name, email, Role::Viewer);
        let ana = read(" Ana ", " ana@example.com ").unwrap();
        assert_eq!((ana.name.as_str(), ana.email.as_str()), ("Ana", "ana@example.com"));
        for email in ["", "ana", "@x", "a@", "a@b@c", "a b@c", "a:b@c", "a\u{0}@c"] {
            assert!(read("Ana", email).is_err(), "{email:?}");
        }
        assert!(read("Ana", &format!("{}@example.com", "a".repeat(260))).is_err());
        assert!(read(" ", "ana@example.com").is_err());
        assert!(read(&"a".repeat(101), "ana@example.com").is_err());
        assert!(read("a\nb", "ana@example.com").is_err());
    }
}
