//! Word from one process to another: something was imported for a host. Needs a direct connection,
//! not a pooler.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::{PgConnection, PgPool, postgres::PgListener};

use crate::Result;

const CHANNEL: &str = "poolwatch_imports";

/// Tells every server that something was imported for a host, once the transaction commits.
///
/// # Errors
/// When the database fails.
pub async fn announce(db: &mut PgConnection, host: HostId) -> Result<()> {
    sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, host.0.to_string()).execute(db).await?;
    Ok(())
}

/// Hosts for which evidence was imported since a time.
///
/// # Errors
/// When the database fails.
pub async fn since(db: &mut PgConnection, since: Timestamp) -> Result<Vec<HostId>> {
    let hosts = sqlx::query_scalar!(
        "SELECT DISTINCT host_id FROM evidence WHERE imported_at >= $1",
        since.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    Ok(hosts.into_iter().map(HostId).collect())
}

/// What other processes announce.
#[derive(Debug)]
pub struct ImportNotices(PgListener);

impl ImportNotices {
    /// Listens from now on, on a connection of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn listen(pool: &PgPool) -> Result<Self> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Self(listener))
    }

    /// The next host. `None` when the connection was lost, and with it perhaps some words.
    ///
    /// # Errors
    /// When the database cannot be reached again.
    pub async fn next(&mut self) -> Result<Option<HostId>> {
        while let Some(word) = self.0.try_recv().await? {
            if let Ok(host) = word.payload().parse() {
                return Ok(Some(HostId(host)));
            }
        }
        Ok(None)
    }
}
