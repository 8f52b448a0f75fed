//! The database that the options name.

use std::{path::Path, time::Duration};

use anyhow::{Context, anyhow, ensure};
use poolwatch_store::{
    PgConnectOptions, PgPool,
    embedded::{Durability, Embedded},
    schema::{self, SchemaVersion},
    statement_time,
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
/// How long a statement of a request may take, whether anybody waits for it still or not.
pub const STATEMENT: Duration = Duration::from_secs(60);
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
    accept_later_schema: bool,
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
            (None, None) => return Err(none_named()),
        };
        let mut connection =
            PgConnection::connect_with(&connect).await.context("connecting to the database")?;
        let accept_later_schema = options.accept_later_schema;
        require_known_schema(&mut connection, accept_later_schema).await?;
        poolwatch_store::migrate(&mut connection).await.context("migrating the database")?;
        connection.close().await?;
        let pool = pool_options(CONNECTIONS, STATEMENT)
            .connect_with(connect.clone())
            .await
            .context("connecting to the database")?;
        let writer_pool =
            pool_options(WRITER_CONNECTIONS, STATEMENT).connect_lazy_with(connect.clone());
        let background_pool = pool_options(BACKGROUND_CONNECTIONS, statement_time::LONG)
            .connect_lazy_with(connect.clone());
        Ok(Self {
            pool,
            writer_pool,
            background_pool,
            options: connect,
            embedded,
            accept_later_schema,
        })
    }

    /// Looks again at the schema, for who stood by: a later version may have worked meanwhile.
    ///
    /// # Errors
    /// When the database fails, or was migrated by a later version and that is not accepted.
    pub async fn require_known_schema(&self) -> anyhow::Result<()> {
        require_known_schema(&mut *self.pool.acquire().await?, self.accept_later_schema).await
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

/// Refuses a schema that a later version of Poolwatch has migrated, before anything is changed.
async fn require_known_schema(db: &mut PgConnection, accept_later: bool) -> anyhow::Result<()> {
    let found = schema::inspect(db).await.context("reading the database's schema")?;
    if let Some(words) = later_schema_words(&found) {
        ensure!(
            accept_later,
            "{words} Start that version, or restore the backup from before the upgrade. \
             --accept-later-schema goes on with it all the same."
        );
        warn!("{words} Going on with it, as --accept-later-schema says");
    }
    Ok(())
}

/// What is wrong with a schema that a later version of Poolwatch has migrated.
#[must_use]
pub fn later_schema_words(found: &SchemaVersion) -> Option<String> {
    let later = found.unknown.last()?;
    Some(format!(
        "The database was migrated by a later version of Poolwatch: it has schema {later}, and this \
         version ({}) knows none after {}.",
        env!("CARGO_PKG_VERSION"),
        poolwatch_store::newest_migration(),
    ))
}

/// How so many connections are kept, each with a bound on its statements. One that died without a word
/// does not keep its place, and one that was lent a longer bound has the usual one again.
#[must_use]
pub fn pool_options(connections: u32, statement: Duration) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(WAIT)
        .after_connect(move |db, _| Box::pin(statement_time::bound(db, statement)))
        .after_release(move |db, _| {
            Box::pin(async move {
                let answer = timeout(ANSWER, statement_time::bound(db, statement)).await;
                answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
            })
        })
}

/// The error of a configuration that names no database.
#[must_use]
pub fn none_named() -> anyhow::Error {
    anyhow!(
        "no database: give --database embedded, or --database-url / DATABASE_URL \
         (postgres://user:password@host/database)"
    )
}

async fn start_embedded(data_dir: &Path) -> anyhow::Result<Embedded> {
    Embedded::start(&data_dir.join("postgres"), Durability::Full)
        .await
        .context("starting the private Postgres")
}
