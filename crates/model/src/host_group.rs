//! Groups of hosts by rules, and labels of hosts.

use serde::{Deserialize, Serialize};

use wildmatch::WildMatch;

use crate::host::HostFacts;

/// Rules of one group at most.
pub const RULES_OF_GROUP: usize = 50;
/// Labels of one host at most.
pub const LABELS_OF_HOST: usize = 20;
/// Characters of a label at most.
const LABEL_CHARS: usize = 50;
/// Bytes of what a rule asks for at most: the longest distinguished name that is of any use.
const CONDITION_BYTES: usize = 1_000;

/// A group, as the server numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostGroupId(pub i32);

/// A group of hosts: those that meet one of its rules, and those that a token or an approval rule put
/// into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostGroup {
    /// Its number.
    pub id: HostGroupId,
    /// What it is called.
    pub name: String,
    /// Its rules; without any it has the hosts alone that were put into it.
    pub rules: Vec<GroupRule>,
}

/// What a rule asks of a host: everything that it names. Letters count without case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupRule {
    /// Pattern of its name or of the first label of it, with `*` and `?`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    /// Its domain, those below it included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Its organisational unit from the top down (`Servers/Berlin`), those below it included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ou: Option<String>,
    /// Its Active Directory site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// A label that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl GroupRule {
    /// What somebody typed: what is empty is not asked for.
    ///
    /// # Errors
    /// Why it is no rule.
    pub fn checked(self) -> Result<Self, &'static str> {
        let given = |text: Option<String>| {
            text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let rule = Self {
            host_name: given(self.host_name),
            domain: given(self.domain)
                .map(|domain| domain.trim_start_matches(['*', '.']).to_lowercase()),
            ou: given(self.ou).map(|ou| ou.trim_matches('/').to_owned()),
            site: given(self.site),
            label: given(self.label).map(|label| label.to_lowercase()),
        };
        let conditions = rule.conditions();
        if conditions.clone().next().is_none() {
            return Err(
                "A rule asks for something: a name, a domain, an organisational unit, a site \
                        or a label. For every host, write the name *.",
            );
        }
        let is_bad = |text: &&str| {
            text.is_empty() || text.len() > CONDITION_BYTES || text.chars().any(char::is_control)
        };
        if conditions.map(|(_, text)| text).any(|text| is_bad(&text)) {
            return Err("What a rule asks for has 1 to 1,000 bytes, without control characters.");
        }
        Ok(rule)
    }

    /// What it asks for, each with its name.
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, &str)> + Clone {
        let all = [
            ("name", self.host_name.as_deref()),
            ("domain", self.domain.as_deref()),
            ("organisational unit", self.ou.as_deref()),
            ("site", self.site.as_deref()),
            ("label", self.label.as_deref()),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, text?)))
    }

    /// Whether a host has everything that it asks for. One that asks for nothing is met by none.
    #[must_use]
    pub fn is_met_by(&self, facts: &HostFacts, labels: &[String]) -> bool {
        let same = |wanted: &str, text: &str| wanted.to_lowercase() == text.to_lowercase();
        *self != Self::default()
            && self.host_name.as_deref().is_none_or(|pattern| {
                let pattern = WildMatch::new_case_insensitive(pattern);
                let label = facts.fqdn.split('.').next().unwrap_or_default();
                pattern.matches(&facts.fqdn) || pattern.matches(label)
            })
            && self.domain.as_deref().is_none_or(|wanted| {
                facts.domain().is_some_and(|domain| is_or_is_below(&domain, wanted, '.', true))
            })
            && self.ou.as_deref().is_none_or(|wanted| {
                let wanted = wanted.to_lowercase();
                let unit = facts.ou_path().map(|unit| unit.to_lowercase());
                unit.is_some_and(|unit| is_or_is_below(&unit, &wanted, '/', false))
            })
            && self
                .site
                .as_deref()
                .is_none_or(|wanted| facts.site.as_deref().is_some_and(|site| same(wanted, site)))
            && self
                .label
                .as_deref()
                .is_none_or(|wanted| labels.iter().any(|label| same(wanted, label)))
    }
}

impl HostGroup {
    /// Whether a host belongs to it, by its rules or since it was put into it.
    #[must_use]
    pub fn has(&self, facts: &HostFacts, labels: &[String], put_into: &[HostGroupId]) -> bool {
        put_into.contains(&self.id) || self.rules.iter().any(|rule| rule.is_met_by(facts, labels))
    }
}

/// The groups of a host, by number.
#[must_use]
pub fn groups_of_host(
    groups: &[HostGroup],
    facts: &HostFacts,
    labels: &[String],
    put_into: &[HostGroupId],
) -> Vec<HostGroupId> {
    let mut found: Vec<HostGroupId> =
        groups.iter().filter(|one| one.has(facts, labels, put_into)).map(|one| one.id).collect();
    found.sort_unstable();
    found
}

/// Labels as somebody typed them: in small letters, by alphabet, each once.
///
/// # Errors
/// Why they are not taken.
pub fn checked_labels<'a>(typed: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let labels = typed.into_iter().map(|label| label.trim().to_lowercase());
    let mut labels: Vec<String> = labels.filter(|label| !label.is_empty()).collect();
    labels.sort_unstable();
    labels.dedup();
    let is_bad = |label: &String| {
        label.chars().count() > LABEL_CHARS || label.contains(|c: char| c.is_control() || c == ',')
    };
    if labels.len() > LABELS_OF_HOST || labels.iter().any(is_bad) {
        return Err(format!(
            "A host has at most {LABELS_OF_HOST} labels of 1 to {LABEL_CHARS} characters, without \
             commas."
        ));
    }
    Ok(labels)
}

fn is_or_is_below(text: &str, wanted: &str, separator: char, from_end: bool) -> bool {
    let rest = if from_end { text.strip_suffix(wanted) } else { text.strip_prefix(wanted) };
    rest.is_some_and(|rest| match from_end {
        true => rest.is_empty() || rest.ends_with(separator),
        false => rest.is_empty() || rest.starts_with(separator),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(fqdn: &str, ou: Option<&str>, site: Option<&str>) -> HostFacts {
        let (ou, site) = (ou.map(Into::into), site.map(Into::into));
        HostFacts { fqdn: fqdn.into(), ou, site, ..HostFacts::default() }
    }

    #[test]
    fn a_rule_is_met_by_who_has_everything_that_it_asks_for() {
        let ou = Some("OU=Files,OU=Berlin,DC=corp,DC=example");
        for (text, name, ou, site, labels, is_met) in [
            (r#"{"host_name": "fs-*"}"#, "FS-02.corp.example", None, None, &[][..], true),
            (r#"{"host_name": "fs-*"}"#, "db-02.corp.example", None, None, &[], false),
            (r#"{"domain": "*.Corp.example"}"#, "a.b.corp.example", None, None, &[], true),
            (r#"{"domain": "corp.example"}"#, "a.evilcorp.example", None, None, &[], false),
            (r#"{"ou": "berlin"}"#, "a", ou, None, &[], true),
            (r#"{"ou": "Berlin/Files/"}"#, "a", ou, None, &[], true),
            (r#"{"ou": "Berlin/Fil"}"#, "a", ou, None, &[], false),
            (r#"{"ou": "Files"}"#, "a", ou, None, &[], false),
            (r#"{"site": "Berlin-1"}"#, "a", None, Some("berlin-1"), &[], true),
            (r#"{"site": "Berlin"}"#, "a", None, Some("berlin-1"), &[], false),
            (r#"{"label": "Production"}"#, "a", None, None, &["production"], true),
            (r#"{"label": "prod"}"#, "a", None, None, &["production"], false),
            (r#"{"host_name": "a", "label": "x"}"#, "a", None, None, &["y"], false),
        ] {
            let rule: GroupRule = serde_json::from_str(text).unwrap();
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            let found = rule.checked().unwrap().is_met_by(&facts(name, ou, site), &labels);
            assert_eq!(found, is_met, "{text} {name}");
        }
        assert!(!GroupRule::default().is_met_by(&facts("a", None, None), &[]));
    }

    #[test]
    fn what_is_no_rule_or_label_is_refused() {
        let named = |name: &str| GroupRule { host_name: Some(name.into()), ..GroupRule::default() };
        assert!(named(" ").checked().is_err());
        assert!(named("a\nb").checked().is_err());
        assert!(named(&"a".repeat(1_001)).checked().is_err());
        let domain = GroupRule { domain: Some("*.".into()), ..GroupRule::default() };
        assert!(domain.checked().is_err());
        assert_eq!(checked_labels([" B", "a", "b ", ""]).unwrap(), ["a", "b"]);
        assert!(checked_labels(["a,b"]).is_err() && checked_labels(["a\u{0}"]).is_err());
        let many: Vec<String> = (0..=LABELS_OF_HOST).map(|label| label.to_string()).collect();
        assert!(checked_labels(many.iter().map(String::as_str)).is_err());
    }

    #[test]
    fn a_host_is_in_the_groups_whose_rules_it_meets_and_in_those_it_was_put_into() {
        let group = |id, rules| HostGroup { id: HostGroupId(id), name: String::new(), rules };
        let all = GroupRule { host_name: Some("*".into()), ..GroupRule::default() };
        let groups = [group(3, vec![]), group(2, vec![]), group(1, vec![all])];
        let found = groups_of_host(&groups, &facts("a", None, None), &[], &[HostGroupId(3)]);
        assert_eq!(found, [HostGroupId(1), HostGroupId(3)]);
    }
}
