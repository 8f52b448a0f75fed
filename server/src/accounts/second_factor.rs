//! Second factors of people: enabling them, and asking for their codes.

use poolwatch_store::{people::User, second_factors};

use crate::{
    app::App,
    app_error::AppError,
    auth::{
        second_factor::{self, Authenticator},
        secrets,
    },
};

/// What the secret of an authenticator is sealed for.
fn purpose(user: i32) -> String {
    format!("authenticator of {user}")
}

/// A new authenticator for a person, with its secret sealed.
///
/// # Errors
/// When the system has no randomness to give.
pub fn propose(app: &App, user: &User) -> Result<(Authenticator, String), AppError> {
    let authenticator = Authenticator::generate(&user.email).map_err(AppError::internal)?;
    let sealed = app.sealing_key.seal(&purpose(user.id), authenticator.secret());
    Ok((authenticator, hex::encode(sealed.map_err(AppError::internal)?)))
}

/// The authenticator that was proposed to a person.
///
/// # Errors
/// 400 when what came back is not what was sealed.
pub fn reopen(app: &App, user: &User, sealed: &str) -> Result<Authenticator, AppError> {
    let bytes = hex::decode(sealed).ok();
    let secret = bytes.and_then(|sealed| app.sealing_key.open_sealed(&purpose(user.id), &sealed));
    let changed = || AppError::bad_request("Open the page of the second factor again.");
    Authenticator::new(&secret.ok_or_else(changed)?, &user.email).map_err(AppError::internal)
}

/// Enables a second factor, when the code is right. Returns the recovery codes.
///
/// # Errors
/// When the database fails.
pub async fn enable(
    app: &App,
    user: &User,
    authenticator: &Authenticator,
    code: &str,
) -> Result<Option<Vec<String>>, AppError> {
    let Some(step) = authenticator.step_of(code, app.clock.now()) else { return Ok(None) };
    let codes = second_factor::generate_recovery_codes().map_err(AppError::internal)?;
    let hashes: Vec<Vec<u8>> =
        codes.iter().map(|code| second_factor::hash_recovery_code(code)).collect();
    let sealed = app.sealing_key.seal(&purpose(user.id), authenticator.secret());
    let sealed = sealed.map_err(AppError::internal)?;
    let mut db = app.pool.begin().await?;
    second_factors::enable(&mut db, user.id, &sealed, step, &hashes).await?;
    db.commit().await?;
    Ok(Some(codes))
}

/// How a code was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// It is of the authenticator.
    Authenticator,
    /// It is a recovery code, which is used up now.
    Recovery,
}

/// Whether a code is right that a person types, once.
///
/// # Errors
/// When the database fails, or the secret was sealed by another key.
pub async fn check(app: &App, user: &User, code: &str) -> Result<Option<CodeKind>, AppError> {
    let Some(sealed) = &user.sealed_totp else { return Ok(None) };
    let mut db = app.pool.acquire().await?;
    let recovery = second_factor::hash_recovery_code(code);
    if second_factors::take_recovery_code(&mut db, user.id, &recovery).await? {
        return Ok(Some(CodeKind::Recovery));
    }
    let lost = "the key in the data folder is not the one that second factors were sealed by; an \
                administrator turns off the second factor, or the key is restored";
    let secret = app.sealing_key.open_sealed(&purpose(user.id), sealed);
    let secret = secret.ok_or_else(|| AppError::internal(lost))?;
    let authenticator = Authenticator::new(&secret, &user.email).map_err(AppError::internal)?;
    let Some(step) = authenticator.step_of(code, app.clock.now()) else { return Ok(None) };
    let is_new = second_factors::take_step(&mut db, user.id, step).await?;
    Ok(is_new.then_some(CodeKind::Authenticator))
}

/// Seconds within which the code has to follow the password.
const PENDING_S: i64 = 300;

/// What is sealed for between password and code.
const PENDING: &str = "sign in";

/// Seals that a person gave the right password. It holds for five minutes, and for this password.
///
/// # Errors
/// When the system has no randomness to give.
pub fn seal_pending(app: &App, user: &User) -> Result<String, AppError> {
    let text = pending_text(user, app.clock.now().as_second());
    let sealed = app.sealing_key.seal(PENDING, text.as_bytes()).map_err(AppError::internal)?;
    Ok(hex::encode(sealed))
}

/// Who gave the right password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSignIn {
    /// The e-mail address that was typed.
    pub email: String,
    text: String,
    since: i64,
}

impl PendingSignIn {
    /// Opens what was sealed, for five minutes.
    #[must_use]
    pub fn open(app: &App, sealed: &str) -> Option<Self> {
        let text = app.sealing_key.open_sealed(PENDING, &hex::decode(sealed).ok()?)?;
        let text = String::from_utf8(text).ok()?;
        let (since, rest) = text.split_once(' ')?;
        let (_, email) = rest.split_once(' ')?;
        let (since, email): (i64, _) = (since.parse().ok()?, email.to_owned());
        let age = app.clock.now().as_second() - since;
        (0..PENDING_S).contains(&age).then_some(Self { email, text, since })
    }

    /// Whether it was this person, by their password of now.
    #[must_use]
    pub fn is_of(&self, user: &User) -> bool {
        self.text == pending_text(user, self.since)
    }
}

fn pending_text(user: &User, since: i64) -> String {
    let password = hex::encode(secrets::hash(&user.password_hash));
    format!("{since} {password} {}", user.email)
}
