//! Command line, environment and file of settings: one struct per section.

mod configuration;
mod contradictions;
mod hosts;
pub mod reference;
mod settings_file;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use poolwatch_model::person::Role;

pub use configuration::{
    Configuration, ConfigurationError, EffectiveSetting, Invocation, SettingSource, file_words,
    parse,
};
pub use hosts::{HostCommand, HostNumbers, StandingChoice};

/// The file of settings that is read where none is named, if there is one.
pub const USUAL_FILE: &str = "/etc/poolwatch/server.toml";

/// Finds out, for a fleet of Windows machines, who eats the kernel's memory pools.
#[derive(Debug, Parser)]
#[command(name = "poolwatch-server", version)]
pub struct Cli {
    /// File of settings (TOML). Options and the environment count more than it.
    #[arg(long, global = true, value_name = "FILE", env = "POOLWATCH_CONFIG", default_value = USUAL_FILE)]
    pub config: PathBuf,
    /// Log.
    #[command(flatten)]
    pub log: LogOptions,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What is logged to standard error, and how.
#[derive(Debug, Clone, Args)]
pub struct LogOptions {
    /// What is logged: a level, and levels of parts (`info,poolwatch_server=debug`).
    #[arg(
        long,
        global = true,
        help_heading = "Log",
        env = "POOLWATCH_LOG",
        default_value = "info,sqlx=warn,hyper=warn"
    )]
    pub log: String,
    /// Lines for people, or one JSON object a line for programs.
    #[arg(
        long,
        global = true,
        help_heading = "Log",
        value_enum,
        env = "POOLWATCH_LOG_FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    Serve(Box<ServeOptions>),
    /// Bring the database's schema up to date and stop.
    Migrate(DatabaseOptions),
    /// Check the configuration, or print the reference of all settings.
    Config(ConfigOptions),
    /// Ask the server of this machine whether it can serve. Ends with 0 when it can.
    Health(HealthOptions),
    /// Make users and tokens, approve hosts.
    Admin(AdminOptions),
    /// Tell what of the database cannot be read, and repair it.
    Check(CheckOptions),
    /// Import what tools printed on a machine without agent.
    Import(ImportOptions),
    /// Say what is wrong with a machine by what tools printed on it. Needs no database.
    Diagnose(DiagnoseOptions),
}

/// Which database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseOptions {
    /// A private Postgres, run from this machine's own binaries, instead of --database-url.
    #[arg(
        long,
        help_heading = "Database",
        value_enum,
        env = "POOLWATCH_DATABASE",
        conflicts_with = "database_url"
    )]
    pub database: Option<PrivateDatabase>,
    /// Address of a Postgres (`postgres://user:password@host/database`).
    #[arg(long, help_heading = "Database", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Folder for what the server keeps outside the database: keys, certificates of its own, the
    /// private Postgres.
    #[arg(
        long,
        help_heading = "Database",
        env = "POOLWATCH_DATA_DIR",
        default_value = "/var/lib/poolwatch"
    )]
    pub data_dir: PathBuf,
    /// Go on with a database that a later version of Poolwatch has migrated: `true` or `false`.
    #[arg(long, help_heading = "Database", env = "POOLWATCH_ACCEPT_LATER_SCHEMA",
        default_value_t = false, default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set)]
    pub accept_later_schema: bool,
}

/// A database that needs no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrivateDatabase {
    /// In the data folder.
    Embedded,
}

/// `serve`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct ServeOptions {
    /// Address and port to listen on.
    #[arg(long, env = "POOLWATCH_LISTEN", default_value = "0.0.0.0:8443")]
    pub listen: SocketAddr,
    /// Address under which people reach the console: links in mails, and whether cookies insist on
    /// TLS.
    #[arg(long, env = "POOLWATCH_PUBLIC_URL", default_value = "https://localhost:8443")]
    pub public_url: String,
    /// Address and port that tell /metrics to everybody who reaches them, without TLS and without a
    /// token. Without it, /metrics takes an API token.
    #[arg(long, env = "POOLWATCH_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Address of a collector that takes metrics by OTLP, protobuf over HTTP
    /// (`http://collector:4318/v1/metrics`). All that /metrics tells is pushed to it.
    #[arg(long, env = "POOLWATCH_OTLP_URL")]
    pub otlp_url: Option<String>,
    /// What lets the server in there, as `name=value`, separated by semicolons.
    #[arg(long, env = "POOLWATCH_OTLP_HEADER", value_delimiter = ';', hide_env_values = true)]
    pub otlp_header: Vec<String>,
    /// Seconds between two pushes: 5 to 3600.
    #[arg(long, env = "POOLWATCH_OTLP_EVERY_S", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(5..=3600))]
    pub otlp_every_s: u32,
    /// Folder with the agent's packages (`.msi`, `.exe`, `.mst`, `.zip`, up to 64 MB each), to be
    /// downloaded from the page Deploy agents.
    #[arg(long, env = "POOLWATCH_INSTALLERS")]
    pub installers: Option<PathBuf>,
    /// Seconds between snapshots that agents are asked for: 10 to 3600.
    #[arg(long, env = "POOLWATCH_INTERVAL_S", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(10..=3600))]
    pub interval_s: u32,
    /// Database.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsOptions,
    /// Mail.
    #[command(flatten)]
    pub mail: MailOptions,
    /// Who may have how many connections.
    #[command(flatten)]
    pub connections: ConnectionOptions,
    /// What is kept.
    #[command(flatten)]
    pub keep: KeepOptions,
    /// The identity provider that people sign in by.
    #[command(flatten)]
    pub sign_in: SignInOptions,
}

/// Who may have how many connections.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connections")]
pub struct ConnectionOptions {
    /// Connections in all. Without it, what the system's limit on open files permits.
    #[arg(long, env = "POOLWATCH_MAX_CONNECTIONS",
        value_parser = clap::value_parser!(u32).range(10..))]
    pub max_connections: Option<u32>,
    /// Connections from one address. Raise it where more agents share one (NAT).
    #[arg(long, env = "POOLWATCH_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(2..))]
    pub max_connections_per_address: u32,
    /// Addresses of proxies in front, separated by commas: their `X-Forwarded-For` tells whose
    /// request it is, and they may have more connections than others.
    #[arg(long, env = "POOLWATCH_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,
}

/// How long what is kept, at which resolution.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Retention")]
pub struct KeepOptions {
    /// Hours for which every snapshot is kept: 24 to 9600.
    /// Without it, what the console sets; 48 at first.
    #[arg(long, env = "POOLWATCH_KEEP_FULL_HOURS",
        value_parser = clap::value_parser!(u16).range(24..=9600))]
    pub keep_full_hours: Option<u16>,
    /// Days for which least, mean and greatest value per ten minutes are kept: 8 to 800. Snapshots
    /// that are older are refused. Without it, what the console sets; 30 at first.
    #[arg(long, env = "POOLWATCH_KEEP_10MIN_DAYS",
        value_parser = clap::value_parser!(u16).range(8..=800))]
    pub keep_10min_days: Option<u16>,
    /// Days for which least, mean and greatest value per hour are kept: 30 to 7300.
    /// Without it, what the console sets; 730 at first.
    #[arg(long, env = "POOLWATCH_KEEP_HOURLY_DAYS",
        value_parser = clap::value_parser!(u16).range(30..=7300))]
    pub keep_hourly_days: Option<u16>,
}

/// The identity provider that people sign in by (OpenID Connect). Without it, what the console sets.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignInOptions {
    /// Address of the provider, as it names itself (`https://login.microsoftonline.com/TENANT/v2.0`).
    #[arg(long, env = "POOLWATCH_OIDC_ISSUER", requires = "oidc_client_id")]
    pub oidc_issuer: Option<String>,
    /// As what this server is known to it. Its redirect address is /login/provider/done below
    /// --public-url.
    #[arg(long, env = "POOLWATCH_OIDC_CLIENT_ID", requires = "oidc_issuer")]
    pub oidc_client_id: Option<String>,
    /// What it shares with this server.
    #[arg(long, env = "POOLWATCH_OIDC_CLIENT_SECRET", hide_env_values = true)]
    pub oidc_client_secret: Option<String>,
    /// What it is asked for beside openid, with spaces between.
    #[arg(long, env = "POOLWATCH_OIDC_SCOPES", default_value = "email profile")]
    pub oidc_scopes: String,
    /// The claim that holds a person's groups or roles.
    #[arg(long, env = "POOLWATCH_OIDC_GROUPS_CLAIM", default_value = "groups")]
    pub oidc_groups_claim: String,
    /// What a group may do: `GROUP = operator`, or `GROUP = viewer : 3, 4` for the hosts of groups by
    /// their numbers. Several with semicolons between.
    #[arg(long, env = "POOLWATCH_OIDC_ROLES", value_delimiter = ';')]
    pub oidc_role: Vec<String>,
}

/// How to encrypt.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsOptions {
    /// Certificate chain, PEM.
    #[arg(long, env = "POOLWATCH_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key, PEM.
    #[arg(long, env = "POOLWATCH_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Further names and addresses of the server, separated by commas, that a certificate of its own
    /// is for. It always names the host of --public-url, this machine and localhost.
    #[arg(long, env = "POOLWATCH_TLS_NAME", value_delimiter = ',')]
    pub tls_name: Vec<String>,
    /// Without a certificate: make one, or leave TLS to a proxy in front.
    #[arg(long, env = "POOLWATCH_TLS", value_enum, default_value = "self-signed")]
    pub tls: Tls,
}

/// What to do without a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tls {
    /// Make an authority and a certificate of one's own in the data folder.
    SelfSigned,
    /// No TLS: only behind a proxy that does it.
    Off,
}

/// Where mail goes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Mail")]
pub struct MailOptions {
    /// Mail server (`smtp://host:25`, `smtps://user:password@host`).
    #[arg(long, env = "POOLWATCH_SMTP_URL", hide_env_values = true, requires = "mail_from")]
    pub smtp_url: Option<String>,
    /// Sign in to the mail server by OAuth2, with tokens of this address, as the sender
    /// (`https://login.microsoftonline.com/TENANT/oauth2/v2.0/token` for Exchange Online).
    #[arg(long, env = "POOLWATCH_SMTP_OAUTH_TOKEN_URL", requires = "smtp_url")]
    pub smtp_oauth_token_url: Option<String>,
    /// Number of the application that asks for tokens.
    #[arg(long, env = "POOLWATCH_SMTP_OAUTH_CLIENT_ID")]
    pub smtp_oauth_client_id: Option<String>,
    /// Secret of that application.
    #[arg(long, env = "POOLWATCH_SMTP_OAUTH_CLIENT_SECRET", hide_env_values = true)]
    pub smtp_oauth_client_secret: Option<String>,
    /// What tokens are asked for. Without it, what Exchange Online takes.
    #[arg(long, env = "POOLWATCH_SMTP_OAUTH_SCOPE")]
    pub smtp_oauth_scope: Option<String>,
    /// Sender.
    #[arg(long, env = "POOLWATCH_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// Recipients of every message, separated by commas. Others are added in the console.
    #[arg(long, env = "POOLWATCH_MAIL_TO", value_delimiter = ',')]
    pub mail_to: Vec<String>,
}

/// `admin`.
#[derive(Debug, Args)]
pub struct AdminOptions {
    /// What to do.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// What an administrator does.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make a user who may sign in. The password is read from standard input, one line.
    CreateUser {
        /// Database.
        #[command(flatten)]
        database: DatabaseOptions,
        /// E-mail address: the name to sign in with.
        #[arg(long)]
        email: String,
        /// Name shown.
        #[arg(long)]
        name: String,
        /// viewer, operator or admin.
        #[arg(long, default_value = "viewer")]
        role: Role,
        /// Read the password from this file instead.
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Make a token and print it. It is shown this once.
    CreateToken {
        /// For what.
        #[command(subcommand)]
        token: TokenCommand,
    },
    /// Do what /api/v1 can do, as an administrator and without a running server: people, tokens, groups,
    /// rules, settings, incidents. A server that runs follows within ten seconds.
    Call {
        /// Database.
        #[command(flatten)]
        database: DatabaseOptions,
        /// Address under which people reach the console, for links.
        #[arg(long, env = "POOLWATCH_PUBLIC_URL", default_value = "https://localhost:8443")]
        public_url: String,
        /// GET, POST, PUT, PATCH or DELETE.
        method: String,
        /// Path and query (/api/v1/people).
        path: String,
        /// What is sent, JSON; - reads it from standard input.
        body: Option<String>,
    },
    /// Hosts, rules that approve them, and tokens by which they come.
    #[command(flatten)]
    Hosts(HostCommand),
}

/// A token for what.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// For agents, to enrol their hosts.
    Enrolment {
        /// Database.
        #[command(flatten)]
        database: DatabaseOptions,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// Make a rule that approves its hosts. Whoever reads the token can then enrol a host.
        #[arg(long)]
        auto_approve: bool,
        /// Days until it expires.
        #[arg(long)]
        expires_days: Option<u16>,
        /// How many hosts may come by it.
        #[arg(long)]
        max_uses: Option<i32>,
        /// How many hosts may come by it in a minute.
        #[arg(long)]
        per_minute: Option<i32>,
    },
    /// For scripts, to use /api/v1.
    Api {
        /// Database.
        #[command(flatten)]
        database: DatabaseOptions,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// viewer, operator or admin.
        #[arg(long, default_value = "viewer")]
        role: Role,
        /// Days until it expires.
        #[arg(long)]
        expires_days: Option<u16>,
    },
}

/// `config`.
#[derive(Debug, Args)]
pub struct ConfigOptions {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What is done with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print each setting of `serve` with where it comes from, and what is wrong with it: settings that
    /// contradict each other, certificates, disk, database. Changes nothing.
    Check(Box<ServeOptions>),
    /// Print the reference of all settings (docs/configuration.md).
    Reference,
}

/// `health`.
#[derive(Debug, Args)]
pub struct HealthOptions {
    /// Address and port that the server listens on.
    #[arg(long, env = "POOLWATCH_LISTEN", default_value = "0.0.0.0:8443")]
    pub listen: SocketAddr,
    /// TLS.
    #[command(flatten)]
    pub tls: TlsOptions,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// Database.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// Repair what cannot be read: take it away, or make it anew of what there is.
    #[arg(long)]
    pub repair: bool,
}

/// `import`.
#[derive(Debug, Args)]
pub struct ImportOptions {
    /// Database.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// Name of the machine that the files are from.
    #[arg(long)]
    pub host: String,
    /// Files: poolmon, `!vm`, `!poolused`, `!process 0 0`, event XML, pooltag.txt.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

/// `diagnose`.
#[derive(Debug, Args)]
pub struct DiagnoseOptions {
    /// Report as JSON.
    #[arg(long)]
    pub json: bool,
    /// The administrator's own pooltag.txt, which counts more than the built-in list.
    #[arg(long, value_name = "FILE")]
    pub pooltag: Option<PathBuf>,
    /// Files and folders of one machine: poolmon once or several times, `!vm`, `!poolused`,
    /// `!process`, handle tables, Driver Verifier, events, tables and sentences.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}
