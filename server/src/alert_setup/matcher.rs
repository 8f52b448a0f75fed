//! What a silence or a window is about, as somebody types it.

use poolwatch_model::{
    PoolTag,
    alerting::{HostScope, SilenceMatcher},
    incident::IncidentId,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::one_line;
use crate::app_error::AppError;

/// What somebody types to silence everything.
const EVERYTHING: &str = "silence everything";

/// What it is about: all that is said has to hold.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct MatcherDraft {
    /// Hosts of such a name.
    #[serde(default)]
    pub(super) pattern: String,
    /// Hosts of a group.
    #[serde(default)]
    pub(super) group: String,
    /// Incidents of a main tag.
    #[serde(default)]
    pub(super) tag: String,
    /// Where nothing is named: `silence everything`.
    #[serde(default)]
    pub(super) confirm: String,
}

impl MatcherDraft {
    /// What it says, with an incident where one is named beside it.
    pub(super) fn read(&self, incident: Option<IncidentId>) -> Result<SilenceMatcher, AppError> {
        let scope = HostScope::from_typed(&one_line(&self.group), &one_line(&self.pattern));
        let matcher = SilenceMatcher { incident, host: None, tag: self.tag()?, scope };
        if matcher.matches_everything() && self.confirm.trim() != EVERYTHING {
            return Err(AppError::bad_request(format!(
                "This matches everything: nobody would be told of anything. Name hosts, a group, a \
                 tag or an incident, or type \"{EVERYTHING}\" to confirm."
            )));
        }
        Ok(matcher)
    }

    fn tag(&self) -> Result<Option<PoolTag>, AppError> {
        match one_line(&self.tag).as_str() {
            "" => Ok(None),
            tag => tag
                .parse()
                .map(Some)
                .map_err(|_| AppError::bad_request("A tag has one to four characters.")),
        }
    }

    pub(super) fn describe(&self) -> String {
        let Self { pattern, group, tag, .. } = self;
        format!("hosts {pattern:?}, group {group:?}, tag {tag:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matches_everything_takes_the_words_for_it() {
        let form = |pattern: &str, tag: &str, confirm: &str| MatcherDraft {
            pattern: pattern.into(),
            group: String::new(),
            tag: tag.into(),
            confirm: confirm.into(),
        };
        for pattern in ["", "*", "**", "?*", "*?"] {
            let refused = form(pattern, "", "yes").read(None).unwrap_err();
            assert!(refused.detail.contains("matches everything"), "{}", refused.detail);
            assert!(form(pattern, "", "silence everything").read(None).is_ok());
        }
        assert!(form("", "", "").read(Some(IncidentId(1))).is_ok());
        assert!(form("FS-*", "", "").read(None).is_ok());
        assert!(form("", "Fooo", "").read(None).is_ok());
        assert!(form("", "longer", "").read(None).is_err());
    }
}
