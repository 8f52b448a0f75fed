//! The server's executable, with a database of its own and no setting of this machine.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use poolwatch_store::{PgConnectOptions, testing};
use serde_json::Value;
use tempfile::TempDir;

/// How long it may take to start.
const START: Duration = Duration::from_secs(60);

/// The executable.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolwatch-server"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("POOLWATCH_CONFIG", "/dev/null");
    command
}

/// The address of a database of the tests' Postgres.
pub(crate) fn url_of(options: &PgConnectOptions) -> String {
    let (user, database) = (options.get_username(), options.get_database().unwrap());
    let socket = options.get_socket().unwrap().display();
    format!("postgres://{user}@localhost/{database}?host={socket}")
}

/// A server that runs, in a process of its own.
pub(crate) struct RunningProgram {
    folder: TempDir,
    pub(crate) address: SocketAddr,
    process: Child,
}

impl RunningProgram {
    /// Starts it with further options and waits until it is ready.
    pub(crate) async fn start(options: &[&str]) -> Self {
        let database = testing::database_options().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = program();
        command.args(["serve", "--tls", "off", "--public-url", "http://localhost"]);
        command.args(["--listen", &free.to_string(), "--database-url", &url_of(&database)]);
        command.arg("--data-dir").arg(folder.path()).args(options);
        let process = command.stdin(Stdio::null()).stderr(log).spawn().unwrap();
        let this = Self { folder, address: free, process };
        let begun = Instant::now();
        while !this.health().status.success() {
            assert!(begun.elapsed() < START, "it is not ready: {}", this.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        this
    }

    /// What `health` says of it.
    pub(crate) fn health(&self) -> std::process::Output {
        let listen = self.address.to_string();
        program().args(["health", "--tls", "off", "--listen", &listen]).output().unwrap()
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test]
async fn each_line_of_the_log_is_an_object_and_those_of_a_request_bear_its_id() {
    let mut server = RunningProgram::start(&["--log-format", "json", "--log", "info"]).await;
    let said: Value = serde_json::from_slice(&server.health().stdout).unwrap();
    assert_eq!(said["ready"], true);
    let answer = reqwest::get(format!("http://{}/api/v1/hosts", server.address)).await.unwrap();
    assert_eq!(answer.status(), 401);
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let log = server.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()));
    let refused = lines.iter().find(|line| line["span"]["id"] == id).expect(&log);
    assert_eq!(refused["message"], "Refused request");
    assert_eq!((&refused["path"], &refused["status"]), (&"/api/v1/hosts".into(), &401.into()));
    assert!(server.data().join("secrets.key").exists());
    server.kill();
    assert!(!server.health().status.success(), "nobody is there");
}
