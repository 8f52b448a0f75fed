//! Codes of authenticators (TOTP, RFC 6238: SHA-1, six digits, 30 s), and recovery codes.

use anyhow::anyhow;
use jiff::Timestamp;
use totp_rs::{Builder, Secret, Totp};

use super::secrets;

/// Bytes of an authenticator's secret, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// Recovery codes that a person gets.
const RECOVERY_CODES: usize = 10;
/// Hexadecimal digits of a recovery code: 80 bits.
const RECOVERY_DIGITS: usize = 20;

/// The secret of somebody's authenticator.
#[derive(Debug, Clone)]
pub struct Authenticator(Totp);

impl Authenticator {
    /// A new secret for who signs in with this e-mail address.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate(email: &str) -> anyhow::Result<Self> {
        let mut bytes = [0_u8; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| anyhow!("no randomness: {error}"))?;
        Self::new(&bytes, email)
    }

    /// The secret that was kept.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(secret: &[u8], email: &str) -> anyhow::Result<Self> {
        let account = email.replace(':', "");
        let built = Builder::new()
            .with_secret(Secret::from(secret))
            .with_issuer(Some("Poolwatch"))
            .with_account_name(account)
            .build();
        Ok(Self(built.map_err(|error| anyhow!("authenticator: {error:?}"))?))
    }

    /// The secret as it is kept, to be sealed.
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        self.0.secret().as_bytes()
    }

    /// The secret as a person types it.
    #[must_use]
    pub fn in_base32(&self) -> String {
        self.0.secret().to_base32()
    }

    /// The time step that a code belongs to, if it is one of now or of 30 s before or after.
    #[must_use]
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let now = u64::try_from(now.as_second()).ok()?;
        self.0.check(&digits, now).and_then(|step| i64::try_from(step).ok())
    }

    /// What an app scans, row by row; true is dark.
    ///
    /// # Errors
    /// When it does not fit a code.
    pub fn modules(&self) -> anyhow::Result<Vec<Vec<bool>>> {
        let url = self.0.to_url().map_err(|error| anyhow!("authenticator: {error:?}"))?;
        let code = qrcodegen::QrCode::encode_text(&url, qrcodegen::QrCodeEcc::Medium)?;
        let side = 0..code.size();
        Ok(side.clone().map(|y| side.clone().map(|x| code.get_module(x, y)).collect()).collect())
    }
}

/// New recovery codes, each in groups of five digits.
///
/// # Errors
/// When the system has no randomness to give.
pub fn generate_recovery_codes() -> anyhow::Result<Vec<String>> {
    let code = || {
        let digits = secrets::generate()?;
        let groups: Vec<&str> = (0..RECOVERY_DIGITS / 5).map(|at| &digits[at * 5..][..5]).collect();
        Ok(groups.join("-"))
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// What is kept of a recovery code, as it was typed.
#[must_use]
pub fn hash_recovery_code(code: &str) -> Vec<u8> {
    let digits = code.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase());
    secrets::hash(&digits.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the secret of its test vectors, of whose eight digits six count.
    #[test]
    fn codes_are_those_of_the_standard_within_half_a_minute() {
        let secret = Authenticator::new(b"12345678901234567890", "ana@example.com").unwrap();
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")]
        {
            let step = Some(second / 30);
            let at = |second| Timestamp::from_second(second).unwrap();
            assert_eq!(secret.step_of(code, at(second)), step);
            assert_eq!(secret.step_of(&format!("{} {}", &code[..3], &code[3..]), at(second)), step);
            assert_eq!(secret.step_of(code, at(second + 30)), step);
            assert_eq!(secret.step_of(code, at(second + 90)), None);
            assert_eq!(secret.step_of("", at(second)), None);
            assert_eq!(secret.step_of("２８７０８２", at(second)), None);
        }
        assert!(secret.modules().unwrap().len() > 20);
    }

    #[test]
    fn recovery_codes_are_the_same_however_they_are_typed() {
        let codes = generate_recovery_codes().unwrap();
        assert_eq!(codes.len(), RECOVERY_CODES);
        let typed = format!(" {} ", codes[0].replace('-', " ").to_uppercase());
        assert_eq!(hash_recovery_code(&typed), hash_recovery_code(&codes[0]));
        assert_ne!(hash_recovery_code(&codes[1]), hash_recovery_code(&codes[0]));
    }
}
