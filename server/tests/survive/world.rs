//! A server with its private Postgres, and a load on it: the real executables.

use std::{
    fs::{self, File, Permissions},
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use poolwatch_model::host::HostFacts;
use poolwatch_protocol::v1::messages::{EnrolReply, EnrolRequest};
use poolwatch_store::{
    PgPool,
    embedded::{Durability, Embedded},
};
use serde::Serialize;
use tempfile::TempDir;

use crate::{disk::SmallDisk, processes};

/// A program, beside the server of this build or where `SURVIVE_PROGRAMS` says.
pub(crate) fn program(name: &str) -> PathBuf {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_poolwatch-server"));
    let program = match std::env::var_os("SURVIVE_PROGRAMS") {
        Some(folder) => Path::new(&folder).join(name),
        None => built.with_file_name(name),
    };
    assert!(program.exists(), "build {} first", program.display());
    program
}

/// How long a server may take to start, recovery of its database included.
const START: Duration = Duration::from_secs(120);

/// What most stories are told beside: 100 uploads a second.
pub(crate) const USUAL_LOAD: &str = "--hosts 50 --interval 0.5 --connections 20";

pub(crate) struct World {
    /// Before the folder that it is mounted in.
    disk: Option<SmallDisk>,
    folder: TempDir,
    address: String,
    mail: Option<SocketAddr>,
    /// Another database than its private one.
    database_url: Option<String>,
    server: Option<Child>,
}

impl World {
    /// A folder of its own, in which nothing runs yet.
    pub(crate) fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::Builder::new().prefix("poolwatch-survive.").tempdir().unwrap();
        // The private Postgres of a server started as root runs as another user.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::set_permissions(folder.path().join("data"), Permissions::from_mode(0o711)).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self {
            disk: None,
            folder,
            address: free.to_string(),
            mail: None,
            database_url: None,
            server: None,
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Gives it a small disk for its data, where that is permitted. Returns whether it is.
    pub(crate) fn use_small_disk(&mut self) -> bool {
        self.disk = SmallDisk::mount(&self.data());
        self.disk.is_some()
    }

    /// Lets it send its mails to a mail server.
    pub(crate) fn mail_to(&mut self, address: SocketAddr) {
        self.mail = Some(address);
    }

    /// Gives it another database than its private one.
    pub(crate) fn use_database(&mut self, url: String) {
        self.database_url = Some(url);
    }

    /// Its address for agents.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.parse().unwrap()
    }

    /// Enrols a host and gives its key.
    pub(crate) async fn enrol_host(&self, name: &str) -> String {
        let enrolment = EnrolRequest {
            token: self.enrolment_token(),
            instance_id: uuid::Uuid::new_v4(),
            facts: HostFacts { fqdn: name.into(), ..HostFacts::default() },
            versions: vec![1],
            labels: Vec::new(),
        };
        let enrolled = self.post("/agent/v1/enrol", None, &enrolment).await;
        serde_json::from_slice::<EnrolReply>(&enrolled).unwrap().host_key
    }

    /// Posts JSON, which has to be taken.
    pub(crate) async fn post(
        &self,
        path: &str,
        key: Option<&str>,
        message: &impl Serialize,
    ) -> Vec<u8> {
        let request = reqwest::Client::new()
            .post(format!("{}{path}", self.url()))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(message).unwrap());
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let response = request.send().await.unwrap().error_for_status().unwrap();
        response.bytes().await.unwrap().to_vec()
    }

    /// The most memory that the server has had so far.
    pub(crate) fn server_peak_mb(&self) -> u64 {
        let pid = self.server.as_ref().unwrap().id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().split(' ').next().unwrap().parse::<u64>().unwrap() / 1024
    }

    pub(crate) fn small_disk(&self) -> &SmallDisk {
        self.disk.as_ref().unwrap()
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.folder.path().join("record.csv")
    }

    /// Starts the server, again when it ends before it serves, and waits until it does.
    pub(crate) async fn serve(&mut self) {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < START, "the server does not start:\n{}", self.log());
            if let Some(server) = &mut self.server
                && server.try_wait().unwrap().is_none()
            {
                if tokio::net::TcpStream::connect(&self.address).await.is_ok() {
                    return;
                }
            } else {
                self.server = Some(self.spawn_server());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn spawn_server(&self) -> Child {
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = Command::new(program("poolwatch-server"));
        command.arg("serve");
        if let Some(mail) = self.mail {
            command.args(["--smtp-url", &format!("smtp://{mail}")]).args([
                "--mail-from",
                "poolwatch@example.com",
                "--mail-to",
                "ops@example.com",
            ]);
        }
        command
            .args(["--tls", "off", "--listen", &self.address])
            // All come from this machine.
            .args(["--public-url", "http://localhost", "--max-connections-per-address", "4096"])
            .args(self.database_options())
            .env_remove("DATABASE_URL")
            .env("POOLWATCH_CONFIG", "/dev/null")
            .env(
                "POOLWATCH_LOG",
                "warn,poolwatch_server::jobs=info,poolwatch_server::database=info",
            )
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn database_options(&self) -> Vec<std::ffi::OsString> {
        let mut options: Vec<std::ffi::OsString> = match &self.database_url {
            Some(url) => vec!["--database-url".into(), url.into()],
            None => vec!["--database".into(), "embedded".into()],
        };
        options.extend(["--data-dir".into(), self.data().into()]);
        options
    }

    /// Whether the server runs.
    pub(crate) fn is_serving(&mut self) -> bool {
        self.server.as_mut().is_some_and(|server| server.try_wait().unwrap().is_none())
    }

    pub(crate) fn kill_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Tells the server to stop and waits until it has. Returns whether all went well.
    pub(crate) fn stop_server(&mut self) -> bool {
        let mut server = self.server.take().unwrap();
        let pid = server.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        server.wait().unwrap().success()
    }

    /// The process id of its Postgres, while it runs.
    pub(crate) fn postmaster(&self) -> Option<u32> {
        processes::postmaster(&self.data().join("postgres/data"))
    }

    /// A token that lets hosts in at once.
    pub(crate) fn enrolment_token(&self) -> String {
        self.token(&["enrolment", "--auto-approve"])
    }

    /// A token that reads.
    pub(crate) fn api_token(&self) -> String {
        self.token(&["api"])
    }

    fn token(&self, which: &[&str]) -> String {
        let made = Command::new(program("poolwatch-server"))
            .args(["admin", "create-token"])
            .args(which)
            .args(["--name", "load"])
            .args(self.database_options())
            .env_remove("DATABASE_URL")
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// Starts a load and waits until its hosts are enrolled. It ends by itself.
    pub(crate) fn load(&self, arguments: &str) -> Load {
        let mut process = Command::new(program("poolwatch-sim"))
            .args(["load", "--json", "--server", &self.url()])
            .args(["--token", &self.enrolment_token()])
            .arg("--record")
            .arg(self.record())
            .args(arguments.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut said: Vec<String> = Vec::new();
        while !said.last().is_some_and(|line| line.contains("Enrolled hosts")) {
            said.push(lines.next().unwrap_or_else(|| panic!("the load ended: {said:?}")));
        }
        // A pipe that nobody reads would stop it.
        let said = std::thread::spawn(move || said.into_iter().chain(lines).collect());
        Load { process, said }
    }

    /// Connections to its database, which is started when it does not run.
    pub(crate) async fn database(&self) -> PgPool {
        let folder = self.data().join("postgres");
        let embedded = Embedded::start(&folder, Durability::Full).await.unwrap();
        PgPool::connect_with(embedded.options()).await.unwrap()
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill_server();
        if let Some(pid) = self.postmaster() {
            processes::kill(pid);
        }
        if std::thread::panicking() {
            eprintln!("The server's log:\n{}", self.log());
        }
    }
}

/// A load on the server.
pub(crate) struct Load {
    process: Child,
    said: JoinHandle<Vec<String>>,
}

impl Load {
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Its figures, once it has ended.
    pub(crate) fn report(self) -> serde_json::Value {
        let output = self.process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", self.said.join().unwrap().join("\n"));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}
