//! Looks at what is stored, whether it can be read, and repairs what cannot: facts of a host are
//! forgotten but for the name, an inventory waits for the next, a chunk is made anew where what it was
//! made of is still there, a group of hosts loses its rules, and what else there is goes.

use jiff::Timestamp;
use poolwatch_model::{
    HostId, PoolTag,
    alerting::{AlertHost, IncidentExtent},
    diagnosis::Diagnosis,
    host_group::GroupRule,
    incident::{Cause, IncidentChange, IncidentNotice},
};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::{
    Result,
    chunks::{self, Span},
    compact::marks,
    hosts, inventories, is_of_stored_row,
    readable::Readable,
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

/// A document of a row that is of no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DamagedDocument {
    /// The row's table.
    pub table: &'static str,
    /// The row's number.
    pub id: i64,
}

/// Incidents that are looked at, the latest that are not resolved.
const INCIDENTS: i64 = 1000;

/// Rows that cannot be read of the tables that are read whole, every few seconds: who reads them goes on
/// without these. `is_lifecycle` says whether a document is what an incident's lifecycle remembers.
///
/// # Errors
/// When the database fails.
pub async fn find_damaged_documents(
    db: &mut PgConnection,
    is_lifecycle: impl Fn(Value) -> bool,
) -> Result<Vec<DamagedDocument>> {
    let mut damaged = Vec::new();
    let mut note = |table, id: i64, is_read: bool| {
        if !is_read {
            damaged.push(DamagedDocument { table, id });
        }
    };
    let groups = sqlx::query!(
        "SELECT id, rules AS \"rules: Readable<Vec<GroupRule>>\" FROM host_groups ORDER BY id",
    );
    for row in groups.fetch_all(&mut *db).await? {
        note("host_groups", row.id.into(), row.rules.0.is_some());
    }
    let silences = sqlx::query!(
        "SELECT id, tag, worse_than AS \"worse_than: Readable<IncidentExtent>\" FROM silences
         ORDER BY id",
    );
    for row in silences.fetch_all(&mut *db).await? {
        let has_tag = row.tag.is_none_or(|tag| tag.parse::<PoolTag>().is_ok());
        note("silences", row.id, has_tag && row.worse_than.is_none_or(|extent| extent.0.is_some()));
    }
    let alerts = sqlx::query!(
        "SELECT id, hosts AS \"hosts: Readable<Vec<AlertHost>>\" FROM alerts
         WHERE ended_at IS NULL ORDER BY id",
    );
    for row in alerts.fetch_all(&mut *db).await? {
        note("alerts", row.id, row.hosts.0.is_some());
    }
    let messages = sqlx::query!(
        "SELECT id, notice AS \"notice: Readable<IncidentNotice>\",
             alert_change AS \"change: Readable<IncidentChange>\"
         FROM outbox WHERE sent_at IS NULL ORDER BY id",
    );
    for row in messages.fetch_all(&mut *db).await? {
        let has_change = row.change.is_none_or(|change| change.0.is_some());
        note("outbox", row.id, has_change && row.notice.is_none_or(|notice| notice.0.is_some()));
    }
    let incidents = sqlx::query!(
        "SELECT id, lifecycle, cause AS \"cause: Readable<Cause>\",
             diagnosis AS \"diagnosis: Readable<Diagnosis>\"
         FROM incidents WHERE state <> 'resolved' ORDER BY id DESC LIMIT $1",
        INCIDENTS,
    );
    for row in incidents.fetch_all(db).await? {
        let has_record = row.cause.0.is_some() && row.diagnosis.0.is_some();
        note("incidents", row.id, has_record && is_lifecycle(row.lifecycle));
    }
    Ok(damaged)
}

/// Repairs such a row. A message that cannot be read is left: it is told as news when it is due.
///
/// # Errors
/// When the database fails.
pub async fn repair_document(db: &mut PgConnection, row: DamagedDocument) -> Result<()> {
    match row.table {
        "host_groups" => {
            let id = i32::try_from(row.id).unwrap_or_default();
            sqlx::query!("UPDATE host_groups SET rules = '[]' WHERE id = $1", id)
                .execute(db)
                .await?;
        }
        "silences" => {
            sqlx::query!("DELETE FROM silences WHERE id = $1", row.id).execute(db).await?;
        }
        "alerts" => {
            sqlx::query!("UPDATE alerts SET hosts = '[]' WHERE id = $1", row.id)
                .execute(db)
                .await?;
        }
        "incidents" => {
            sqlx::query!("DELETE FROM incidents WHERE id = $1", row.id).execute(db).await?;
        }
        _ => {}
    }
    Ok(())
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
