//! What brings agents to hosts, filled in for this server: a script that installs, a task of Group Policy,
//! and recipes for other tools.

use askama::Template;
use jiff::{Timestamp, tz::TimeZone};

/// Where hosts keep the authority's certificate.
pub(crate) const CA_FILE: &str = r"C:\ProgramData\Poolwatch\ca.pem";
/// A share in examples.
pub const EXAMPLE_SHARE: &str = r"\\files\deploy$\poolwatch";
/// How long the script itself may take, minutes: tries while another installation runs, and its own.
const SCRIPT_MINUTES: u32 = 60;

/// The values of this server, as hosts get them. They hold nothing that means something to scripts: who
/// makes one checks that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployKit {
    /// The server's public address.
    pub url: String,
    /// The token by which hosts come; `None` when a policy brings it.
    pub token: Option<String>,
    /// Whether agents need the server's own authority (`ca.pem`).
    pub has_authority: bool,
    /// The proxy to the server.
    pub proxy: Option<String>,
    /// Labels for these hosts when they enrol.
    pub labels: Vec<String>,
    /// Seconds between two snapshots.
    pub interval_s: Option<u32>,
    /// The share with package and script, without a slash at its end.
    pub share: String,
    /// Spread the start over minutes.
    pub spread_minutes: u32,
    /// Version of the packages.
    pub version: String,
    /// The packages, where the server has them.
    pub packages: Vec<KitPackage>,
    /// When it was made.
    pub changed: Timestamp,
}

/// A package of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KitPackage {
    /// Its file.
    pub name: String,
    /// `x64` or `x86`.
    pub architecture: &'static str,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
}

impl DeployKit {
    /// The properties of the installer, with their values.
    #[must_use]
    pub fn properties(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("SERVER_URL", Some(self.url.clone())),
            ("ENROLL_TOKEN", self.token.clone()),
            ("CA_FILE", self.has_authority.then(|| CA_FILE.to_owned())),
            ("PROXY", self.proxy.clone()),
            ("LABELS", (!self.labels.is_empty()).then(|| self.labels.join(","))),
            ("INTERVAL", self.interval_s.map(|seconds| seconds.to_string())),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The same for a command line.
    #[must_use]
    pub fn property_words(&self) -> String {
        let word = |(name, value): (&str, String)| match value.contains(' ') {
            true => format!("{name}=\"{value}\""),
            false => format!("{name}={value}"),
        };
        self.properties().into_iter().map(word).collect::<Vec<_>>().join(" ")
    }

    /// The package for most hosts.
    #[must_use]
    pub fn package(&self) -> String {
        format!("poolwatch-agent-{}-x64.msi", self.version)
    }

    /// What the task gives to `cmd.exe`.
    #[must_use]
    pub fn task_arguments(&self) -> String {
        format!(r"/c {}\install.cmd {}", self.share, self.spread_minutes * 60)
    }

    /// Every text of it by its file's name, with the line endings of Windows.
    ///
    /// # Errors
    /// When a template fails.
    pub fn texts(&self) -> askama::Result<Vec<(&'static str, String)>> {
        let mut texts = vec![
            ("READ-ME.txt", ReadMe { kit: self }.render()?),
            ("install.cmd", InstallScript { kit: self }.render()?),
            ("ScheduledTasks.xml", Tasks { kit: self }.render()?),
            ("detect.ps1", Detection { kit: self }.render()?),
            ("ansible.yml", Ansible { kit: self }.render()?),
            ("dsc.ps1", Dsc { kit: self }.render()?),
        ];
        if !self.packages.is_empty() {
            texts.push(("winget.yaml", Winget { kit: self }.render()?));
        }
        for (_, text) in &mut texts {
            *text = text.replace('\n', "\r\n") + "\r\n";
        }
        Ok(texts)
    }

    /// As files of preferences have it: the time by the clock of who made it, which nobody compares.
    fn changed_in_words(&self) -> String {
        self.changed.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn limit_minutes(&self) -> u32 {
        self.spread_minutes + SCRIPT_MINUTES
    }
}

/// A template of the kit.
macro_rules! kit_text {
    ($(#[$doc:meta])* $name:ident, $path:literal, $escape:literal) => {
        $(#[$doc])*
        #[derive(Template)]
        #[template(path = $path, escape = $escape)]
        struct $name<'a> {
            kit: &'a DeployKit,
        }
    };
}

kit_text!(
    /// What its files are for.
    ReadMe, "deploy/READ-ME.txt", "none"
);
kit_text!(
    /// Installs or upgrades, for whatever runs it as the system.
    InstallScript, "deploy/install.cmd", "none"
);
kit_text!(
    /// An immediate task of Group Policy Preferences ([MS-GPPREF] 2.2.1.22). It is not "applied once": a
    /// host where it failed gets it again with the next refresh. Its one filter holds where the program is
    /// missing or older, so that nobody goes back.
    Tasks, "deploy/tasks.xml", "html"
);
kit_text!(
    /// Whether the agent is there.
    Detection, "deploy/detect.ps1", "none"
);
kit_text!(
    /// A playbook.
    Ansible, "deploy/ansible.yml", "none"
);
kit_text!(
    /// A configuration of PowerShell DSC.
    Dsc, "deploy/dsc.ps1", "none"
);
kit_text!(
    /// A manifest of winget.
    Winget, "deploy/winget.yaml", "none"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn kit() -> DeployKit {
        DeployKit {
            url: "https://poolwatch.example.com:8443".into(),
            token: Some("pwe_0123".into()),
            has_authority: true,
            proxy: None,
            labels: vec!["berlin".into(), "file server".into()],
            interval_s: Some(30),
            share: EXAMPLE_SHARE.into(),
            spread_minutes: 30,
            version: "0.1.0".into(),
            packages: vec![KitPackage {
                name: "poolwatch-agent-0.1.0-x64.msi".into(),
                architecture: "x64",
                sha256: "AB".into(),
            }],
            changed: Timestamp::from_second(1_780_000_000).unwrap(),
        }
    }

    #[test]
    fn properties_of_a_command_line_keep_blanks_together_and_leave_out_what_is_not_set() {
        assert_eq!(
            kit().property_words(),
            "SERVER_URL=https://poolwatch.example.com:8443 ENROLL_TOKEN=pwe_0123 \
             CA_FILE=C:\\ProgramData\\Poolwatch\\ca.pem LABELS=\"berlin,file server\" INTERVAL=30"
        );
        let bare = DeployKit { token: None, has_authority: false, interval_s: None, ..kit() };
        let bare = DeployKit { labels: Vec::new(), ..bare };
        assert_eq!(bare.property_words(), "SERVER_URL=https://poolwatch.example.com:8443");
    }

    #[test]
    fn the_task_runs_the_script_where_the_program_is_missing_or_older_and_never_once_only() {
        let texts = kit().texts().unwrap();
        let task = &texts.iter().find(|(name, _)| *name == "ScheduledTasks.xml").unwrap().1;
        assert!(
            task.contains(r"<Arguments>/c \\files\deploy$\poolwatch\install.cmd 1800<"),
            "{task}"
        );
        assert!(task.contains(r#"not="1" path="C:\Program Files\Poolwatch\poolwatch-agent.exe""#));
        assert!(task.contains(r#"min="0.1.0.0" max="65535.65535.65535.65535" gte="1" lte="1""#));
        assert!(task.contains(r#"changed="2026-05-28 20:26:40""#) && task.contains("PT90M"));
        assert!(!task.contains("FilterRunOnce") && !task.contains("pwe_"));
    }

    #[test]
    fn the_authority_goes_into_a_folder_that_is_closed_by_then() {
        let texts = kit().texts().unwrap();
        let position = |name: &str, said: &str| {
            let text = &texts.iter().find(|(known, _)| *known == name).unwrap().1;
            text.find(said).unwrap_or_else(|| panic!("{said} in {name}: {text}"))
        };
        assert!(position("install.cmd", "icacls") < position("install.cmd", "copy /y"));
        for (name, installs, copies) in [
            ("ansible.yml", "win_package", r"dest: C:\ProgramData\Poolwatch\ca.pem"),
            ("dsc.ps1", "Package Agent", "File Authority"),
        ] {
            assert!(position(name, installs) < position(name, copies), "{name}");
        }
        // As the program's own text has it, which is compared letter by letter.
        position("ansible.yml", "creates_version: 0.1.0\r\n");
    }

    #[test]
    fn every_text_has_the_line_endings_of_windows_and_the_token_is_where_it_must_be_alone() {
        for (name, text) in kit().texts().unwrap() {
            assert!(text.contains("\r\n") && !text.replace("\r\n", "").contains('\n'), "{name}");
            let has_token = ["ansible.yml", "dsc.ps1", "winget.yaml"].contains(&name);
            assert_eq!(text.contains("pwe_0123"), has_token, "{name}");
        }
        let without = DeployKit { packages: Vec::new(), ..kit() }.texts().unwrap();
        assert!(without.iter().all(|(name, _)| *name != "winget.yaml"));
    }
}
