//! Passwords: Argon2id with the library's recommended cost.

use anyhow::anyhow;
use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};

/// Fewest characters of a password.
pub const MIN_CHARACTERS: usize = 10;

/// The hash to keep of a password. Takes tens of milliseconds of CPU on purpose.
///
/// # Errors
/// When hashing fails.
pub fn hash(password: &str) -> anyhow::Result<String> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow!("hashing the password: {error}"))?;
    Ok(hash.to_string())
}

/// Whether a password is the one that was hashed. With no hash (nobody of that name) it takes as
/// long, so that an answer's time does not tell who exists.
#[must_use]
pub fn verify(password: &str, kept: Option<&str>) -> bool {
    /// Of a password that nobody has.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
         QCKdO6oVtV2WxLS6N9uXPo1gKSrkv5JNUMF9WfpaRvA";
    let Ok(parsed) = PasswordHash::new(kept.unwrap_or(NOBODY)) else { return false };
    let matches = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    matches && kept.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_opens() {
        let kept = hash("correct horse battery").unwrap();
        assert!(verify("correct horse battery", Some(&kept)));
        assert!(!verify("wrong", Some(&kept)));
        assert!(!verify("correct horse battery", None));
    }
}
