//! Poolwatch's Postgres: one module per group of tables, plain functions that take a connection
//! and model types. All SQL of the project is in this crate.

pub mod alert_rules;
pub mod alert_settings;
pub mod alerts;
pub mod approval_rules;
pub mod audit;
pub mod boots;
pub mod check;
pub mod chunk;
pub mod chunks;
pub mod clock_watch;
pub mod compact;
pub mod deliveries;
mod dictionaries;
pub mod disk;
pub mod driver_scans;
pub mod embedded;
pub mod enrolment;
pub mod enrolment_tokens;
pub mod events;
pub mod evidence;
pub mod expiry;
mod fleet_hours;
pub mod frames;
pub mod host_groups;
pub mod hosts;
pub mod imports;
pub mod incidents;
pub mod inventories;
pub mod jobs;
pub mod latest;
pub mod lead;
pub mod offered_tag_lists;
pub mod one_time_links;
pub mod outbox;
pub mod partitions;
pub mod patience;
pub mod people;
pub mod pool_failures;
pub mod read;
mod readable;
pub mod recipients;
pub mod recurring_windows;
pub mod refused_enrolments;
pub mod retention;
pub mod saved_views;
pub mod schema;
pub mod second_factors;
pub mod self_check;
pub mod sessions;
pub mod settings;
pub mod silences;
pub mod statement_time;
pub mod tag_notes;
#[cfg(feature = "testing")]
pub mod testing;
mod time_grid;
pub mod tokens;
pub mod uploads;

use sqlx::{PgConnection, migrate::Migrator};
pub use sqlx::{PgPool, Postgres, Transaction, postgres::PgConnectOptions};

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no, or was not there.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored document does not read as what it should be.
    #[error("stored document: {0}")]
    Document(#[from] serde_json::Error),
    /// What an incident's lifecycle remembers does not read.
    #[error(
        "the state of incident {incident} cannot be read: {error}. Nothing is found of its cause \
         until it is restored from a backup, or deleted from the table incidents"
    )]
    Lifecycle {
        /// Which incident.
        incident: i64,
        /// Why.
        error: serde_json::Error,
    },
    /// A stored chunk does not read as one.
    #[error("stored chunk: {0}")]
    Chunk(#[from] chunk::Malformed),
    /// A chunk did not read as it was written, or a list that it refers to is gone.
    #[error("{0}")]
    Inconsistent(&'static str),
    /// A number does not fit its column.
    #[error("{0} does not fit its column")]
    OutOfRange(&'static str),
}

/// The result of every function of this crate.
pub type Result<T> = std::result::Result<T, StoreError>;

fn migrations() -> Migrator {
    sqlx::migrate!("../../migrations")
}

/// Brings the schema up to date. Forward only; needs a direct connection, not a pooler.
///
/// # Errors
/// When a migration fails, or the database has one that this build does not know.
pub async fn migrate(connection: &mut PgConnection) -> std::result::Result<(), anyhow::Error> {
    // Whether a schema of a later version is met is asked before (`schema::inspect`).
    migrations().set_ignore_missing(true).run(connection).await?;
    Ok(())
}

/// The number of the newest migration of this build.
#[must_use]
pub fn newest_migration() -> i64 {
    migrations().iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// A word that changes whenever the schema does.
#[must_use]
pub fn schema_fingerprint() -> String {
    let migrations = migrations();
    let newest = newest_migration();
    let sum = migrations
        .iter()
        .flat_map(|migration| migration.checksum.iter())
        .fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    format!("{newest}_{sum:016x}")
}

/// Whether an error means that the database cannot be reached or is too busy, so that the same
/// request may succeed later.
#[must_use]
pub fn is_temporary(error: &StoreError) -> bool {
    match error {
        StoreError::Database(error) => match error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => true,
            // Connection trouble, a standby that is not promoted yet, transactions in each other's
            // way, resources exhausted, a lock that was not to be had in time, operator intervention.
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                ["08", "25006", "40", "53", "55P03", "57"]
                    .iter()
                    .any(|class| code.starts_with(class))
            }),
            _ => false,
        },
        _ => false,
    }
}

/// Whether an error says that one stored row cannot be read: others can.
#[must_use]
pub fn is_of_stored_row(error: &StoreError) -> bool {
    match error {
        StoreError::Document(_)
        | StoreError::Lifecycle { .. }
        | StoreError::Chunk(_)
        | StoreError::Inconsistent(_) => true,
        StoreError::Database(error) => matches!(error, sqlx::Error::ColumnDecode { .. }),
        StoreError::OutOfRange(_) => false,
    }
}

/// Whether an error says that a text, number or time is none that the database can hold.
#[must_use]
pub fn is_unstorable(error: &StoreError) -> bool {
    match error {
        StoreError::Database(sqlx::Error::Database(error)) => {
            error.code().is_some_and(|code| code.starts_with("22"))
        }
        StoreError::OutOfRange(_) => true,
        _ => false,
    }
}

/// Whether an error says that something was named that there is not.
#[must_use]
pub fn is_missing_reference(error: &StoreError) -> bool {
    match error {
        StoreError::Database(sqlx::Error::Database(error)) => error.is_foreign_key_violation(),
        _ => false,
    }
}

/// Whether an error is about what was to be stored: the same rows fail again, others may do.
#[must_use]
pub fn is_of_data(error: &StoreError) -> bool {
    match error {
        // Data exceptions and violated constraints, a missing partition among them.
        StoreError::Database(sqlx::Error::Database(error)) => error
            .code()
            .is_some_and(|code| ["22", "23"].iter().any(|class| code.starts_with(class))),
        StoreError::Document(_) | StoreError::OutOfRange(_) => true,
        StoreError::Database(_)
        | StoreError::Lifecycle { .. }
        | StoreError::Chunk(_)
        | StoreError::Inconsistent(_) => false,
    }
}

/// An id or count for a signed column.
fn signed(value: u64, what: &'static str) -> Result<i64> {
    i64::try_from(value).map_err(|_| StoreError::OutOfRange(what))
}
