//! The database that the options name.

use std::{path::Path, time::Duration};

use anyhow::{Context, bail};
use poolwatch_store::{
    PgConnectOptions, PgPool,
    embedded::{Durability, Embedded},
};
use sqlx::{Connection, PgConnection, postgres::PgPoolOptions};
use tokio::time::{MissedTickBehavior, timeout};
use tracing::{error, warn};

use crate::cli::{DatabaseOptions, PrivateDatabase};

/// Connections of the pool: more do not make Postgres faster.
const CONNECTIONS: u32 = 20;
/// Connections of the writer's own pool: one for each statement under way. A connection keeps memory for
/// the largest statement that it ever sent, and those that store frames are by far the largest.
const WRITER_CONNECTIONS: u32 = 2;
/// Connections of the background's own pool: all its jobs at once.
const BACKGROUND_CONNECTIONS: u32 = 7;
/// How long a request waits for a connection before it is told to come back.
const WAIT: Duration = Duration::from_secs(5);
/// How long a connection may take to answer once nobody needs it any more.
const ANSWER: Duration = Duration::from_secs(5);
/// How often a private Postgres is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A database with its schema up to date.
#[derive(Debug)]
pub struct Database {
    /// Connections to it.
    pub pool: PgPool,
    /// Connections for the writer alone.
    pub writer_pool: PgPool,
    /// Connections for the background thread alone.
    pub background_pool: PgPool,
    /// How to make another one.
    pub options: PgConnectOptions,
    embedded: Option<Embedded>,
}

impl Database {
    /// Opens the database that the options name and migrates it.
    ///
    /// # Errors
    /// When it cannot be reached or migrated, or none is named.
    pub async fn open(options: &DatabaseOptions) -> anyhow::Result<Self> {
        let (connect, embedded) = match (&options.database, &options.database_url) {
            (Some(PrivateDatabase::Embedded), _) => {
                let embedded = start_embedded(&options.data_dir).await?;
                (embedded.options(), Some(embedded))
            }
            (None, Some(url)) => {
                let connect =
                    url.parse().context("the database address is not a postgres:// URL")?;
                (connect, None)
            }
            (None, None) => bail!(
                "no database: give --database embedded, or --database-url / DATABASE_URL \
                 (postgres://user:password@host/database)"
            ),
        };
        let mut connection =
            PgConnection::connect_with(&connect).await.context("connecting to the database")?;
        poolwatch_store::migrate(&mut connection).await.context("migrating the database")?;
        connection.close().await?;
        let pool = pool_options(CONNECTIONS)
            .connect_with(connect.clone())
            .await
            .context("connecting to the database")?;
        let writer_pool = pool_options(WRITER_CONNECTIONS).connect_lazy_with(connect.clone());
        let background_pool =
            pool_options(BACKGROUND_CONNECTIONS).connect_lazy_with(connect.clone());
        Ok(Self { pool, writer_pool, background_pool, options: connect, embedded })
    }

    /// Starts a private Postgres again whenever it dies, for ever.
    pub fn keep_alive(&self) -> impl Future<Output = ()> + use<> {
        let embedded = self.embedded.clone();
        async move {
            let Some(embedded) = embedded else { return };
            let mut every = tokio::time::interval(LOOK_EVERY);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                match embedded.revive().await {
                    Ok(false) => {}
                    Ok(true) => warn!("The private Postgres had died and runs again"),
                    Err(error) => error!(%error, "The private Postgres died and does not start"),
                }
            }
        }
    }

    /// Lets go of it. A private Postgres that this process started is stopped; one that it found
    /// running is left to whoever started it, unless `stop_adopted`.
    ///
    /// # Errors
    /// When a private Postgres does not stop.
    pub async fn close(self, stop_adopted: bool) -> anyhow::Result<()> {
        self.writer_pool.close().await;
        self.pool.close().await;
        if let Some(embedded) = self.embedded
            && (stop_adopted || !embedded.adopted())
        {
            embedded.stop().await?;
        }
        Ok(())
    }
}

/// How so many connections are kept. One that died without a word does not keep its place.
#[must_use]
pub fn pool_options(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(WAIT).after_release(
        |db, _| {
            Box::pin(async move {
                let answer = timeout(ANSWER, db.ping()).await;
                answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
            })
        },
    )
}

async fn start_embedded(data_dir: &Path) -> anyhow::Result<Embedded> {
    Embedded::start(&data_dir.join("postgres"), Durability::Full)
        .await
        .context("starting the private Postgres")
}
