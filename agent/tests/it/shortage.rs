//! A machine that gives no thread any more, as one does whose pool is empty.

use std::{
    fs::{self, File},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
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

/// Starts the agent, which gets no thread any more after those that it makes at its start.
async fn start(folder: &Path, server_url: &str) -> Running {
    let program = folder.join("poolwatch-agent");
    fs::copy(env!("CARGO_BIN_EXE_poolwatch-agent"), &program).unwrap();
    let capture = folder.join("small.pwcap");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/small.pwcap");
    fs::copy(fixture, &capture).unwrap();
    // Root is given threads beyond every limit; a user without other processes exactly so many.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let limit = if is_root { "ulimit -u 2; " } else { "" };
    let mut command = Command::new("bash");
    command
        .args(["-c", &format!("{limit}exec \"$0\" \"$@\"")])
        .arg(&program)
        .args(["run", "--interval-s", "10", "--server-url", server_url, "--enroll-token", TOKEN])
        .arg("--replay")
        .arg(&capture)
        .arg("--spool-dir")
        .arg(folder.join("spool"))
        .stderr(File::create(folder.join("log")).unwrap())
        .stdout(Stdio::null());
    if is_root {
        chown(folder, Some(USER), Some(USER)).unwrap();
        command.uid(USER).gid(USER);
    }
    let agent = Running(command.spawn().unwrap());
    if !is_root {
        let log = folder.join("log");
        let has_started = || fs::read_to_string(&log).is_ok_and(|log| log.contains("Started"));
        wait_until("it starts", &log, has_started).await;
        let pid = agent.0.id().to_string();
        let limited = Command::new("prlimit").args(["--pid", &pid, "--nproc=1:1"]).status();
        assert!(limited.unwrap().success());
    }
    agent
}

/// Looks until something is so, without holding up the server.
async fn wait_until(what: &str, log: &Path, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        let log = fs::read_to_string(log).unwrap_or_default();
        assert!(began.elapsed() < Duration::from_secs(240), "it never came: {what}\n{log}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_machine_without_threads_is_measured_and_what_was_measured_arrives() {
    let folder = TempDir::new().unwrap();
    let server = Server::start().await;
    let port = server.http.address().port();
    // By its name, which has to be looked up.
    let mut agent = start(folder.path(), &format!("http://localhost:{port}")).await;
    let log = folder.path().join("log");
    let taken = |server: &Server| server.known().snapshots.len();
    wait_until("three snapshots arrive", &log, || taken(&server) >= 3).await;
    assert!(agent.0.try_wait().unwrap().is_none(), "{}", fs::read_to_string(&log).unwrap());
    let status = fs::read_to_string(format!("/proc/{}/status", agent.0.id())).unwrap();
    assert!(status.contains("Threads:\t2"), "{status}");
}
