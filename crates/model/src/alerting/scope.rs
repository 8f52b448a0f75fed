//! Hosts by their names and groups.

use serde::{Deserialize, Serialize};

/// Some hosts: those of a group whose names match a pattern. What is not said leaves nobody out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostScope {
    /// A group with all below it (`Berlin` has `Berlin/Files`).
    pub group: Option<String>,
    /// A name in which `*` stands for any letters and `?` for one.
    pub pattern: Option<String>,
}

impl HostScope {
    /// A scope as somebody typed it: what is empty, or a pattern that leaves nobody out, says nothing.
    #[must_use]
    pub fn from_typed(group: &str, pattern: &str) -> Self {
        let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let is_narrow = |pattern: &String| pattern.chars().any(|letter| letter != '*');
        Self { group: said(group), pattern: said(pattern).filter(is_narrow) }
    }

    /// Whether every host is in it.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.group.is_none() && self.pattern.is_none()
    }

    /// Whether a host is in it. Letters count without case; a name matches by its first label as well.
    #[must_use]
    pub fn covers(&self, name: &str, group: Option<&str>) -> bool {
        let in_group = self.group.as_deref().is_none_or(|wanted| {
            group.is_some_and(|group| is_or_is_below(&group.to_lowercase(), &wanted.to_lowercase()))
        });
        in_group
            && self.pattern.as_deref().is_none_or(|pattern| {
                let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
                let label = name.split('.').next().unwrap_or_default();
                matches_pattern(pattern.as_bytes(), name.as_bytes())
                    || matches_pattern(pattern.as_bytes(), label.as_bytes())
            })
    }
}

fn is_or_is_below(group: &str, wanted: &str) -> bool {
    group.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a name matches a pattern. Goes back to the last `*` alone, so that no pattern takes more
/// than the product of the lengths.
pub(crate) fn matches_pattern(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    let mut last_star = None;
    while at < name.len() {
        match pattern.get(of) {
            Some(b'*') => {
                last_star = Some((of, at));
                of += 1;
            }
            Some(letter) if *letter == b'?' || *letter == name[at] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((star, from)) = last_star else { return false };
                last_star = Some((star, from + 1));
                (of, at) = (star + 1, from + 1);
            }
        }
    }
    pattern[of..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_groups_with_what_is_below_and_names_by_pattern() {
        for (group, pattern, name, of, covered) in [
            ("", "", "fs-02", None, true),
            ("", " * ", "fs-02", None, true),
            ("Berlin", "", "fs-02", Some("berlin/Files"), true),
            ("Berlin", "", "fs-02", Some("Berlin2"), false),
            ("Berlin", "", "fs-02", None, false),
            ("", "FS-*", "fs-02.contoso.test", None, true),
            ("", "fs-0?", "fs-02.contoso.test", None, true),
            ("", "fs-0?", "fs-020", None, false),
            ("", "*-0*2", "a-0b02", None, true),
            ("", "*.contoso.test", "fs-02.contoso.test", None, true),
            ("", "fs", "fs-02", None, false),
            ("Berlin", "db*", "fs-02", Some("Berlin"), false),
        ] {
            let scope = HostScope::from_typed(group, pattern);
            assert_eq!(scope.covers(name, of), covered, "{group} {pattern} {name}");
        }
        assert!(HostScope::from_typed("", "**").is_all());
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer() {
        let pattern = "*a".repeat(500);
        assert!(!matches_pattern(pattern.as_bytes(), "a".repeat(499).as_bytes()));
        assert!(!matches_pattern((pattern + "b").as_bytes(), "a".repeat(5000).as_bytes()));
    }
}
