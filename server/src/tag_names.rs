//! What people say of tags: notes and an imported pooltag.txt, over the built-in catalogue. Kept in
//! memory as well, for every page and judgement asks.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use poolwatch_analysis::catalogue::{self, Catalogue, Note};
use poolwatch_evidence::{PieceContent, read};
use poolwatch_model::{driver_scan::FileHash, tag::TagPattern};
use poolwatch_store::{
    PgPool, offered_tag_lists,
    tag_notes::{self, NoteSource, TagNote, WrittenNote},
};
use sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::app_error::AppError;

/// Largest pooltag.txt; the vendor's has 400 kB.
pub(crate) const POOLTAG_BYTES: usize = 4 << 20;
/// Letters of an owner and of a meaning that are kept.
const OWNER_CHARS: usize = 100;
const MEANING_CHARS: usize = 500;
/// Entries of a pooltag.txt; the vendor's has about 5,000. Groups of tags are looked through one
/// by one.
const ENTRIES: usize = 20_000;
const GROUPS: usize = 1_000;

/// The catalogue with what people say, as of the last change.
#[derive(Debug, Default)]
pub struct TagNames {
    current: RwLock<Arc<Catalogue>>,
    /// One change at a time, so that the last one is what stays in memory.
    changing: Mutex<()>,
}

impl TagNames {
    /// What tags stand for.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn reload(&self, db: &mut PgConnection) -> Result<(), AppError> {
        let mut catalogue = Catalogue::default();
        for written in tag_notes::all(db).await? {
            let TagNote { pattern, owner, meaning } = written.note;
            let note = Note { owner, meaning };
            match written.source {
                NoteSource::Note => catalogue.note(pattern, note),
                NoteSource::Pooltag => catalogue.add_pooltag([(pattern, note)]),
            }
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
        Ok(())
    }
}

/// Reads what is stored; once, when the server starts.
///
/// # Errors
/// When the database fails.
pub async fn load(names: &TagNames, pool: &PgPool) -> Result<(), AppError> {
    let _one = names.changing.lock().await;
    names.reload(&mut *pool.acquire().await?).await
}

/// Everything that people say of tags.
///
/// # Errors
/// When the database fails.
pub async fn all(pool: &PgPool) -> Result<Vec<WrittenNote>, AppError> {
    Ok(tag_notes::all(&mut *pool.acquire().await?).await?)
}

/// Keeps a note in place of an earlier one; one that says nothing takes it away.
///
/// # Errors
/// When the database fails.
pub async fn write(
    names: &TagNames,
    pool: &PgPool,
    note: TagNote,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    let note = plain(note);
    let _one = names.changing.lock().await;
    let mut db = pool.acquire().await?;
    if note.meaning.is_empty() && note.owner.is_none() {
        tag_notes::remove(&mut db, note.pattern).await?;
    } else {
        tag_notes::write(&mut db, &note, by, now).await?;
    }
    names.reload(&mut db).await
}

/// Takes a list in that a host offers, in place of the one before, or turns it down.
///
/// # Errors
/// 404 when no host offers it, else as [`import`].
pub async fn decide(
    names: &TagNames,
    pool: &PgPool,
    (file, is_taken): (FileHash, bool),
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    let text = offered_tag_lists::text_of(&mut *pool.acquire().await?, file).await?;
    let text = text.ok_or_else(|| AppError::not_found("No host offers that list any more"))?;
    if is_taken {
        import(names, pool, text.into_bytes(), by, now).await?;
    }
    offered_tag_lists::close(&mut *pool.acquire().await?, file).await?;
    Ok(())
}

/// Takes a pooltag.txt in, in place of the one before. Returns how many entries are kept.
///
/// # Errors
/// 400 when the text is no pooltag.txt, or has far too many entries.
pub async fn import(
    names: &TagNames,
    pool: &PgPool,
    text: Vec<u8>,
    by: &str,
    now: Timestamp,
) -> Result<u64, AppError> {
    let entries = read_entries(text).await?;
    let _one = names.changing.lock().await;
    let mut db = pool.acquire().await?;
    let kept = tag_notes::replace_pooltag(&mut db, &entries, by, now).await?;
    names.reload(&mut db).await?;
    Ok(kept)
}

/// How many entries a pooltag.txt has that can be taken in.
///
/// # Errors
/// 400 when the text is no pooltag.txt, or has far too many entries.
pub async fn count_entries(text: String) -> Result<u64, AppError> {
    Ok(read_entries(text.into_bytes()).await?.len() as u64)
}

/// What people wrote of tags here, as the text of a pooltag.txt.
///
/// # Errors
/// When the database fails.
pub async fn export(pool: &PgPool) -> Result<String, AppError> {
    let notes: Vec<(TagPattern, Note)> = all(pool)
        .await?
        .into_iter()
        .filter(|written| written.source == NoteSource::Note)
        .map(|written| written.note)
        .map(|note| (note.pattern, Note { owner: note.owner, meaning: note.meaning }))
        .collect();
    Ok(catalogue::to_pooltag_txt(notes.iter().map(|(pattern, note)| (*pattern, note))))
}

async fn read_entries(text: Vec<u8>) -> Result<Vec<TagNote>, AppError> {
    let entries =
        tokio::task::spawn_blocking(move || entries(&text)).await.map_err(AppError::internal)?;
    if entries.is_empty() {
        return Err(AppError::bad_request(
            "This is not a pooltag.txt: it has no lines `tag - owner - description`.",
        ));
    }
    let groups = entries.iter().filter(|one| one.pattern.as_tag().is_none()).count();
    if entries.len() > ENTRIES || groups > GROUPS {
        return Err(AppError::bad_request(format!(
            "At most {ENTRIES} entries are taken in, {GROUPS} of them with wildcards."
        )));
    }
    Ok(entries)
}

fn entries(text: &[u8]) -> Vec<TagNote> {
    let pieces = read("pooltag.txt", text).pieces.into_iter();
    let lists = pieces.filter_map(|piece| match piece.content {
        PieceContent::Catalogue(entries) => Some(entries),
        _ => None,
    });
    lists
        .flatten()
        .map(|one| {
            plain(TagNote { pattern: one.pattern, owner: one.owner, meaning: one.description })
        })
        .filter(|note| note.owner.is_some() || !note.meaning.is_empty())
        .collect()
}

fn plain(note: TagNote) -> TagNote {
    let owner = note.owner.map(|owner| line(&owner, OWNER_CHARS));
    TagNote {
        pattern: note.pattern,
        owner: owner.filter(|owner| !owner.is_empty()),
        meaning: line(&note.meaning, MEANING_CHARS),
    }
}

/// A text as one line of bounded length.
fn line(text: &str, chars: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(chars).collect()
}
