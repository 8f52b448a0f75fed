//! One server works with a database. Others stand by, and one of them takes over when it is gone.

use std::time::Duration;

use poolwatch_store::{
    PgConnectOptions, StoreError,
    lead::{self, LeadSession},
};
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;
use tracing::{info, warn};

/// How often who stands by tries to take over.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// How often who leads makes sure that it still does.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A database that does not answer for so long is away: a connection can be dead without a word, and
/// another server may lead meanwhile.
const ANSWER: Duration = Duration::from_secs(10);

/// The lead, for as long as it is held.
#[derive(Debug)]
pub struct Lead {
    connection: PgConnection,
    session: LeadSession,
    options: PgConnectOptions,
}

impl Lead {
    /// Takes the lead, when no other server has it.
    ///
    /// # Errors
    /// When the database fails, or does not answer.
    pub async fn take(options: &PgConnectOptions) -> Result<Option<Self>, StoreError> {
        Self::take_over(options, None).await
    }

    /// The same, in place of an own session whose connection is dead: Postgres may not know that.
    async fn take_over(
        options: &PgConnectOptions,
        dead: Option<LeadSession>,
    ) -> Result<Option<Self>, StoreError> {
        let take = async {
            let mut connection = PgConnection::connect_with(options).await?;
            if let Some(dead) = dead {
                lead::end(&mut connection, dead).await?;
            }
            let session = lead::take(&mut connection).await?;
            Ok(session.map(|session| Self { connection, session, options: options.clone() }))
        };
        timeout(ANSWER, take).await.map_err(|_| StoreError::from(sqlx::Error::PoolTimedOut))?
    }

    /// Takes the lead as soon as no other server has it.
    ///
    /// # Errors
    /// When the database fails at first.
    pub async fn wait(options: &PgConnectOptions) -> Result<Self, StoreError> {
        if let Some(lead) = Self::take(options).await? {
            return Ok(lead);
        }
        info!("Another server works with this database: standing by");
        loop {
            tokio::time::sleep(TRY_EVERY).await;
            match Self::take(options).await {
                Ok(Some(lead)) => {
                    info!("The other server is gone: taking over");
                    return Ok(lead);
                }
                Ok(None) => {}
                Err(error) => warn!(%error, "Cannot tell whether another server works"),
            }
        }
    }

    /// Ends when another server has the lead: after this one was cut off from the database. While the
    /// database is away nobody else can take it.
    pub async fn lost(&mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if timeout(ANSWER, self.connection.ping()).await.is_ok_and(|answer| answer.is_ok()) {
                continue;
            }
            match Self::take_over(&self.options, Some(self.session)).await {
                Ok(Some(again)) => *self = again,
                Ok(None) => return,
                Err(error) => warn!(%error, "The lead over this database is not held meanwhile"),
            }
        }
    }
}
