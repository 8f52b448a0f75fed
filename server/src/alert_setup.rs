//! How people and scripts set alerting up: recipients, rules, silences and windows, as they type them.

mod matcher;
pub mod recipients;
pub mod rules;
pub mod settings;
pub mod silences;
mod time_span;
pub mod windows;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

use crate::app_error::AppError;

/// A text that somebody typed, on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect::<String>().trim().to_owned()
}

/// A time zone that somebody typed, and its name.
fn read_zone(typed: &str) -> Result<(String, TimeZone), AppError> {
    let name = one_line(typed);
    match TimeZone::get(&name) {
        Ok(zone) => Ok((name, zone)),
        Err(_) => Err(AppError::bad_request(format!(
            "{name} is no time zone: name one like Europe/Berlin or UTC."
        ))),
    }
}

/// A tick of a form, whatever its text, or what a document says.
fn read_tick<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Tick {
        Said(bool),
        #[expect(dead_code, reason = "a browser sends a text where it is ticked")]
        Text(String),
    }
    Ok(!matches!(Tick::deserialize(from)?, Tick::Said(false)))
}
