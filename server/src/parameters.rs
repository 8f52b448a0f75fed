//! What people and scripts ask for, read at the edge: into types that the server and its database can
//! hold, or refused with 400 and a word that says what is wrong. Handlers take these extractors in place
//! of axum's, and times as `AskedTime`. What agents send is cleaned item by item instead.
#![expect(clippy::disallowed_types, reason = "these are what the others use instead")]

use axum::{
    body::{Body, Bytes},
    extract::{self, FromRequest, FromRequestParts, Request},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error},
};

use crate::app_error::AppError;

/// The places of a route's path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

/// What follows the question mark of an address.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

/// The fields of a form.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

/// A JSON document, as a request and as an answer.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        refuse_nul(holds_nul(parts.uri.path().as_bytes()), "The address")
            .map_err(IntoResponse::into_response)?;
        let read = extract::Path::from_request_parts(parts, state).await;
        read.map(|extract::Path(value)| Self(value))
            .map_err(|error| refuse("The address", error.status(), &error.body_text(), error))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let query = parts.uri.query().unwrap_or_default();
        refuse_nul(holds_nul(query.as_bytes()), "A parameter of the address")
            .map_err(IntoResponse::into_response)?;
        extract::Query::try_from_uri(&parts.uri).map(|extract::Query(value)| Self(value)).map_err(
            |error| refuse("A parameter of the address", error.status(), &error.body_text(), error),
        )
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (head, bytes) = read_body(request, state).await?;
        refuse_nul(holds_nul(&bytes), "A field of the form")
            .map_err(IntoResponse::into_response)?;
        let request = Request::from_parts(head, Body::from(bytes));
        let read = extract::Form::from_request(request, state).await;
        read.map(|extract::Form(value)| Self(value)).map_err(|error| {
            refuse("A field of the form", error.status(), &error.body_text(), error)
        })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (head, bytes) = read_body(request, state).await?;
        refuse_nul(holds_escaped_nul(&bytes), "A text of the document")
            .map_err(IntoResponse::into_response)?;
        let request = Request::from_parts(head, Body::from(bytes));
        let read = axum::Json::from_request(request, state).await;
        read.map(|axum::Json(value)| Self(value))
            .map_err(|error| refuse("The document", error.status(), &error.body_text(), error))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A number of a document, or of a form, in which an empty field is none.
///
/// # Errors
/// When it is no whole number, or none that the field takes.
pub fn read_number<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Typed {
        Number(i64),
        Text(String),
    }
    let number = match Option::<Typed>::deserialize(from)? {
        None => return Ok(None),
        Some(Typed::Number(number)) => Some(number),
        Some(Typed::Text(text)) if text.trim().is_empty() => return Ok(None),
        Some(Typed::Text(text)) => text.trim().parse().ok(),
    };
    let read = number.and_then(|number| number.try_into().ok());
    read.map(Some).ok_or_else(|| Error::custom("it is no number that this takes"))
}

async fn read_body<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<(Parts, Bytes), Response> {
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head.clone(), body);
    let bytes = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
    Ok((head, bytes))
}

/// 400 for what cannot be read; other refusals, of size and content type, are told by their status.
fn refuse(what: &str, status: StatusCode, words: &str, rejection: impl IntoResponse) -> Response {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            // axum says first what failed, and after a colon why.
            let why = words.split_once(": ").map_or(words, |(_, why)| why);
            let why = plain_reason(why);
            AppError::bad_request(format!("{what} cannot be read: {why}.")).into_response()
        }
        _ => rejection.into_response(),
    }
}

/// A reason of serde's as an administrator says it: `hours is one of 6, 24, 168`.
fn plain_reason(why: &str) -> String {
    let choice = why.split_once(": unknown variant `").and_then(|(field, rest)| {
        let (_, choices) = rest.rsplit_once("`, expected ")?;
        let choices = choices.trim_start_matches("one of ").replace('`', "");
        Some(format!("{field} is one of {choices}"))
    });
    let number = || {
        let (value, kind) = why.strip_prefix("Cannot parse `")?.rsplit_once("` to a `")?;
        let is_whole = kind.starts_with(['i', 'u']);
        is_whole.then(|| format!("{value} is no number that it can hold"))
    };
    choice.or_else(number).unwrap_or_else(|| why.to_owned())
}

fn refuse_nul(holds_nul: bool, what: &str) -> Result<(), AppError> {
    match holds_nul {
        true => Err(AppError::bad_request(format!(
            "{what} holds a NUL character, which cannot be stored or asked for."
        ))),
        false => Ok(()),
    }
}

/// Whether a text that is encoded as addresses and forms are holds a NUL.
fn holds_nul(encoded: &[u8]) -> bool {
    encoded.contains(&0) || encoded.windows(3).any(|three| three == b"%00")
}

/// Whether a JSON text holds a NUL; bare ones are no JSON.
fn holds_escaped_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at + 1..].starts_with(b"u0000") {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_plain_words() {
        for (why, plain) in [
            (
                "hours: unknown variant `9`, expected one of `6`, `24`, `168`",
                "hours is one of 6, 24, 168",
            ),
            (
                "pool: unknown variant `x`, expected `paged` or `nonpaged`",
                "pool is one of paged or nonpaged",
            ),
            ("Cannot parse `abc` to a `i32`", "abc is no number that it can hold"),
            ("missing field `until`", "missing field `until`"),
        ] {
            assert_eq!(plain_reason(why), plain);
        }
    }

    #[test]
    fn nul_characters_are_found_however_they_are_written() {
        for (text, holds) in
            [("a=b", false), ("a=%00", true), ("a=%2500", false), ("a=%%00", true), ("a=\0", true)]
        {
            assert_eq!(holds_nul(text.as_bytes()), holds, "{text}");
        }
        for (text, holds) in [
            (r#"{"a":"b"}"#, false),
            (r#"{"a":"\u0000"}"#, true),
            (r#"{"a":"\\u0000"}"#, false),
            (r#"{"a":"\\\u0000"}"#, true),
            (r#"{"a":"\"\u00001"}"#, true),
            (r"\", false),
        ] {
            assert_eq!(holds_escaped_nul(text.as_bytes()), holds, "{text}");
        }
    }
}
