//! Looks at what is stored of every host, whether it can be read, and repairs what cannot: facts are
//! forgotten but for the name, an inventory waits for the next, a chunk is made anew where what it was
//! made of is still there.

use jiff::Timestamp;
use poolwatch_model::HostId;
use sqlx::{Connection, PgConnection};

use crate::{
    Result,
    chunks::{self, Span},
    compact::marks,
    hosts, inventories, is_of_stored_row,
    time_grid::after,
};

/// Hosts asked for at once.
const PAGE: i64 = 1000;

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedRow {
    /// Its table.
    pub table: &'static str,
    /// Its host.
    pub host: HostId,
    /// Where its time begins, of a chunk.
    pub start: Option<Timestamp>,
}

/// The hosts above one, some of them, with what of them cannot be read; repaired with `repair`. Ask
/// again above the last host, until there is none.
///
/// # Errors
/// When the database fails.
pub async fn check_hosts(
    db: &mut PgConnection,
    above: HostId,
    repair: bool,
) -> Result<(Option<HostId>, Vec<DamagedRow>)> {
    let page = hosts::page(db, above, PAGE).await?;
    let mut damaged = Vec::new();
    for host in &page {
        if host.is_damaged {
            damaged.push(DamagedRow { table: "hosts", host: host.id, start: None });
        }
        match inventories::find(db, host.id).await {
            Err(error) if is_of_stored_row(&error) => {
                damaged.push(DamagedRow { table: "inventories", host: host.id, start: None });
            }
            found => drop(found?),
        }
        for (span, table) in
            [(Span::Hour, "chunk_hour"), (Span::Day, "chunk_day"), (Span::Week, "chunk_week")]
        {
            for start in chunks::starts(db, span, host.id).await? {
                let (found, _) = chunks::read(db, span, host.id, start, after(start, 1)).await?;
                if found.is_empty() {
                    damaged.push(DamagedRow { table, host: host.id, start: Some(start) });
                }
            }
        }
    }
    if repair {
        for row in &damaged {
            repair_row(db, row).await?;
        }
    }
    Ok((page.last().map(|host| host.id), damaged))
}

async fn repair_row(db: &mut PgConnection, row: &DamagedRow) -> Result<()> {
    let host = row.host;
    let mut transaction = db.begin().await?;
    match (row.table, row.start) {
        ("chunk_hour", Some(start)) => {
            chunks::remove(&mut transaction, Span::Hour, host, start).await?;
            marks::put(&mut transaction, &[(host, start)]).await?;
        }
        ("chunk_day", Some(start)) => {
            chunks::remove(&mut transaction, Span::Day, host, start).await?;
            let hours = chunks::starts(&mut transaction, Span::Hour, host).await?;
            let of_day = hours
                .into_iter()
                .find(|hour| (start..after(start, Span::Day.seconds())).contains(hour));
            let places: Vec<_> = of_day.into_iter().map(|hour| (host, hour)).collect();
            marks::put(&mut transaction, &places).await?;
        }
        (_, Some(start)) => chunks::remove(&mut transaction, Span::Week, host, start).await?,
        ("inventories", None) => {
            sqlx::query!("DELETE FROM inventories WHERE host_id = $1", host.0)
                .execute(&mut *transaction)
                .await?;
        }
        (_, None) => {
            sqlx::query!(
                "UPDATE hosts SET facts = jsonb_build_object('fqdn', name) WHERE id = $1",
                host.0,
            )
            .execute(&mut *transaction)
            .await?;
        }
    }
    Ok(transaction.commit().await?)
}
