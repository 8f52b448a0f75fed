//! What the database takes of its disk.

use poolwatch_model::Bytes;
use sqlx::PgConnection;

use crate::{
    Result,
    partitions::{self, Partition, Table},
};

/// What a table takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TableUse {
    /// With its indexes.
    pub size: Bytes,
    /// Days that its partitions cover which hold anything.
    pub days: f64,
}

/// What the whole database takes.
///
/// # Errors
/// When the database fails.
pub async fn database_size(db: &mut PgConnection) -> Result<Bytes> {
    let size = sqlx::query_scalar!(r#"SELECT pg_database_size(current_database()) AS "size!""#)
        .fetch_one(db)
        .await?;
    Ok(Bytes(size.unsigned_abs()))
}

/// What a partitioned table takes.
///
/// # Errors
/// When the database fails.
pub async fn table_use(db: &mut PgConnection, table: Table) -> Result<TableUse> {
    let partitions = partitions::list(db, table).await?;
    let names: Vec<String> = partitions.iter().map(|one| one.name.clone()).collect();
    let rows = sqlx::query!(
        r#"SELECT relname::text AS "name!", pg_total_relation_size(oid) AS "size!"
         FROM pg_class WHERE relname = ANY($1) AND pg_relation_size(oid) > 0"#,
        &names,
    )
    .fetch_all(db)
    .await?;
    let hours = |one: &Partition| one.end.duration_since(one.start).as_hours() as f64;
    let holding = partitions.iter().filter(|one| rows.iter().any(|row| row.name == one.name));
    Ok(TableUse {
        size: Bytes(rows.iter().map(|row| row.size.unsigned_abs()).sum()),
        days: holding.map(hours).sum::<f64>() / 24.0,
    })
}

/// Version of Postgres, and the newest migration.
///
/// # Errors
/// When the database fails.
pub async fn versions(db: &mut PgConnection) -> Result<(String, i64)> {
    let postgres = sqlx::query_scalar!(r#"SELECT current_setting('server_version') AS "version!""#)
        .fetch_one(&mut *db)
        .await?;
    Ok((postgres, crate::newest_migration()))
}
