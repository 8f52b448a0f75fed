//! Hosts by their names, groups, systems and roles.

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::host::OsVersion;

/// Some hosts: those of a group whose names match a pattern. What is not said leaves nobody out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostScope {
    /// A group by its name, by rules or of the directory, with all below it (`Berlin` has
    /// `Berlin/Files`).
    pub group: Option<String>,
    /// A name in which `*` stands for any letters and `?` for one.
    pub pattern: Option<String>,
}

/// What a host is for, as its Windows tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeRole {
    /// It runs a Windows for servers.
    Server,
    /// It runs another Windows.
    Workstation,
}

/// Some hosts, by what they run as well. What is not said leaves nobody out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleScope {
    /// By name and group.
    pub hosts: HostScope,
    /// A pattern of the Windows' name and build (`*2012 R2*`).
    pub system: Option<String>,
    /// What they are for.
    pub role: Option<ScopeRole>,
}

impl ScopeRole {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Server, Self::Workstation];

    /// Its stable name in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Workstation => "workstation",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The role of a host with this Windows.
    #[must_use]
    pub fn of_system(os: &OsVersion) -> Self {
        match os.product.to_lowercase().contains("server") {
            true => Self::Server,
            false => Self::Workstation,
        }
    }
}

impl HostScope {
    /// A scope as somebody typed it: what is empty, or a pattern that leaves nobody out, says nothing.
    #[must_use]
    pub fn from_typed(group: &str, pattern: &str) -> Self {
        Self { group: typed(group), pattern: typed_pattern(pattern) }
    }

    /// Whether every host is in it.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.group.is_none() && self.pattern.is_none()
    }

    /// Whether a host of these groups is in it. Letters count without case; a name matches by its first
    /// label as well.
    #[must_use]
    pub fn covers<S: AsRef<str>>(&self, name: &str, groups: impl IntoIterator<Item = S>) -> bool {
        let is_named = self.pattern.as_deref().is_none_or(|pattern| {
            let pattern = WildMatch::new_case_insensitive(pattern);
            let label = name.split('.').next().unwrap_or_default();
            pattern.matches(name) || pattern.matches(label)
        });
        is_named
            && self.group.as_deref().is_none_or(|wanted| {
                let wanted = wanted.to_lowercase();
                let is_in = |group: S| is_or_is_below(&group.as_ref().to_lowercase(), &wanted);
                groups.into_iter().any(is_in)
            })
    }
}

impl RuleScope {
    /// A scope as somebody typed it.
    #[must_use]
    pub fn from_typed(group: &str, pattern: &str, system: &str, role: Option<ScopeRole>) -> Self {
        let hosts = HostScope::from_typed(group, pattern);
        Self { hosts, system: typed_pattern(system), role }
    }

    /// Whether every host is in it.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.hosts.is_all() && self.system.is_none() && self.role.is_none()
    }

    /// Whether a host is in it. One whose Windows is not known is in no scope that asks for it.
    #[must_use]
    pub fn covers<S: AsRef<str>>(
        &self,
        name: &str,
        groups: impl IntoIterator<Item = S>,
        os: Option<&OsVersion>,
    ) -> bool {
        self.role.is_none_or(|role| os.map(ScopeRole::of_system) == Some(role))
            && self.hosts.covers(name, groups)
            && self.system.as_deref().is_none_or(|pattern| {
                let pattern = WildMatch::new_case_insensitive(pattern);
                os.is_some_and(|os| {
                    pattern.matches(&os.to_string()) || pattern.matches(&os.product)
                })
            })
    }
}

fn typed(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn typed_pattern(text: &str) -> Option<String> {
    let leaves_out = |pattern: &String| {
        !pattern.contains('*') || pattern.chars().any(|letter| !matches!(letter, '*' | '?'))
    };
    typed(text).filter(leaves_out)
}

fn is_or_is_below(group: &str, wanted: &str) -> bool {
    group.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Arch;

    const NOWHERE: [&str; 0] = [];

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
            ("FILE SERVERS", "", "fs-02", Some("File servers"), true),
        ] {
            let scope = HostScope::from_typed(group, pattern);
            assert_eq!(scope.covers(name, of), covered, "{group} {pattern} {name}");
        }
        for everybody in ["**", "?*", "*?*", "**??"] {
            assert!(HostScope::from_typed("", everybody).is_all(), "{everybody}");
        }
        assert!(!HostScope::from_typed("", "??").is_all(), "of two letters");
        let scope = HostScope::from_typed("Berlin", "");
        assert!(scope.covers("fs-02", ["File servers", "Berlin/Files"]));
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer() {
        let pattern = |end: &str| HostScope::from_typed("", &("*a".repeat(500) + end));
        assert!(!pattern("").covers(&"a".repeat(499), NOWHERE));
        assert!(!pattern("b").covers(&"a".repeat(5000), NOWHERE));
    }

    #[test]
    fn a_rules_scope_asks_for_system_and_role() {
        let os = |product: &str, build| OsVersion {
            product: product.into(),
            major: 10,
            minor: 0,
            build,
            revision: 1,
            arch: Arch::X64,
        };
        let (old, new, desk) = (
            os("Windows Server 2012 R2 Standard", 9600),
            os("Windows Server 2022", 20348),
            os("Windows 11 Pro", 22631),
        );
        let (server, any) = (Some(ScopeRole::Server), None);
        for (system, role, os, covered) in [
            ("", any, None, true),
            ("*2012 R2*", any, Some(&old), true),
            ("*2012 R2*", any, Some(&new), false),
            ("*20348*", any, Some(&new), true),
            ("*2012 R2*", any, None, false),
            ("", server, Some(&new), true),
            ("", server, Some(&desk), false),
            ("", server, None, false),
        ] {
            let scope = RuleScope::from_typed("", "", system, role);
            assert_eq!(scope.covers("fs-02", NOWHERE, os), covered, "{system} {role:?} {os:?}");
        }
    }
}
