//! What people say of tags: notes, and the entries of the administrator's own pooltag.txt.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{PoolTag, tag::TagPattern};
use sqlx::{Connection, PgConnection};

use crate::Result;

/// Who says something of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteSource {
    /// Somebody wrote it here.
    Note,
    /// The administrator's pooltag.txt.
    Pooltag,
}

/// What is said of a tag, or of a group of tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagNote {
    /// The tags.
    pub pattern: TagPattern,
    /// The driver or part of Windows that owns it, if it is told.
    pub owner: Option<String>,
    /// What it counts.
    pub meaning: String,
}

/// Something said of tags, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenNote {
    /// What.
    pub note: TagNote,
    /// From where.
    pub source: NoteSource,
    /// Name of the person or script.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Everything that is said of tags: notes first, in the order of their tags.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &mut PgConnection) -> Result<Vec<WrittenNote>> {
    let rows = sqlx::query!(
        "SELECT source, tag, is_group, owner, meaning, written_by,
             written_at AS \"written_at: jiff_sqlx::Timestamp\"
         FROM tag_notes ORDER BY source, tag COLLATE \"C\", is_group",
    )
    .fetch_all(db)
    .await?;
    let notes = rows.into_iter().filter_map(|row| {
        let tag: PoolTag = row.tag.parse().ok()?;
        let pattern = if row.is_group { TagPattern::new(tag)? } else { TagPattern::of(tag) };
        Some(WrittenNote {
            note: TagNote { pattern, owner: row.owner, meaning: row.meaning },
            source: if row.source == "note" { NoteSource::Note } else { NoteSource::Pooltag },
            by: row.written_by,
            at: row.written_at.to_jiff(),
        })
    });
    Ok(notes.collect())
}

/// What somebody wrote here of exactly these tags.
///
/// # Errors
/// When the database fails.
pub async fn note_of(db: &mut PgConnection, pattern: TagPattern) -> Result<Option<WrittenNote>> {
    let row = sqlx::query!(
        "SELECT owner, meaning, written_by,
             written_at AS \"written_at: jiff_sqlx::Timestamp\"
         FROM tag_notes WHERE source = 'note' AND tag = $1 AND is_group = $2",
        pattern.to_string(),
        is_group(pattern),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| WrittenNote {
        note: TagNote { pattern, owner: row.owner, meaning: row.meaning },
        source: NoteSource::Note,
        by: row.written_by,
        at: row.written_at.to_jiff(),
    }))
}

/// How much is said of tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotesInShort {
    /// Notes.
    pub notes: u64,
    /// Entries of the administrator's pooltag.txt.
    pub entries: u64,
    /// Who imported that list, and when.
    pub imported: Option<(String, Timestamp)>,
}

/// How much is said of tags.
///
/// # Errors
/// When the database fails.
pub async fn in_short(db: &mut PgConnection) -> Result<NotesInShort> {
    let row = sqlx::query!(
        "SELECT count(*) FILTER (WHERE source = 'note') AS \"notes!\",
             count(*) FILTER (WHERE source = 'pooltag') AS \"entries!\",
             max(written_by) FILTER (WHERE source = 'pooltag') AS by,
             max(written_at) FILTER (WHERE source = 'pooltag')
                 AS \"at: jiff_sqlx::Timestamp\"
         FROM tag_notes",
    )
    .fetch_one(db)
    .await?;
    Ok(NotesInShort {
        notes: row.notes.unsigned_abs(),
        entries: row.entries.unsigned_abs(),
        imported: row.by.zip(row.at.map(jiff_sqlx::Timestamp::to_jiff)),
    })
}

/// Keeps a note, in place of an earlier one.
///
/// # Errors
/// When the database fails.
pub async fn write(db: &mut PgConnection, note: &TagNote, by: &str, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "INSERT INTO tag_notes (source, tag, is_group, owner, meaning, written_by, written_at)
         VALUES ('note', $1, $2, $3, $4, $5, $6)
         ON CONFLICT (source, tag, is_group) DO UPDATE SET owner = excluded.owner,
             meaning = excluded.meaning, written_by = excluded.written_by,
             written_at = excluded.written_at",
        note.pattern.to_string(),
        is_group(note.pattern),
        note.owner,
        note.meaning,
        by,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a note away. Returns whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn remove(db: &mut PgConnection, pattern: TagPattern) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM tag_notes WHERE source = 'note' AND tag = $1 AND is_group = $2",
        pattern.to_string(),
        is_group(pattern),
    );
    Ok(done.execute(db).await?.rows_affected() > 0)
}

/// Keeps the entries of a pooltag.txt in place of those of the one before. Of several entries for
/// the same tags the first counts, unless it tells no owner and a later one does.
///
/// # Errors
/// When the database fails: then the ones before stay.
pub async fn replace_pooltag(
    db: &mut PgConnection,
    entries: &[TagNote],
    by: &str,
    now: Timestamp,
) -> Result<u64> {
    let tags: Vec<String> = entries.iter().map(|one| one.pattern.to_string()).collect();
    let groups: Vec<bool> = entries.iter().map(|one| is_group(one.pattern)).collect();
    let owners: Vec<Option<String>> = entries.iter().map(|one| one.owner.clone()).collect();
    let meanings: Vec<String> = entries.iter().map(|one| one.meaning.clone()).collect();
    let mut transaction = db.begin().await?;
    sqlx::query!("DELETE FROM tag_notes WHERE source = 'pooltag'")
        .execute(&mut *transaction)
        .await?;
    let kept = sqlx::query!(
        "INSERT INTO tag_notes (source, tag, is_group, owner, meaning, written_by, written_at)
         SELECT DISTINCT ON (tag, is_group) 'pooltag', tag, is_group, owner, meaning, $5, $6
         FROM unnest($1::text[], $2::boolean[], $3::text[], $4::text[])
             WITH ORDINALITY AS entry (tag, is_group, owner, meaning, place)
         ORDER BY tag, is_group, owner IS NULL, place",
        &tags,
        &groups,
        &owners as &[Option<String>],
        &meanings,
        by,
        now.to_sqlx(),
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(kept.rows_affected())
}

fn is_group(pattern: TagPattern) -> bool {
    pattern.as_tag().is_none()
}
