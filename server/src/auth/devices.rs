//! Devices that have signed in before, by a cookie that says whose and since when.
//!
//! It is signed with what is kept of the person's password: nothing else is stored, it opens no
//! door by itself, and it ends when the password changes.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use poolwatch_store::people::User;
use sha2::Sha256;

/// How long a device is known.
pub const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(180 * 24);

/// Name of the cookie.
#[must_use]
pub fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-poolwatch-device" } else { "poolwatch-device" }
}

/// The cookie's value for a device that signs in now.
#[must_use]
pub fn issue_token(user: &User, now: Timestamp) -> Option<String> {
    let since = now.as_second();
    let signature = signature(user, since)?.finalize().into_bytes();
    Some(format!("{since}.{}", hex::encode(signature)))
}

/// Whether a device has signed in as this person lately.
#[must_use]
pub fn is_known(user: &User, token: &str, now: Timestamp) -> bool {
    let parsed = token.split_once('.').and_then(|(since, signature)| {
        Some((since.parse::<i64>().ok()?, hex::decode(signature).ok()?))
    });
    let Some((since, given)) = parsed else { return false };
    let age = now.as_second().saturating_sub(since);
    (0..KNOWN_FOR.as_secs()).contains(&age)
        && signature(user, since).is_some_and(|signature| signature.verify_slice(&given).is_ok())
}

fn signature(user: &User, since: i64) -> Option<Hmac<Sha256>> {
    let mut signature = Hmac::<Sha256>::new_from_slice(user.password_hash.as_bytes()).ok()?;
    signature.update(format!("poolwatch device {} {since}", user.id).as_bytes());
    Some(signature)
}

#[cfg(test)]
mod tests {
    use poolwatch_model::person::{Role, Scope};

    use super::*;

    fn user(id: i32, password_hash: &str) -> User {
        let (email, name) = ("ana@example.com".to_owned(), "Ana".to_owned());
        User {
            id,
            email,
            name,
            role: Role::Viewer,
            scope: Scope::WholeFleet,
            password_hash: password_hash.to_owned(),
            sealed_totp: None,
        }
    }

    #[test]
    fn a_device_is_known_to_one_person_for_a_while_and_until_the_password_changes() {
        let ana = user(1, "$argon2id$a");
        let now: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        let token = issue_token(&ana, now).unwrap();
        assert!(is_known(&ana, &token, now) && is_known(&ana, &token, now + KNOWN_FOR / 2));
        assert!(!is_known(&ana, &token, now + KNOWN_FOR));
        assert!(!is_known(&user(2, "$argon2id$a"), &token, now));
        assert!(!is_known(&user(1, "$argon2id$b"), &token, now));
        let (_, signature) = token.split_once('.').unwrap();
        for forged in ["", "1", "x.y", &format!("{}.{signature}", now.as_second() + 1)] {
            assert!(!is_known(&ana, forged, now + KNOWN_FOR / 2), "{forged}");
        }
    }
}
