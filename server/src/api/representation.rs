//! How answers of `/api/v1` are represented: as JSON with an entity tag, or as CSV where that is asked for.

use std::fmt::Write;

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use poolwatch_web::list::inert;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::app_error::AppError;

/// Bytes of an answer at most; no list is longer.
const ANSWER_BYTES: usize = 256 << 20;
/// How deep objects are taken apart into columns.
const DEPTH: usize = 4;

/// Tags answers, and turns lists into CSV for who accepts `text/csv`.
pub(crate) async fn represent(request: Request, next: Next) -> Result<Response, AppError> {
    if request.method() != Method::GET || !request.uri().path().starts_with("/api/v1/") {
        return Ok(next.run(request).await);
    }
    let wants_csv = accepts_csv(request.headers());
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_json = content_type.is_some_and(|kind| kind == "application/json");
    if response.status() != StatusCode::OK || !is_json {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let mut body = to_bytes(body, ANSWER_BYTES).await.map_err(AppError::internal)?;
    if wants_csv {
        let value = serde_json::from_slice(&body).map_err(AppError::internal)?;
        let rows = rows(value).ok_or_else(|| {
            AppError::new(
                StatusCode::NOT_ACCEPTABLE,
                "no-csv",
                "This answer is no list",
                "Only lists are told as CSV. Accept application/json.",
            )
        })?;
        body = csv(&rows).map_err(AppError::internal)?.into();
        let kind = HeaderValue::from_static("text/csv; charset=utf-8");
        head.headers.insert(header::CONTENT_TYPE, kind);
        head.headers.remove(header::CONTENT_LENGTH);
    }
    let tag = entity_tag(&body).map_err(AppError::internal)?;
    head.headers.insert(header::ETAG, tag.clone());
    // The browser may keep it, and asks whether it still holds.
    let cache = HeaderValue::from_static("private, no-cache");
    head.headers.insert(header::CACHE_CONTROL, cache);
    head.headers.insert(header::VARY, HeaderValue::from_static("accept, authorization, cookie"));
    if known.is_some_and(|known| matches(&known, &tag)) {
        head.headers.remove(header::CONTENT_LENGTH);
        head.headers.remove(header::CONTENT_TYPE);
        return Ok((StatusCode::NOT_MODIFIED, head.headers).into_response());
    }
    Ok(Response::from_parts(head, Body::from(body)))
}

fn accepts_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split([',', ';']).any(|one| one.trim() == "text/csv"))
}

fn entity_tag(body: &[u8]) -> Result<HeaderValue, header::InvalidHeaderValue> {
    let digest = Sha256::digest(body);
    let mut text = String::from("\"");
    for byte in digest.iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    HeaderValue::from_str(&text)
}

/// Whether an `If-None-Match` names a tag. Compression makes tags weak on their way.
fn matches(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    let mut all = known.split(',').map(|one| one.trim().trim_start_matches("W/"));
    all.any(|one| one == tag || one == "*")
}

/// The rows of an answer: it is a list, or holds one list beside figures.
fn rows(value: Value) -> Option<Vec<Map<String, Value>>> {
    let list = match value {
        Value::Array(list) => list,
        Value::Object(fields) => {
            let mut lists = fields.into_iter().filter_map(|(_, value)| match value {
                Value::Array(list) => Some(list),
                _ => None,
            });
            let list = lists.next()?;
            if lists.next().is_some() {
                return None;
            }
            list
        }
        _ => return None,
    };
    let row = |value| {
        let mut columns = Map::new();
        match value {
            Value::Object(fields) => flatten(&mut columns, "", fields, DEPTH),
            other => {
                columns.insert("value".to_owned(), other);
            }
        }
        columns
    };
    Some(list.into_iter().map(row).collect())
}

/// Objects in objects become columns with dots in their names.
fn flatten(
    columns: &mut Map<String, Value>,
    before: &str,
    fields: Map<String, Value>,
    depth: usize,
) {
    for (name, value) in fields {
        let name = if before.is_empty() { name } else { format!("{before}.{name}") };
        match value {
            Value::Object(fields) if depth > 0 => flatten(columns, &name, fields, depth - 1),
            value => {
                columns.insert(name, value);
            }
        }
    }
}

fn csv(rows: &[Map<String, Value>]) -> Result<Vec<u8>, csv::Error> {
    let mut names: Vec<&String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for name in rows.iter().flat_map(Map::keys) {
        if known.insert(name) {
            names.push(name);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    if !names.is_empty() {
        writer.write_record(names.iter().map(|name| inert(name)))?;
    }
    for row in rows {
        writer.write_record(names.iter().map(|name| text(row.get(*name))))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => inert(text),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_becomes_a_table_and_no_cell_a_formula() {
        let answer = json!({ "total": 2, "hosts": [
            { "id": 1, "facts": { "fqdn": "=1+1", "os": null }, "labels": ["a", "b"] },
            { "id": 2, "note": "x,\"y" },
        ]});
        let table = String::from_utf8(csv(&rows(answer).unwrap()).unwrap()).unwrap();
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("id,facts.fqdn,facts.os,labels,note"));
        let first = lines.next().unwrap();
        assert!(first.starts_with("1,'=1+1,,") && first.contains(r#"[""a"",""b""]"#), "{first}");
        assert_eq!(lines.next(), Some(r#"2,,,,"x,""y""#));
        assert!(rows(json!({ "a": [], "b": [] })).is_none() && rows(json!({ "a": 1 })).is_none());
    }

    #[test]
    fn a_tag_that_is_known_is_found_among_several() {
        let tag = entity_tag(b"{}").unwrap();
        let known = |text: &str| matches(&HeaderValue::from_str(text).unwrap(), &tag);
        assert!(known(&format!("\"x\", W/{}", tag.to_str().unwrap())) && known("*"));
        assert!(!known("\"x\"") && entity_tag(b"[]").unwrap() != tag);
    }
}
