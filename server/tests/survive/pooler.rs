//! PgBouncer between server and Postgres, in session mode, and killed under load.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    check,
    cluster::{self, Cluster},
    duration, processes,
    world::{USUAL_LOAD, World},
};

/// Where Debian has it, beside `PATH`.
const PROGRAM: &str = "/usr/sbin/pgbouncer";
/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it is away.
const AWAY: Duration = Duration::from_secs(1);

struct Pooler {
    folder: TempDir,
    address: SocketAddr,
    process: Child,
}

impl Pooler {
    async fn start(postgres: &Cluster) -> Self {
        let folder = tempfile::Builder::new().prefix("poolwatch-pooler.").tempdir().unwrap();
        cluster::open_to_all(folder.path());
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let users = folder.path().join("users");
        fs::write(&users, format!("\"{}\" \"\"\n", cluster::USER)).unwrap();
        // As docs/deployment.md says it has to be.
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
             pool_mode = session\nignore_startup_parameters = extra_float_digits\n\
             default_pool_size = 40\n",
            postgres.address.port(),
            free.port(),
            users.display()
        );
        fs::write(Self::settings(folder.path()), settings).unwrap();
        let process = Self::launch(folder.path());
        let pooler = Self { folder, address: free, process };
        pooler.listens().await;
        pooler
    }

    fn settings(folder: &Path) -> PathBuf {
        folder.join("pgbouncer.ini")
    }

    fn launch(folder: &Path) -> Child {
        let mut command = cluster::unprivileged(Path::new(PROGRAM));
        command.arg("--quiet").arg(Self::settings(folder)).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap_or_else(|error| panic!("tools/setup.sh installs {PROGRAM}: {error}"))
    }

    async fn listens(&self) {
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            assert!(begun.elapsed() < PATIENCE, "PgBouncer does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn kill(&mut self) {
        // Behind the program that gives up root's rights, where there is one.
        processes::children(self.process.id()).into_iter().for_each(processes::kill);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    async fn restart(&mut self) {
        self.kill();
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(self.address).await.is_ok() {
            assert!(begun.elapsed() < PATIENCE, "PgBouncer does not die");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(AWAY).await;
        self.process = Self::launch(self.folder.path());
        self.listens().await;
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make soak run it"]
async fn what_is_acknowledged_survives_kills_of_a_pooler_in_session_mode() {
    let postgres = Cluster::start().await;
    let mut pooler = Pooler::start(&postgres).await;
    let mut world = World::new();
    world.use_database(Cluster::url_by(pooler.address));
    world.serve().await;
    let seconds = duration().as_secs();
    let mut load = world.load(&format!("{USUAL_LOAD} --duration {seconds}"));
    let mut kills = 0;
    while !load.has_ended() {
        tokio::time::sleep(Duration::from_secs(6)).await;
        pooler.restart().await;
        kills += 1;
    }
    assert!(world.is_serving(), "{}", world.log());
    let report = load.report();
    let acknowledged = check::all_is_there(&postgres.pool().await, &world.record()).await;
    println!(
        "{kills} kills of PgBouncer: all {acknowledged} acknowledged frames are there; {} uploads \
         were sent again",
        report["retries"]
    );
    assert!(acknowledged > 100);
    assert_eq!(report["refused"], 0);
}
