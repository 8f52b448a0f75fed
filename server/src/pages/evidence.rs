//! Bringing evidence (`GET /evidence`, `POST /evidence/import`).

use axum::{
    Extension,
    extract::{
        Multipart, State,
        multipart::{Field, MultipartError},
    },
    http::{StatusCode, Uri},
    response::Html,
};
use poolwatch_model::Bytes;
use poolwatch_store::evidence;
use poolwatch_web::{
    HostLink, Page,
    evidence::{EvidencePage, EvidenceResultPage},
};

use super::{EVIDENCE_BYTES, address, host::judgement, rows, shell};
use crate::{
    app::SharedApp,
    auth::people::Person,
    failure::Failure,
    import::{self, File},
};

/// Imports that are shown, the latest.
const RECENT: i64 = 20;
/// Files of one import.
const FILES: usize = 100;
/// Bytes of a file's name that are kept.
const NAME_BYTES: usize = 255;

/// The form.
pub(super) async fn form(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, Failure> {
    show_form(&app, &person, &uri, String::new(), None).await
}

/// Takes the files in and shows what was understood.
pub(super) async fn import(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
    upload: Multipart,
) -> Result<Html<String>, Failure> {
    let (name, files) = read(upload).await?;
    let wrong = if name.is_empty() {
        Some("Name the host that the files are from.")
    } else if files.is_empty() {
        Some("No file was chosen, or all were empty.")
    } else {
        None
    };
    if let Some(error) = wrong {
        return show_form(&app, &person, &uri, name, Some(error.to_owned())).await;
    }
    let shell = shell(&app, &person, address(&uri));
    let imported = import::import(&app.pool, &name, &files, shell.now).await?;
    import::show(&app, imported.host, shell.now).await?;
    let mut db = app.pool.acquire().await?;
    let known = judgement::known(&app, &mut db, imported.host, shell.now).await?;
    drop(db);
    let host = known.as_ref().map_or_else(
        || HostLink { id: imported.host, name: name.clone() },
        |known| rows::link(&known.summary),
    );
    let page = EvidenceResultPage {
        host,
        files: files
            .iter()
            .zip(imported.files)
            .map(|(file, (summary, _))| {
                let size = Bytes(file.content.len() as u64);
                rows::imported_file(file.name.clone(), size, Some(summary), shell.now)
            })
            .collect(),
        diagnosis: known.and_then(|known| known.diagnosis),
        shell,
    };
    Ok(Html(page.render()?))
}

async fn show_form(
    app: &SharedApp,
    person: &Person,
    uri: &Uri,
    host: String,
    error: Option<String>,
) -> Result<Html<String>, Failure> {
    let recent = evidence::recent(&mut *app.pool.acquire().await?, RECENT).await?;
    let view = app.fleet.view();
    let page = EvidencePage {
        shell: shell(app, person, address(uri)),
        host,
        error,
        limit: Bytes(EVIDENCE_BYTES as u64),
        recent: recent
            .into_iter()
            .map(|(host, evidence)| (rows::link_to(&view, host), rows::file(evidence)))
            .collect(),
    };
    Ok(Html(page.render()?))
}

/// The host's name and the files that are not empty.
async fn read(mut upload: Multipart) -> Result<(String, Vec<File>), Failure> {
    let (mut host, mut files) = (String::new(), Vec::new());
    while let Some(field) = upload.next_field().await.map_err(|error| unreadable(&error))? {
        match field.name() {
            Some("host") => {
                let text = field.text().await.map_err(|error| unreadable(&error))?;
                text.trim().clone_into(&mut host);
            }
            Some("files") => files.extend(file(field).await?),
            _ => {}
        }
        if files.len() > FILES {
            return Err(Failure::bad_request(format!("Import up to {FILES} files at once.")));
        }
    }
    Ok((host, files))
}

async fn file(field: Field<'_>) -> Result<Option<File>, Failure> {
    let name = field.file_name().map(file_name).unwrap_or_default();
    let content = field.bytes().await.map_err(|error| unreadable(&error))?;
    Ok((!content.is_empty()).then(|| File { name, content: content.into() }))
}

/// The last part of a path, without control characters, of a length that tables bear.
fn file_name(path: &str) -> String {
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last.chars().filter(|letter| !letter.is_control()).collect();
    while name.len() > NAME_BYTES {
        name.pop();
    }
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

fn unreadable(error: &MultipartError) -> Failure {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The files are too large",
            format!(
                "Up to {} together are taken. Send fewer at once, or cut the files.",
                Bytes(EVIDENCE_BYTES as u64)
            ),
        );
    }
    Failure::bad_request("The upload broke off or is not a form with files. Try again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_a_name_and_no_path() {
        for (sent, kept) in [
            ("tags.txt", "tags.txt"),
            ("C:\\dumps\\vm.txt", "vm.txt"),
            ("../../etc/passwd", "passwd"),
            ("a\u{7}b", "ab"),
            ("", "unnamed"),
        ] {
            assert_eq!(file_name(sent), kept);
        }
        assert_eq!(file_name(&"ä".repeat(300)).len(), 254);
    }
}
