//! Reading a form with files and pasted text.

use axum::{
    extract::{
        Multipart,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use poolwatch_model::Bytes;

use super::BYTES;
use crate::{app_error::AppError, bundles, import::File};

/// Files of one upload.
const FILES: usize = 100;
/// Bytes of a file's name that are kept.
const NAME_BYTES: usize = 255;
/// The name of what was pasted.
const PASTED: &str = "pasted text";

/// The files that are not empty, and the pasted text as one more.
pub(super) async fn read(mut sent: Multipart) -> Result<Vec<File>, AppError> {
    let mut files = Vec::new();
    while let Some(field) = sent.next_field().await.map_err(|error| unreadable(&error))? {
        match field.name() {
            Some("files") => files.extend(file(field).await?),
            Some("text") => {
                let text = field.bytes().await.map_err(|error| unreadable(&error))?;
                if !text.trim_ascii().is_empty() {
                    files.push(File { name: PASTED.to_owned(), content: text.into() });
                }
            }
            _ => {}
        }
        if files.len() > FILES {
            return Err(AppError::bad_request(format!("Bring up to {FILES} files at once.")));
        }
    }
    bundles::unpack(files).map_err(|error| AppError::bad_request(error.to_string()))
}

async fn file(field: Field<'_>) -> Result<Option<File>, AppError> {
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

fn unreadable(error: &MultipartError) -> AppError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return AppError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The files are too large",
            format!(
                "Up to {} together are taken. Send fewer at once, or cut the files.",
                Bytes(BYTES as u64)
            ),
        );
    }
    AppError::bad_request("The upload broke off or is not a form with files. Try again.")
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
