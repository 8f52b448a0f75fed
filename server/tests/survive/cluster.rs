//! A Postgres of our own, with its standby: initdb, pg_basebackup, promote.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions, Permissions},
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use poolwatch_store::{PgConnectOptions, PgPool, embedded::find_binaries};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;

use crate::processes;

pub(crate) const USER: &str = "poolwatch";
/// How long a standby may take to follow.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Cluster {
    binaries: PathBuf,
    folder: TempDir,
    pub(crate) address: SocketAddr,
}

impl Cluster {
    /// A new one, which runs.
    pub(crate) async fn start() -> Self {
        let cluster = Self::empty().await;
        cluster
            .run("initdb", &["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        cluster.configure("wal_level = replica\n");
        cluster.launch();
        cluster
    }

    /// A standby of another, which follows it.
    pub(crate) async fn standby_of(primary: &Self) -> Self {
        let standby = Self::empty().await;
        let port = primary.address.port().to_string();
        standby.run(
            "pg_basebackup",
            &["-h", "127.0.0.1", "-p", &port, "-U", USER, "-R", "-X", "stream", "--no-sync"],
        );
        standby.configure("");
        standby.launch();
        standby
    }

    async fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("poolwatch-cluster.").tempdir().unwrap();
        open_to_all(folder.path());
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        // Where the server's programs are links of somebody's, others stand where these lead to.
        let binaries = find_binaries().await.expect("no PostgreSQL on this machine");
        let server = fs::canonicalize(binaries.join("postgres")).unwrap();
        let binaries = server.parent().unwrap().to_owned();
        Self { binaries, folder, address: free }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Appends to its settings. What holds is what is said last.
    fn configure(&self, more: &str) {
        let path = self.data().join("postgresql.conf");
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        let port = self.address.port();
        write!(
            file,
            "\nlisten_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n\
             max_connections = 60\n{more}"
        )
        .unwrap();
    }

    fn launch(&self) {
        let log = self.folder.path().join("log");
        self.run(
            "pg_ctl",
            &[OsStr::new("start"), OsStr::new("-w"), OsStr::new("-l"), log.as_os_str()],
        );
    }

    /// Ends recovery: from now on it takes writes.
    pub(crate) fn promote(&self) {
        self.run("pg_ctl", &["promote", "-w"]);
    }

    /// Kills it whole, as a machine that loses its power.
    pub(crate) fn kill(&self) {
        self.kill_data(&self.data());
    }

    /// The same, of one that runs on other data.
    pub(crate) fn kill_data(&self, data: &Path) {
        if let Some(pid) = processes::postmaster(data) {
            let backends = processes::children(pid);
            processes::kill(pid);
            backends.into_iter().for_each(processes::kill);
        }
    }

    /// From now on a commit waits for a standby that has it on its disk.
    pub(crate) async fn wait_for_standby(&self) {
        let mut db = self.connect().await;
        let begun = Instant::now();
        let followed = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
        while sqlx::query_scalar::<_, i64>(followed).fetch_one(&mut db).await.unwrap() == 0 {
            assert!(begun.elapsed() < PATIENCE, "no standby follows");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        for set in ["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"] {
            sqlx::query(set).execute(&mut db).await.unwrap();
        }
        db.close().await.unwrap();
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.address.port())
            .username(USER)
            .database("postgres")
    }

    async fn connect(&self) -> PgConnection {
        self.options().connect().await.unwrap()
    }

    pub(crate) async fn pool(&self) -> PgPool {
        PgPool::connect_with(self.options()).await.unwrap()
    }

    /// Its address for a server that comes by way of `address`.
    pub(crate) fn url_by(address: SocketAddr) -> String {
        Self::url_of(address, "postgres")
    }

    /// The same, of another database.
    pub(crate) fn url_of(address: SocketAddr, database: &str) -> String {
        format!("postgres://{USER}@{address}/{database}")
    }

    /// Runs commands as the user that Postgres runs as, with its programs first.
    pub(crate) fn run_commands(&self, commands: &str, variables: &[(&str, String)]) {
        let path = format!("{}:{}", self.binaries.display(), std::env::var("PATH").unwrap());
        let variables = [variables, &[("PATH", path)]].concat();
        succeed(unprivileged(Path::new("/bin/bash")), commands, &variables, self.folder.path());
    }

    /// Runs one of Postgres's programs on the data, as a user that it runs as.
    fn run(&self, program: &str, arguments: &[impl AsRef<OsStr>]) {
        let mut command = unprivileged(&self.binaries.join(program));
        command.args(arguments).arg("-D").arg(self.data()).current_dir("/");
        // A server that stays must not hold the test's output open.
        let output = self.folder.path().join("output");
        let file = OpenOptions::new().create(true).append(true).open(&output).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let status = command.status().unwrap();
        assert!(status.success(), "{program}: {}", fs::read_to_string(&output).unwrap());
    }
}

/// Lets whoever a program runs as use a folder.
pub(crate) fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
}

/// Runs commands as who runs this.
pub(crate) fn run_commands(commands: &str, variables: &[(&str, String)]) {
    succeed(Command::new("/bin/bash"), commands, variables, &std::env::temp_dir());
}

fn succeed(mut bash: Command, commands: &str, variables: &[(&str, String)], folder: &Path) {
    let exports: String =
        variables.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
    // What stays must not hold the test's output open.
    let output = tempfile::NamedTempFile::new_in(folder).unwrap();
    let said = output.as_file();
    bash.args(["-eu", "-c", &format!("{exports}{commands}")]).current_dir("/");
    bash.stdout(said.try_clone().unwrap()).stderr(said.try_clone().unwrap());
    let status = bash.status().unwrap();
    let said = fs::read_to_string(output.path()).unwrap();
    assert!(status.success(), "{commands}\n{said}");
}

/// A program that does not run as root.
pub(crate) fn unprivileged(program: &Path) -> Command {
    if Path::new("/proc/self").metadata().unwrap().uid() != 0 {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}
