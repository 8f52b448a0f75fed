//! Second factors of people: the secret of their authenticator, and codes for when it is lost.

use sqlx::PgConnection;

use crate::Result;

/// Enables a person's second factor, with new recovery codes.
///
/// # Errors
/// When the database fails.
pub async fn enable(
    db: &mut PgConnection,
    user: i32,
    sealed_secret: &[u8],
    step: i64,
    code_hashes: &[Vec<u8>],
) -> Result<()> {
    sqlx::query!(
        "WITH old AS (DELETE FROM recovery_codes WHERE user_id = $1)
         UPDATE users SET totp_secret = $2, totp_last_step = $3 WHERE id = $1",
        user,
        sealed_secret,
        step,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])",
        user,
        code_hashes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Disables it, and takes its recovery codes away.
///
/// # Errors
/// When the database fails.
pub async fn disable(db: &mut PgConnection, user: i32) -> Result<()> {
    sqlx::query!(
        "WITH old AS (DELETE FROM recovery_codes WHERE user_id = $1)
         UPDATE users SET totp_secret = NULL WHERE id = $1",
        user,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the code of a time step. Returns whether none of it or a later one was taken before.
///
/// # Errors
/// When the database fails.
pub async fn take_step(db: &mut PgConnection, user: i32, step: i64) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE users SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2",
        user,
        step,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes a recovery code. Returns whether it was one.
///
/// # Errors
/// When the database fails.
pub async fn take_recovery_code(
    db: &mut PgConnection,
    user: i32,
    code_hash: &[u8],
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2",
        user,
        code_hash,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How many recovery codes a person has left.
///
/// # Errors
/// When the database fails.
pub async fn recovery_codes_left(db: &mut PgConnection, user: i32) -> Result<u64> {
    let left = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM recovery_codes WHERE user_id = $1"#,
        user
    )
    .fetch_one(db)
    .await?;
    Ok(left.unsigned_abs())
}
