//! `check`: whether what is stored can be read, and repairs.

use anyhow::bail;
use poolwatch_model::HostId;
use poolwatch_store::check;

use crate::{cli::CheckOptions, database::Database, judging::record::is_lifecycle};

pub(crate) async fn run(options: CheckOptions) -> anyhow::Result<()> {
    let database = Database::open(&options.database).await?;
    let checked = check(&database, options.repair).await;
    database.close(false).await?;
    match (checked?, options.repair) {
        (0, _) => println!("Everything can be read"),
        (rows, true) => println!("Repaired {rows} rows"),
        (rows, false) => bail!("{rows} rows cannot be read; `check --repair` repairs them"),
    }
    Ok(())
}

async fn check(database: &Database, repair: bool) -> anyhow::Result<usize> {
    let mut db = database.pool.acquire().await?;
    let mut rows = 0;
    for row in check::find_damaged_documents(&mut db, is_lifecycle).await? {
        println!("{}: row {} cannot be read", row.table, row.id);
        if repair {
            check::repair_document(&mut db, row).await?;
        }
        rows += 1;
    }
    let mut above = HostId(0);
    while let (Some(last), damaged) = check::check_hosts(&mut db, above, repair).await? {
        for row in &damaged {
            let start = row.start.map(|start| format!(" of {start}")).unwrap_or_default();
            println!("{}: host {}{start} cannot be read", row.table, row.host);
        }
        rows += damaged.len();
        above = last;
    }
    Ok(rows)
}
