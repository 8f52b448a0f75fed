//! How agents come (`GET /deploy`): a token, the steps for this server, and who arrived.

use askama::Template;
use jiff::Timestamp;

use crate::{
    HostLink, Shell, assets,
    deploy_kit::{CA_FILE, DeployKit},
    figures, links,
    shell::live_page,
};

/// How agents come.
#[derive(Debug, Clone, Template)]
#[template(path = "deploy.html", blocks = ["live"])]
pub struct DeployPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// What the server offers.
    pub server: ServerFacts,
    /// The values of this server; its token is one that was made just now, and is shown this once.
    pub kit: DeployKit,
    /// What that token is for.
    pub made: Option<String>,
    /// Why none was made.
    pub error: Option<String>,
    /// Tokens by which hosts come.
    pub tokens: Vec<TokenRow>,
    /// Groups to choose from: number and name.
    pub groups: Vec<(i32, String)>,
    /// Who came in the last hour.
    pub arrivals: Arrivals,
    /// Whether who looks may make and revoke tokens.
    pub may_administer: bool,
}

live_page!(DeployPage);

/// What the server offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerFacts {
    /// Files of the folder of installers: name and size in bytes.
    pub installers: Vec<(String, u64)>,
    /// Whether such a folder is set.
    pub has_folder: bool,
}

/// A token by which hosts come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its number.
    pub id: i32,
    /// What it is for.
    pub name: String,
    /// Who made it.
    pub by: Option<String>,
    /// When.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Hosts that came by it.
    pub uses: u64,
    /// How many may.
    pub max_uses: Option<u64>,
    /// How many may in a minute.
    pub per_minute: Option<u64>,
    /// When a host last came by it.
    pub last_used: Option<Timestamp>,
    /// What hosts get that come by it, in words.
    pub gets: String,
    /// Why nobody comes by it any more (`revoked`, `expired`, `used up`).
    pub ended: Option<&'static str>,
}

/// Who came in the last hour.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrivals {
    /// The latest hosts that enrolled, with when and whether they wait.
    pub hosts: Vec<(HostLink, Timestamp, bool)>,
    /// How many enrolled.
    pub enrolled: u64,
    /// How many of those wait.
    pub waiting: u64,
    /// Enrolments that were refused, the latest.
    pub refused: Vec<RefusedRow>,
    /// Versions of the agent over the fleet, with how many hosts run each.
    pub versions: Vec<(String, u64)>,
}

/// An enrolment that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Name that the host told.
    pub name: String,
    /// Where it came from.
    pub address: String,
    /// Why, as a stable word.
    pub reason: String,
    /// Name of its token, where there is such a token.
    pub token: Option<String>,
    /// When it last tried.
    pub last: Timestamp,
    /// How often it tried.
    pub times: u64,
}

impl RefusedRow {
    /// Why it was refused, and what to do.
    #[must_use]
    pub fn in_words(&self) -> &'static str {
        match self.reason.as_str() {
            "token-unknown" => "The token is mistyped, or of another server",
            "token-revoked" => "The token was revoked",
            "token-expired" => "The token has expired",
            "token-used-up" => "As many hosts as the token was made for have come",
            "token-too-fast" => "Too many hosts came by the token in a minute; it tries again",
            "host-refused" => "Somebody refused this host",
            "host-archived" => "Somebody archived this host",
            "instance-cloned" => {
                "A copy of another host's agent: delete its folder spool, restart the service"
            }
            "too-many-wait" => "Too many hosts wait for approval",
            _ => "Refused",
        }
    }
}

/// What a step holds in place of a token that nobody can be shown again.
const TOKEN: &str = "pwe_…";

impl DeployPage {
    fn headline(&self) -> String {
        let arrivals = &self.arrivals;
        if arrivals.enrolled == 0 {
            return "Make a token, choose a way, and watch the hosts arrive.".to_owned();
        }
        let enrolled = figures::counted(arrivals.enrolled, "host", "hosts");
        let refused = arrivals.refused.len() as u64;
        format!(
            "{enrolled} enrolled in the last hour; {} of them wait, {} refused.",
            figures::grouped(arrivals.waiting),
            figures::counted(refused, "was", "were"),
        )
    }

    fn token(&self) -> &str {
        self.kit.token.as_deref().unwrap_or(TOKEN)
    }

    /// The properties of the package for this server.
    fn properties(&self) -> String {
        DeployKit { token: Some(self.token().to_owned()), ..self.kit.clone() }.property_words()
    }

    fn msiexec(&self) -> String {
        format!("msiexec /i {} /qn /norestart {}", self.kit.package(), self.properties())
    }

    fn remoting(&self) -> String {
        let package = self.kit.package();
        let (more, ca) = if self.kit.has_authority {
            let copied = format!(
                "    New-Item -ItemType Directory -Force (Split-Path {CA_FILE}) | Out-Null\n    \
                 Copy-Item C:\\Windows\\Temp\\ca.pem {CA_FILE}\n"
            );
            (", ca.pem", copied)
        } else {
            ("", String::new())
        };
        format!(
            "$hosts = Get-Content hosts.txt\n\
             $sessions = New-PSSession -ComputerName $hosts\n\
             foreach ($session in $sessions) {{\n    \
                 Copy-Item {package}{more} C:\\Windows\\Temp -ToSession $session\n\
             }}\n\
             Invoke-Command -Session $sessions {{\n\
             {ca}    Start-Process msiexec -Wait -ArgumentList '/i C:\\Windows\\Temp\\{package} /qn /norestart {}'\n\
             }}",
            self.properties(),
        )
    }

    fn script_on_share(&self) -> String {
        format!(r"{}\install.cmd", self.kit.share)
    }

    fn package_on_share(&self) -> String {
        format!(r"{}\{}", self.kit.share, self.kit.package())
    }

    fn ca_file(&self) -> &'static str {
        CA_FILE
    }

    fn refused_count(&self) -> u64 {
        self.arrivals.refused.len() as u64
    }
}

impl TokenRow {
    fn may_be_revoked(&self) -> bool {
        self.ended != Some("revoked")
    }
}
