//! Lists that chunks refer to: the pool tags or the object types of a host, found by content.

use std::collections::HashMap;

use poolwatch_model::PoolTag;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::{Result, StoreError};

/// The number of a list, which is stored when it is new. To be called outside of long transactions:
/// others who need the same list would wait for them.
pub(crate) async fn put(db: &mut PgConnection, content: &[u8]) -> Result<i32> {
    let sha256 = Sha256::digest(content).to_vec();
    let known = sqlx::query_scalar!("SELECT id FROM dictionaries WHERE sha256 = $1", &sha256)
        .fetch_optional(&mut *db)
        .await?;
    if let Some(id) = known {
        return Ok(id);
    }
    let id = sqlx::query_scalar!(
        "INSERT INTO dictionaries (sha256, content) VALUES ($1, $2)
         ON CONFLICT (sha256) DO UPDATE SET sha256 = excluded.sha256 RETURNING id",
        &sha256,
        content,
    )
    .fetch_one(db)
    .await?;
    Ok(id)
}

/// The lists of these numbers.
pub(crate) async fn get(db: &mut PgConnection, ids: &[i32]) -> Result<HashMap<i32, Vec<u8>>> {
    let rows = sqlx::query!("SELECT id, content FROM dictionaries WHERE id = ANY($1)", ids)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.content)).collect())
}

/// A list of tags as it is stored.
pub(crate) fn of_tags(tags: &[PoolTag]) -> Vec<u8> {
    tags.iter().flat_map(|tag| tag.bytes()).collect()
}

/// The tags of a list.
pub(crate) fn tags(content: &[u8]) -> Vec<PoolTag> {
    content.as_chunks::<4>().0.iter().map(|bytes| PoolTag::new(*bytes)).collect()
}

/// A list of names as it is stored. Names have no control characters that matter: a NUL ends each.
pub(crate) fn of_names(names: &[String]) -> Vec<u8> {
    names.iter().flat_map(|name| name.bytes().filter(|byte| *byte != 0).chain([0])).collect()
}

/// The names of a list.
pub(crate) fn names(content: &[u8]) -> Result<Vec<String>> {
    let text = std::str::from_utf8(content)
        .map_err(|_| StoreError::Inconsistent("a stored list of names is no text"))?;
    Ok(text.split_terminator('\0').map(str::to_owned).collect())
}
