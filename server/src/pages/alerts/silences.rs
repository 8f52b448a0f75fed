//! What nobody is told for a while: made and ended.

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::{
    PoolTag,
    alerting::{HostScope, SilenceId, SilenceMatcher},
    incident::IncidentId,
};
use poolwatch_store::silences::{self, NewSilence, REASON_CHARS, SILENCES};
use serde::Deserialize;

use super::{back_to, one_line, window::Window};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    parameters::{Form, Path},
};

/// What somebody types to silence everything.
const EVERYTHING: &str = "silence everything";

/// What `POST /alerts/silences` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct SilenceForm {
    #[serde(default)]
    pattern: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    tag: String,
    #[serde(default)]
    incident: String,
    #[serde(default)]
    from: String,
    until: String,
    zone: String,
    reason: String,
    #[serde(default)]
    confirm: String,
}

/// What `POST /alerts/silences/{id}/end` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct EndForm {
    /// The page to go back to.
    #[serde(default)]
    back: String,
}

/// Makes a silence.
pub(in crate::pages) async fn silence(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(form): Form<SilenceForm>,
) -> Result<Redirect, AppError> {
    let now = app.clock.now();
    let matcher = read_matcher(&form)?;
    let window = Window::read(&form.from, &form.until, &form.zone, now)
        .map_err(|error| AppError::bad_request(error.to_string()))?;
    let reason = read_reason(&form.reason)?;
    let new = NewSilence {
        matcher: &matcher,
        reason: &reason,
        by: &person.name,
        from: window.from,
        until: window.until,
        worse_than: None,
        window: None,
    };
    let mut db = app.pool.acquire().await?;
    silences::add(&mut db, &new, now).await?.ok_or_else(too_many)?;
    Ok(back_to("silences"))
}

pub(in crate::pages) fn too_many() -> AppError {
    AppError::bad_request(format!("There are {SILENCES} silences: end some first."))
}

/// Why somebody silences something.
pub(in crate::pages) fn read_reason(typed: &str) -> Result<String, AppError> {
    let reason = one_line(typed);
    match reason.chars().count() {
        1..=REASON_CHARS => Ok(reason),
        _ => Err(AppError::bad_request(format!(
            "Say in 1 to {REASON_CHARS} characters why: others will ask."
        ))),
    }
}

fn read_matcher(form: &SilenceForm) -> Result<SilenceMatcher, AppError> {
    let incident = one_line(&form.incident);
    let incident = match incident.as_str() {
        "" => None,
        number => Some(IncidentId(number.parse().map_err(|_| {
            AppError::bad_request("An incident is named by its number, as in its address.")
        })?)),
    };
    let scope = HostScope::from_typed(&one_line(&form.group), &one_line(&form.pattern));
    let matcher = SilenceMatcher { incident, host: None, tag: read_tag(&form.tag)?, scope };
    confirm(&matcher, &form.confirm)?;
    Ok(matcher)
}

/// A tag as somebody typed it, if they did.
pub(super) fn read_tag(typed: &str) -> Result<Option<PoolTag>, AppError> {
    match one_line(typed).as_str() {
        "" => Ok(None),
        tag => tag
            .parse()
            .map(Some)
            .map_err(|_| AppError::bad_request("A tag has one to four characters.")),
    }
}

/// Refuses what matches everything, unless the words for it are there.
pub(super) fn confirm(matcher: &SilenceMatcher, typed: &str) -> Result<(), AppError> {
    if matcher.matches_everything() && typed.trim() != EVERYTHING {
        return Err(AppError::bad_request(format!(
            "This matches everything: nobody would be told of anything. Name hosts, a group, a tag \
             or an incident, or type \"{EVERYTHING}\" to confirm."
        )));
    }
    Ok(())
}

/// Ends a silence: what it held goes out.
pub(in crate::pages) async fn end(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
    Form(EndForm { back }): Form<EndForm>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    silences::end(&mut db, SilenceId(id), Some(&person.name), app.clock.now()).await?;
    Ok(match back.strip_prefix("/incidents/").and_then(|id| id.parse::<i64>().ok()) {
        Some(incident) => Redirect::to(&format!("/incidents/{incident}")),
        None => back_to("silences"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pattern: &str, tag: &str, confirm: &str) -> SilenceForm {
        SilenceForm {
            pattern: pattern.into(),
            group: String::new(),
            tag: tag.into(),
            incident: String::new(),
            from: String::new(),
            until: String::new(),
            zone: String::new(),
            reason: String::new(),
            confirm: confirm.into(),
        }
    }

    #[test]
    fn what_matches_everything_takes_the_words_for_it() {
        for pattern in ["", "*", "**"] {
            let refused = read_matcher(&form(pattern, "", "yes")).unwrap_err();
            assert!(refused.detail.contains("matches everything"), "{}", refused.detail);
            assert!(read_matcher(&form(pattern, "", "silence everything")).is_ok());
        }
        assert!(read_matcher(&form("FS-*", "", "")).is_ok());
        assert!(read_matcher(&form("", "Fooo", "")).is_ok());
        assert!(read_matcher(&form("", "longer", "")).is_err());
    }

    #[test]
    fn a_silence_has_a_reason() {
        assert!(read_reason(" \r\n").is_err() && read_reason(&"x".repeat(501)).is_err());
        assert_eq!(read_reason(" patch\n night ").unwrap(), "patch night");
    }
}
