//! `migrate`: brings the schema up to date.

use tracing::info;

use crate::{cli::DatabaseOptions, database::Database};

pub(crate) async fn run(options: &DatabaseOptions) -> anyhow::Result<()> {
    let database = Database::open(options).await?;
    info!("The schema is up to date");
    database.close(false).await
}
