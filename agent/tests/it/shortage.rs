//! A machine that gives no thread any more, as one does whose pool is empty.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{fixture::TOKEN, server::Server};

/// A user whose processes nobody else starts, for whom the limit counts.
const USER: u32 = 54_321;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The agent with so many threads as it has at its start.
fn start(folder: &Path, server_url: &str) -> Running {
    let program = folder.join("poolwatch-agent");
    fs::copy(env!("CARGO_BIN_EXE_poolwatch-agent"), &program).unwrap();
    let capture = folder.join("small.pwcap");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/small.pwcap");
    fs::copy(fixture, &capture).unwrap();
    let mut command = Command::new("bash");
    command
        .args(["-c", "ulimit -u 2; exec \"$0\" \"$@\""])
        .arg(&program)
        .args(["run", "--interval-s", "10", "--server-url", server_url, "--enroll-token", TOKEN])
        .arg("--replay")
        .arg(&capture)
        .arg("--spool-dir")
        .arg(folder.join("spool"))
        .stderr(File::create(folder.join("log")).unwrap())
        .stdout(Stdio::null());
    // Limits of threads hold for everybody but root.
    if is_root() {
        std::os::unix::fs::chown(folder, Some(USER), Some(USER)).unwrap();
        command.uid(USER).gid(USER);
    }
    Running(command.spawn().unwrap())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Looks until something is so, without holding up the server.
async fn wait_until(what: &str, log: &Path, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        let log = fs::read_to_string(log).unwrap_or_default();
        assert!(began.elapsed() < Duration::from_secs(60), "not within a minute: {what}\n{log}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_machine_without_threads_is_measured_and_what_was_measured_arrives() {
    let folder = TempDir::new().unwrap();
    let server = Server::start().await;
    let port = server.http.address().port();
    // By its name, which has to be looked up.
    let mut agent = start(folder.path(), &format!("http://localhost:{port}"));
    let log = folder.path().join("log");
    let taken = |server: &Server| server.known().snapshots.len();
    wait_until("three snapshots arrive", &log, || taken(&server) >= 3).await;
    assert!(agent.0.try_wait().unwrap().is_none(), "{}", fs::read_to_string(&log).unwrap());
    let status = fs::read_to_string(format!("/proc/{}/status", agent.0.id())).unwrap();
    assert!(status.contains("Threads:\t2"), "{status}");
}
