//! Settings: what they are, where they come from, and what they are worth.
//!
//! [`SETTINGS`] is the one definition. Flags, environment variables, the settings file, registry
//! values and `status` all follow from it. For each setting the first source that has a valid value
//! wins: Group Policy, command line or environment, installer, file, server (where it may suggest),
//! default. An invalid value is reported and passed over: a typing error in a policy must not stop
//! the agents of a fleet.

mod definition;
mod file;
mod flags;
#[cfg(windows)]
mod registry;
#[cfg(any(windows, test))]
mod registry_value;
#[cfg(any(windows, test))]
mod settle;

use std::{fmt, path::PathBuf, time::Duration};

use poolwatch_model::host_group::checked_labels;
use serde::{Deserialize, Serialize};

use crate::{collect::CollectorSet, restart::RestartRules};
pub use definition::{INSTALLER_KEY, INTERVAL_S, Kind, POLICY_KEY, SETTINGS, Setting};
pub use file::{FileError, default_file, read_file};
pub use flags::SettingFlags;
#[cfg(windows)]
pub use registry::{forget_no_start, keep_as_installer, registry_layers};
#[cfg(any(windows, test))]
pub use settle::{await_change, settle};

/// Where a value comes from, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Group Policy.
    Policy,
    /// A flag or an environment variable.
    CommandLine,
    /// The installer, in the registry.
    Installer,
    /// The settings file.
    File,
    /// The server, which may suggest what nobody set here.
    Server,
    /// Nobody said anything else.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Policy => "Group Policy",
            Self::CommandLine => "command line",
            Self::Installer => "installer",
            Self::File => "settings file",
            Self::Server => "server",
            Self::Default => "default",
        })
    }
}

/// What one source says: names of settings and values as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The source.
    pub source: Source,
    /// Its values, by the settings' names.
    pub values: Vec<(String, String)>,
    /// Names of settings whose value cannot be read, and why, in words that follow the name.
    pub unreadable: Vec<(String, String)>,
}

impl Layer {
    /// A source whose values can all be read.
    #[must_use]
    pub const fn new(source: Source, values: Vec<(String, String)>) -> Self {
        Self { source, values, unreadable: Vec::new() }
    }
}

/// A setting with the value that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value; `None` when nobody set it and it has no default.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: Source,
}

/// All settings with their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    effective: Vec<Effective>,
    /// Values that were passed over, and why, in words.
    pub problems: Vec<String>,
}

impl Settings {
    /// Settles what holds. The order of `layers` does not matter.
    #[must_use]
    pub fn resolve(mut layers: Vec<Layer>) -> Self {
        layers.sort_by_key(|layer| layer.source);
        let mut problems = Vec::new();
        for layer in &layers {
            for (name, _) in &layer.values {
                if !SETTINGS.iter().any(|setting| setting.name == name) {
                    problems.push(format!("{}: there is no setting {name}", layer.source));
                }
            }
            let unreadable = layer.unreadable.iter();
            problems
                .extend(unreadable.map(|(name, why)| format!("{}: {name} {why}", layer.source)));
        }
        let effective = SETTINGS
            .iter()
            .map(|setting| {
                let said = layers.iter().flat_map(|layer| {
                    let named = layer.values.iter().filter(|(name, _)| name == setting.name);
                    named.map(|(_, value)| (layer.source, value))
                });
                for (source, value) in said {
                    if setting.policy_only && source != Source::Policy {
                        problems
                            .push(format!("{source}: {} is for Group Policy alone", setting.name));
                        continue;
                    }
                    let value = setting.expand(value.trim(), |name| std::env::var(name).ok());
                    match setting.check(&value) {
                        Ok(()) => return Effective { setting, value: Some(value), source },
                        Err(reason) => {
                            problems.push(format!("{source}: {} {reason}", setting.name));
                        }
                    }
                }
                let value = setting.default_value();
                Effective { setting, value, source: Source::Default }
            })
            .collect();
        Self { effective, problems }
    }

    /// Every setting, in the order of their definition.
    #[must_use]
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }

    fn get(&self, name: &str) -> Option<&Effective> {
        self.effective.iter().find(|effective| effective.setting.name == name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|effective| effective.value.as_deref())
    }

    fn number(&self, name: &str) -> u32 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// The server's address.
    #[must_use]
    pub fn server_url(&self) -> Option<&str> {
        self.text("server_url")
    }

    /// The enrolment token.
    #[must_use]
    pub fn enroll_token(&self) -> Option<&str> {
        self.text("enroll_token")
    }

    /// The file with the only authorities that are trusted.
    #[must_use]
    pub fn ca_file(&self) -> Option<PathBuf> {
        self.text("ca_file").map(PathBuf::from)
    }

    /// The proxy's address, or `none`; the machine's when nobody set it.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.text("proxy")
    }

    /// Whether addresses without TLS are accepted.
    #[must_use]
    pub fn allow_http(&self) -> bool {
        self.text("allow_http") == Some("true")
    }

    /// Labels that a new host brings.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        checked_labels(self.text("labels").unwrap_or_default().split(',')).unwrap_or_default()
    }

    /// Seconds between snapshots. A suggestion of the server holds, within the bounds of the
    /// setting, when nobody set it here.
    #[must_use]
    pub fn interval_s(&self, suggested: Option<u32>) -> u32 {
        let is_default =
            self.get("interval_s").is_some_and(|interval| interval.source == Source::Default);
        match suggested.filter(|_| is_default) {
            Some(suggested) => suggested.clamp(*INTERVAL_S.start(), *INTERVAL_S.end()),
            None => self.number("interval_s"),
        }
    }

    /// The settings as they hold with this suggestion of the server for the interval.
    #[must_use]
    pub fn with_suggested_interval(mut self, suggested: Option<u32>) -> Self {
        let seconds = self.interval_s(suggested).to_string();
        let interval = self.effective.iter_mut().find(|each| each.setting.name == "interval_s");
        if let Some(interval) = interval.filter(|each| each.source == Source::Default)
            && suggested.is_some()
        {
            interval.value = Some(seconds);
            interval.source = Source::Server;
        }
        self
    }

    /// The same without a folder for the spool that cannot be used.
    #[must_use]
    pub fn without_spool_dir(mut self, reason: &str) -> Self {
        for each in self.effective.iter_mut().filter(|each| each.setting.name == "spool_dir") {
            self.problems.push(format!("{}: spool_dir cannot be used: {reason}", each.source));
            (each.value, each.source) = (each.setting.default_value(), Source::Default);
        }
        self
    }

    /// Whether nobody names a folder for the spool.
    #[must_use]
    pub fn has_usual_spool_dir(&self) -> bool {
        self.get("spool_dir").is_some_and(|each| each.source == Source::Default)
    }

    /// The spool's folder.
    #[must_use]
    pub fn spool_dir(&self) -> PathBuf {
        self.text("spool_dir").map(PathBuf::from).unwrap_or_default()
    }

    /// Megabytes that the spool may take.
    #[must_use]
    pub fn spool_max_mb(&self) -> u32 {
        self.number("spool_max_mb")
    }

    /// Handles of the host beyond which not all of them are listed.
    #[must_use]
    pub fn list_handles_most(&self) -> u32 {
        self.number("list_handles_most")
    }

    /// Which services may be restarted, and when; `None` when Group Policy lists none.
    #[must_use]
    pub fn restart_rules(&self) -> Option<RestartRules> {
        let services = definition::split_services(self.text("restart_services")?);
        let seconds = |name, unit: u64| Duration::from_secs(u64::from(self.number(name)) * unit);
        Some(RestartRules {
            services: services.map(str::to_owned).collect(),
            handles: self.number("restart_handles"),
            quota_percent: self.number("restart_quota_percent"),
            after: seconds("restart_after_minutes", 60),
            period: seconds("restart_period_hours", 3600),
        })
    }

    /// The collectors that run.
    #[must_use]
    pub fn collectors(&self) -> CollectorSet {
        let chosen = self.text("collectors").and_then(|text| text.parse().ok());
        chosen.unwrap_or_else(CollectorSet::all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(source: Source, values: &[(&str, &str)]) -> Layer {
        let values =
            values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Layer::new(source, values)
    }

    #[test]
    fn blanks_around_a_value_are_none_of_it() {
        let said = [
            ("server_url", " https://pool.example.net\n"),
            ("enroll_token", "pwe_1 "),
            ("interval_s", "\t30"),
            ("allow_http", "true "),
        ];
        let settings = Settings::resolve(vec![layer(Source::Policy, &said)]);
        assert_eq!(settings.problems, [""; 0]);
        assert_eq!(settings.server_url(), Some("https://pool.example.net"));
        assert_eq!(settings.enroll_token(), Some("pwe_1"));
        assert_eq!((settings.interval_s(None), settings.allow_http()), (30, true));
    }

    #[test]
    fn a_value_that_cannot_be_read_is_reported_and_the_next_source_holds() {
        let unreadable = vec![("interval_s".to_owned(), "is of type 3".to_owned())];
        let settings = Settings::resolve(vec![
            Layer { unreadable, ..Layer::new(Source::Policy, Vec::new()) },
            layer(Source::Installer, &[("interval_s", "90")]),
        ]);
        assert_eq!(settings.interval_s(None), 90);
        assert_eq!(settings.problems, ["Group Policy: interval_s is of type 3"]);
    }

    #[test]
    fn policy_wins_over_everything() {
        let settings = Settings::resolve(vec![
            layer(Source::File, &[("interval_s", "30"), ("spool_max_mb", "64")]),
            layer(Source::Policy, &[("interval_s", "120")]),
            layer(Source::CommandLine, &[("interval_s", "10")]),
        ]);
        assert_eq!(settings.interval_s(None), 120);
        assert_eq!(settings.spool_max_mb(), 64);
        assert_eq!(settings.get("interval_s").unwrap().source, Source::Policy);
        assert_eq!(settings.problems, [""; 0]);
    }

    #[test]
    fn a_spool_folder_that_is_refused_gives_way_to_the_usual_one() {
        let folder = if cfg!(windows) { r"C:\Windows" } else { "/usr" };
        let settings = Settings::resolve(vec![layer(Source::Policy, &[("spool_dir", folder)])]);
        let usual = Settings::resolve(vec![]).spool_dir();
        let settings = settings.without_spool_dir("it holds what is not the agent's");
        assert_eq!(settings.spool_dir(), usual);
        assert!(settings.has_usual_spool_dir());
        assert_eq!(
            settings.problems,
            ["Group Policy: spool_dir cannot be used: it holds what is not the agent's"]
        );
    }

    #[test]
    fn a_typing_error_in_a_policy_is_reported_and_passed_over() {
        let settings = Settings::resolve(vec![
            layer(Source::Policy, &[("interval_s", "sixty"), ("intervall", "60")]),
            layer(Source::Installer, &[("interval_s", "90")]),
        ]);
        assert_eq!(settings.interval_s(None), 90);
        assert_eq!(
            settings.problems,
            [
                "Group Policy: there is no setting intervall",
                "Group Policy: interval_s is no whole number from 10 to 3600",
            ]
        );
    }

    #[test]
    fn restarts_are_for_group_policy_alone() {
        let said: &[_] = &[("restart_services", "BadApp, Other"), ("restart_after_minutes", "90")];
        let rules = |source| Settings::resolve(vec![layer(source, said)]).restart_rules();
        for source in [Source::CommandLine, Source::Installer, Source::File] {
            assert_eq!(rules(source), None, "{source}");
            let settings = Settings::resolve(vec![layer(source, said)]);
            assert_eq!(settings.problems.len(), 2, "{:?}", settings.problems);
        }
        let rules = rules(Source::Policy).unwrap();
        assert_eq!(rules.services, ["BadApp".to_owned(), "Other".to_owned()].into());
        assert_eq!(rules.after, Duration::from_secs(5400));
        assert_eq!((rules.handles, rules.period), (100_000, Duration::from_secs(86_400)));
    }

    #[test]
    fn the_server_may_suggest_only_what_nobody_set() {
        let free = Settings::resolve(vec![]);
        assert_eq!(free.interval_s(None), 60);
        assert_eq!(free.interval_s(Some(120)), 120);
        assert_eq!(free.interval_s(Some(1)), 10);
        assert_eq!(free.interval_s(Some(u32::MAX)), 3600);
        let set = Settings::resolve(vec![layer(Source::File, &[("interval_s", "60")])]);
        assert_eq!(set.interval_s(Some(120)), 60);

        let said = |settings: Settings| {
            let interval = settings.get("interval_s").unwrap();
            (interval.value.clone().unwrap(), interval.source)
        };
        assert_eq!(
            said(free.clone().with_suggested_interval(Some(1))),
            ("10".into(), Source::Server)
        );
        assert_eq!(said(free.with_suggested_interval(None)), ("60".into(), Source::Default));
        assert_eq!(said(set.with_suggested_interval(Some(120))), ("60".into(), Source::File));
    }

    #[test]
    fn every_setting_has_a_distinct_name_and_a_valid_default() {
        for (at, setting) in SETTINGS.iter().enumerate() {
            let later = &SETTINGS[at + 1..];
            assert!(later.iter().all(|s| s.name != setting.name && s.policy != setting.policy));
            if let Some(value) = setting.default_value() {
                assert_eq!(setting.check(&value), Ok(()), "{}", setting.name);
            }
        }
    }

    #[test]
    fn variables_of_a_path_are_replaced_and_nowhere_else() {
        let setting = |name| SETTINGS.iter().find(|setting| setting.name == name).unwrap();
        let variable = |name: &str| (name == "Data").then(|| r"D:\Data".to_owned());
        for (value, expected) in [
            (r"%Data%\spool", r"D:\Data\spool"),
            (r"E:\%Data%%Data%", r"E:\D:\DataD:\Data"),
            (r"%Other%\%Data%", r"%Other%\D:\Data"),
            (r"C:\100 %", r"C:\100 %"),
            (r"C:\%%", r"C:\%%"),
        ] {
            assert_eq!(setting("spool_dir").expand(value, variable), expected);
        }
        assert_eq!(setting("enroll_token").expand("%Data%", variable), "%Data%");
    }

    #[test]
    fn values_are_checked() {
        for (name, value, good) in [
            ("server_url", "https://pool.example.net", true),
            ("server_url", "https://pool.example.net:8443/base", true),
            ("server_url", "http://127.0.0.1:8080", true),
            ("server_url", "ftp://pool.example.net", false),
            ("server_url", "https://user:pw@pool.example.net", false),
            ("server_url", "https://pool.example.net/?a", false),
            ("server_url", "pool.example.net", false),
            ("proxy", "none", true),
            ("proxy", "http://proxy:3128", true),
            ("proxy", "http://user:word@proxy:3128", true),
            ("proxy", "socks5://proxy", false),
            ("proxy", "proxy:3128", false),
            ("interval_s", "9", false),
            ("interval_s", "10", true),
            ("interval_s", "3601", false),
            ("interval_s", "-1", false),
            ("allow_http", "true", true),
            ("allow_http", "yes", false),
            ("collectors", "pool_tags,processes", true),
            ("collectors", "registry", false),
            ("spool_dir", "relative", false),
            ("labels", "Berlin, file server", true),
            ("labels", "a\u{0}", false),
            ("restart_services", "BadApp,Other Service", true),
            ("restart_services", "BadApp,", false),
            ("restart_services", "*", false),
            ("enroll_token", "", false),
            ("enroll_token", "a b", false),
        ] {
            let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
            assert_eq!(setting.check(value).is_ok(), good, "{name} {value:?}");
        }
    }
}
