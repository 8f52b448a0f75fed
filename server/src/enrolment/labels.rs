//! Labels and notes of hosts. Labels decide who sees a host, so only those change them who see the whole
//! fleet.

use poolwatch_model::{HostId, host_group::checked_labels};
use poolwatch_store::host_groups;

use super::decisions::AT_ONCE;
use crate::{app::App, app_error::AppError, fleet::visible::VisibleFleet};

/// Characters of a note at most.
pub const NOTE_CHARS: usize = 2_000;

/// Keeps labels of a host in place of those of before, and a note; what is `None` stays.
///
/// # Errors
/// 404 for a host that is not shown, 400 for what is no label or note, 403 for labels by who sees a
/// part of the fleet.
pub async fn describe_host(
    app: &App,
    visible: &VisibleFleet,
    host: HostId,
    labels: Option<Vec<String>>,
    note: Option<&str>,
) -> Result<(), AppError> {
    visible.require_host(host)?;
    let labels = labels
        .map(|labels| {
            visible.require_whole()?;
            checked_labels(labels.iter().map(String::as_str)).map_err(AppError::bad_request)
        })
        .transpose()?;
    let note = note.map(|note| note.replace("\r\n", "\n"));
    let is_text = |c: char| c == '\n' || !c.is_control();
    if note
        .as_ref()
        .is_some_and(|note| note.chars().count() > NOTE_CHARS || !note.chars().all(is_text))
    {
        let detail = format!("A note has at most {NOTE_CHARS} characters.");
        return Err(AppError::bad_request(detail));
    }
    let mut db = app.pool.acquire().await?;
    let note = note.as_deref().map(str::trim);
    if !host_groups::describe_host(&mut db, host, labels.as_deref(), note).await? {
        return Err(AppError::not_found("There is no such host"));
    }
    app.fleet.note_change_of(host);
    Ok(())
}

/// Adds labels to hosts and takes others away. Returns the hosts that there are.
///
/// # Errors
/// 400 for what is no label and for too many hosts, 403 for who sees a part of the fleet.
pub async fn label_hosts(
    app: &App,
    visible: &VisibleFleet,
    hosts: &[HostId],
    add: &[String],
    remove: &[String],
) -> Result<Vec<HostId>, AppError> {
    visible.require_whole()?;
    if hosts.len() > AT_ONCE {
        return Err(AppError::bad_request(format!("Label at most {AT_ONCE} hosts at once.")));
    }
    let checked = |labels: &[String]| {
        checked_labels(labels.iter().map(String::as_str)).map_err(AppError::bad_request)
    };
    let (add, remove) = (checked(add)?, checked(remove)?);
    if add.is_empty() && remove.is_empty() {
        return Err(AppError::bad_request("Name a label to add or to take away."));
    }
    let mut db = app.pool.acquire().await?;
    let done = host_groups::label_hosts(&mut db, hosts, &add, &remove).await?;
    app.fleet.note_change();
    Ok(done)
}
