//! Rules that approve hosts.

use std::net::IpAddr;

use ipnet::IpNet;
use poolwatch_model::host::HostFacts;
use poolwatch_store::{approval_rules::RuleConditions, enrolment::Candidate};
use wildmatch::WildMatch;

use crate::app_error::AppError;

/// Rules that are kept at most.
pub const MOST: i64 = 200;
/// Characters of a rule's or token's name.
const NAME_CHARS: usize = 100;
/// Bytes of a pattern or domain: no name is longer.
const PATTERN_BYTES: usize = 255;

/// Whom a rule is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// Who the host says it is.
    pub facts: &'a HostFacts,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// The token that it came by.
    pub token: Option<i32>,
}

impl<'a> From<&'a Candidate> for Proposal<'a> {
    fn from(candidate: &'a Candidate) -> Self {
        let token = candidate.token.as_ref().map(|(id, _)| *id);
        Self { facts: &candidate.facts, address: candidate.address, token }
    }
}

/// What a rule asks of a host, ready to be compared.
#[derive(Debug)]
pub struct Rule {
    name: Option<WildMatch>,
    domain: Option<String>,
    range: Option<IpNet>,
    token: Option<i32>,
}

impl Rule {
    /// Reads conditions; `None` for such as could not be kept today, which match nothing.
    #[must_use]
    pub fn read(conditions: &RuleConditions) -> Option<Self> {
        let range = conditions.address_range.as_deref().map(parse_range);
        if range == Some(None) || *conditions == RuleConditions::default() {
            return None;
        }
        let pattern = conditions.name_pattern.as_deref();
        Some(Self {
            name: pattern.map(WildMatch::new_case_insensitive),
            domain: conditions.domain.as_ref().map(|domain| domain.to_lowercase()),
            range: range.flatten(),
            token: conditions.token,
        })
    }

    /// Whether a host has everything that the rule asks for.
    #[must_use]
    pub fn is_met_by(&self, who: Proposal<'_>) -> bool {
        let (name, domain) = (&who.facts.fqdn, who.facts.domain());
        let short = name.split('.').next().unwrap_or_default();
        self.name.as_ref().is_none_or(|rule| rule.matches(name) || rule.matches(short))
            && self.domain.as_ref().is_none_or(|rule| {
                domain.is_some_and(|domain| {
                    domain
                        .strip_suffix(rule)
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                })
            })
            && self.range.is_none_or(|rule| who.address.is_some_and(|from| rule.contains(&from)))
            && self.token.is_none_or(|rule| who.token == Some(rule))
    }
}

/// The number of the first rule that a host meets.
#[must_use]
pub fn first_met(rules: &[(i32, RuleConditions)], who: Proposal<'_>) -> Option<i32> {
    let met = |conditions| Rule::read(conditions).is_some_and(|rule| rule.is_met_by(who));
    rules.iter().find(|(_, conditions)| met(conditions)).map(|(id, _)| *id)
}

/// Conditions as people and scripts write them, checked.
///
/// # Errors
/// 400 for what is no pattern, domain or network, and for a rule that asks for nothing.
pub fn checked(written: RuleConditions) -> Result<RuleConditions, AppError> {
    let given = |text: Option<String>| {
        text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let conditions = RuleConditions {
        name_pattern: given(written.name_pattern),
        domain: given(written.domain)
            .map(|domain| domain.trim_start_matches(['*', '.']).to_lowercase()),
        address_range: given(written.address_range),
        token: written.token,
    };
    let texts = [&conditions.name_pattern, &conditions.domain];
    let is_bad = |text: &&String| text.len() > PATTERN_BYTES || text.chars().any(char::is_control);
    if texts.into_iter().flatten().any(|text| is_bad(&text) || text.is_empty()) {
        return Err(AppError::bad_request(format!(
            "A pattern or domain has 1 to {PATTERN_BYTES} bytes without control characters."
        )));
    }
    let range = conditions.address_range.as_deref().map(|text| {
        parse_range(text).ok_or_else(|| {
            AppError::bad_request(
                "The address range is a network such as 10.1.0.0/16 or 2001:db8::/32, or one address.",
            )
        })
    });
    let address_range = range.transpose()?.map(|range| range.trunc().to_string());
    if conditions == RuleConditions::default() {
        return Err(AppError::bad_request(
            "A rule asks for something: a name pattern, a domain, an address range or a token. \
             To approve every host, write the name pattern *.",
        ));
    }
    Ok(RuleConditions { address_range, ..conditions })
}

/// A name that somebody gives a rule or a token, checked.
///
/// # Errors
/// 400 for one that cannot be shown.
pub fn checked_name(name: &str) -> Result<String, AppError> {
    let name = name.trim();
    let characters = name.chars().count();
    if characters == 0 || characters > NAME_CHARS || name.chars().any(char::is_control) {
        return Err(AppError::bad_request(format!("A name has 1 to {NAME_CHARS} characters.")));
    }
    Ok(name.to_owned())
}

/// 400: no further rule is kept.
pub fn too_many() -> AppError {
    AppError::bad_request(format!("{MOST} rules are kept at most: delete some."))
}

fn parse_range(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(conditions: &RuleConditions, name: &str, ou: Option<&str>, from: &str) -> bool {
        let facts = HostFacts { fqdn: name.into(), ou: ou.map(Into::into), ..HostFacts::default() };
        let who = Proposal { facts: &facts, address: from.parse().ok(), token: Some(7) };
        Rule::read(&checked(conditions.clone()).unwrap()).unwrap().is_met_by(who)
    }

    #[test]
    fn a_rule_is_met_by_who_has_everything_that_it_asks_for() {
        let rule = |name: &str, domain: &str, range: &str, token: Option<i32>| RuleConditions {
            name_pattern: Some(name.into()),
            domain: Some(domain.into()),
            address_range: Some(range.into()),
            token,
        };
        for (conditions, name, ou, from, is_met) in [
            (rule("sql-*", "", "", None), "SQL-07.corp.example", None, "10.0.0.1", true),
            (rule("sql-?", "", "", None), "SQL-07.corp.example", None, "10.0.0.1", false),
            (rule("*.corp.example", "", "", None), "fs.corp.example", None, "::1", true),
            (rule("", "corp.example", "", None), "fs.Corp.Example", None, "::1", true),
            (rule("", "*.corp.example", "", None), "fs.berlin.corp.example", None, "::1", true),
            (rule("", "corp.example", "", None), "fs.evilcorp.example", None, "::1", false),
            (
                rule("", "corp.example", "", None),
                "FS",
                Some("OU=A,DC=corp,DC=example"),
                "::1",
                true,
            ),
            (rule("", "corp.example", "", None), "FS", None, "::1", false),
            (rule("", "", "10.1.0.0/16", None), "a", None, "10.1.200.3", true),
            (rule("", "", "10.1.0.0/16", None), "a", None, "10.2.0.3", false),
            (rule("", "", "10.1.0.3", None), "a", None, "10.1.0.3", true),
            (rule("", "", "2001:db8::/32", None), "a", None, "2001:db8:1::1", true),
            (rule("", "", "", Some(7)), "a", None, "10.1.0.3", true),
            (rule("", "", "", Some(8)), "a", None, "10.1.0.3", false),
            (rule("a*", "", "10.0.0.0/8", Some(7)), "abc", None, "11.0.0.1", false),
        ] {
            assert_eq!(met(&conditions, name, ou, from), is_met, "{conditions:?} {name} {from}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let with_range = |range: &str| RuleConditions {
            address_range: Some(range.into()),
            ..RuleConditions::default()
        };
        for range in ["10.1.0.0/33", "10.1", "fe80::/x", "a host"] {
            assert!(checked(with_range(range)).is_err(), "{range}");
        }
        assert!(checked(RuleConditions::default()).is_err(), "it would approve everybody");
        assert!(checked(with_range(" ")).is_err());
        let kept = checked(with_range("10.1.2.3/16")).unwrap();
        assert_eq!(kept.address_range.as_deref(), Some("10.1.0.0/16"));
        let long = RuleConditions { domain: Some("a".repeat(256)), ..RuleConditions::default() };
        assert!(checked(long).is_err());
        assert!(checked_name("a\nb").is_err() && checked_name(" ").is_err());
    }
}
