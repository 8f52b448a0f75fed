//! Texts of a machine without an agent, as people and scripts bring them: read, judged, found again and
//! kept for a host.

mod form;

use axum::extract::Multipart;
use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_model::HostId;
use poolwatch_store::uploads::{self, NewUpload, Upload};
use uuid::Uuid;

use crate::{
    app::App,
    app_error::AppError,
    diagnosing::{self, Findings, Report},
    fleet::visible::VisibleFleet,
    import::{self, File},
};

/// Bytes of one upload.
pub const BYTES: usize = 100 << 20;
/// Uploads that are read at a time: each is held in memory.
pub const AT_ONCE: usize = 2;
/// What a host's name is.
pub const NAME_WORDS: &str = "A host's name has 1 to 255 bytes, without control characters.";

/// Takes texts in, judges them and keeps both for a while. Returns their number.
///
/// # Errors
/// 400 for what is no form with files, 413 for too much.
pub async fn judge(app: &App, sent: Multipart, by: &str) -> Result<Option<Uuid>, AppError> {
    let files = form::read(sent).await?;
    if files.is_empty() {
        return Ok(None);
    }
    let catalogue = app.tag_names.catalogue();
    let (files, findings) = aside(move || {
        let findings = Findings::of(&files, Catalogue::clone(&catalogue));
        (files, findings)
    })
    .await?;
    let id = Uuid::now_v7();
    let named: Vec<(&str, &[u8])> =
        files.iter().map(|file| (file.name.as_str(), &file.content[..])).collect();
    let findings = serde_json::to_value(&findings).map_err(AppError::internal)?;
    let new = NewUpload { id, by, findings, files: &named };
    let mut transaction = app.pool.begin().await?;
    uploads::insert(&mut transaction, &new, app.clock.now()).await?;
    transaction.commit().await?;
    Ok(Some(id))
}

/// Texts that somebody sees, by their number.
///
/// # Errors
/// 404 when there are none.
pub async fn find(
    app: &App,
    who: &str,
    visible: &VisibleFleet,
    id: &str,
) -> Result<Upload, AppError> {
    let missing = || AppError::not_found("There is no such diagnosis, or not any more");
    let id: Uuid = id.parse().map_err(|_| missing())?;
    let found = uploads::find(&mut *app.pool.acquire().await?, id).await?;
    found.filter(|upload| is_shown(who, visible, upload)).ok_or_else(missing)
}

/// Whether somebody sees texts: who sees a part of the fleet sees those that they brought themselves,
/// and those that were kept for hosts of it.
#[must_use]
pub fn is_shown(who: &str, visible: &VisibleFleet, upload: &Upload) -> bool {
    visible.is_whole() || upload.kept_for.map_or(upload.by == who, |host| visible.shows(host))
}

/// What the texts tell, read again, in the shape of `poolwatch-server diagnose --json`.
///
/// # Errors
/// When the database fails.
pub async fn report(app: &App, upload: &Upload) -> Result<Report, AppError> {
    let files = files_of(app, upload.id).await?;
    let catalogue = app.tag_names.catalogue();
    aside(move || {
        Report::new(&diagnosing::judge(import::read_all(&files), Catalogue::clone(&catalogue)))
    })
    .await
}

/// Keeps texts for a host, with what they tell. Returns the host.
///
/// # Errors
/// 400 for what is no name of a host, 403 for a host that is not shown.
pub async fn keep(
    app: &App,
    visible: &VisibleFleet,
    upload: &Upload,
    host: &str,
) -> Result<HostId, AppError> {
    import::checked_name(host).map_err(|_| AppError::bad_request(NAME_WORDS))?;
    visible.require_name(host)?;
    let now = app.clock.now();
    let files = files_of(app, upload.id).await?;
    let (files, readings) = aside(move || {
        let readings = import::read_all(&files);
        (files, readings)
    })
    .await?;
    let imported = import::import_read(&app.pool, host, (&files, readings), now).await?;
    import::show(app, imported.host, now).await?;
    uploads::note_kept(&mut *app.pool.acquire().await?, upload.id, imported.host).await?;
    Ok(imported.host)
}

async fn files_of(app: &App, id: Uuid) -> Result<Vec<File>, AppError> {
    let files = uploads::files(&mut *app.pool.acquire().await?, id).await?;
    Ok(files.into_iter().map(|(name, content)| File { name, content }).collect())
}

/// Runs what takes long for large texts beside the threads that answer requests.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}
