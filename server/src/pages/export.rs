//! Tables as files for other programs: CSV and JSON with exact numbers.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::failure::Failure;

/// A row of a file. The names of its fields are the columns of the CSV file.
pub(super) trait Row: Serialize {
    /// The same with texts that a spreadsheet does not take for formulas.
    #[must_use]
    fn for_spreadsheets(&self) -> Self;
}

/// Rows as a CSV file.
pub(super) fn csv_file<R: Row>(name: &str, rows: &[R]) -> Result<Response, Failure> {
    let body = csv(rows).map_err(Failure::internal)?;
    Ok(download("text/csv; charset=utf-8", &format!("{name}.csv"), body))
}

/// Rows as a JSON file.
pub(super) fn json_file<R: Row>(name: &str, rows: &[R]) -> Result<Response, Failure> {
    let body = serde_json::to_vec(rows).map_err(Failure::internal)?;
    Ok(download("application/json", &format!("{name}.json"), body))
}

/// A file to be saved. `name` is plain: letters, digits, dots and hyphens.
pub(super) fn download(content_type: &'static str, name: &str, body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}

/// Rows as CSV with a line of names.
pub(super) fn csv<R: Row>(rows: &[R]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row.for_spreadsheets())?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Hosts choose names of themselves, of programs and of drivers: one that begins as a formula is
/// shown as text.
pub(super) fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_formula() {
        for (name, cell) in [
            ("=HYPERLINK(\"http://evil\")", "'=HYPERLINK(\"http://evil\")"),
            ("@cmd", "'@cmd"),
            ("-1", "'-1"),
            ("\tx", "'\tx"),
            ("FS-02", "FS-02"),
        ] {
            assert_eq!(inert(name), cell);
        }
    }
}
