//! What of a configuration is found out before the server is started with it. Nothing is changed.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, ensure};
use poolwatch_model::Clock;
use poolwatch_store::{embedded, schema};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::parsed_settings::ParsedSettings;
use crate::{
    cli::{DatabaseOptions, PrivateDatabase, ServeOptions},
    clock::SystemClock,
    database::later_schema_words,
    disk_space::DiskSpace,
    tls,
};

/// How long the database may take.
const WAIT: Duration = Duration::from_secs(10);
/// Free bytes of the data folder's disk below which it is as good as full.
const LEAST_FREE_BYTES: u64 = 64 << 20;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What keeps the server from starting.
    pub(super) errors: Vec<String>,
    /// What does not, and somebody should look at.
    pub(super) warnings: Vec<String>,
}

/// Looks at everything that the options name.
pub(super) async fn inspect(options: &ServeOptions) -> Findings {
    let mut found = Findings::default();
    found.note(ParsedSettings::new(options).map(|_| None));
    found.note(tls::inspect(&options.tls, SystemClock.now()));
    found.note(inspect_data_folder(&options.database.data_dir).map(|()| None));
    if let Some(folder) = options.installers.as_deref().filter(|folder| !folder.is_dir()) {
        found.warnings.push(format!("installers: there is no folder {}.", folder.display()));
    }
    found.note(inspect_database(&options.database).await);
    found
}

impl Findings {
    /// Takes a look's result: an error, a warning, or nothing.
    fn note(&mut self, result: anyhow::Result<Option<String>>) {
        match result {
            Ok(warning) => self.warnings.extend(warning),
            Err(error) => self.errors.push(format!("{error:#}")),
        }
    }
}

/// Whether the server can keep its keys, and a private Postgres, in the data folder.
///
/// # Errors
/// When it is no folder, cannot be written to, or its disk is full.
pub(super) fn inspect_data_folder(folder: &Path) -> anyhow::Result<()> {
    let folder = &std::path::absolute(folder).context("data_dir")?;
    // One that is not there yet is made in the nearest that is.
    let there = folder.ancestors().find(|one| one.exists()).unwrap_or(folder);
    let metadata = fs::metadata(there).with_context(|| there.display().to_string())?;
    ensure!(metadata.is_dir(), "data_dir: {} is no folder", there.display());
    rustix::fs::access(there, rustix::fs::Access::WRITE_OK)
        .with_context(|| format!("data_dir: {} cannot be written to", there.display()))?;
    let free = DiskSpace::read(there).map_or(u64::MAX, |space| space.free_bytes);
    ensure!(
        free >= LEAST_FREE_BYTES,
        "the disk of {} is full: {} MB are free, and it takes {}",
        there.display(),
        free >> 20,
        LEAST_FREE_BYTES >> 20
    );
    Ok(())
}

/// Whether the database can be worked with.
async fn inspect_database(options: &DatabaseOptions) -> anyhow::Result<Option<String>> {
    if options.database == Some(PrivateDatabase::Embedded) {
        let binaries = embedded::find_binaries().await;
        ensure!(binaries.is_some(), "{}", embedded::EmbeddedError::NotInstalled);
        return Ok(None);
    }
    let Some(url) = &options.database_url else { return Ok(None) };
    let connect: PgConnectOptions =
        url.parse().context("database_url: the address is not a postgres:// URL")?;
    let asked = async {
        let mut db =
            PgConnection::connect_with(&connect).await.context("connecting to the database")?;
        let found = schema::inspect(&mut db).await.context("reading the database's schema")?;
        db.close().await?;
        anyhow::Ok(found)
    };
    let found = timeout(WAIT, asked).await.context("the database does not answer")??;
    if let Some(words) = later_schema_words(&found) {
        ensure!(options.accept_later_schema, "{words}");
        return Ok(Some(words));
    }
    let is_old = found.newest.is_some() && found.missing > 0;
    Ok(is_old.then(|| {
        format!(
            "The schema is of an earlier version: the start of this one changes it by {} migrations. \
             Make a backup before.",
            found.missing
        )
    }))
}
