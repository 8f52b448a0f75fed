//! The program itself.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use poolwatch_agent::{capture::Capture, synthetic::small_capture};
use poolwatch_protocol::v1::messages::SnapshotUpload;
use tempfile::TempDir;

use crate::{fixture::TOKEN, server::Server};

fn capture_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/small.pwcap")
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolwatch-agent"));
    command.args(arguments);
    command
}

fn replaying(arguments: &[&str]) -> Command {
    let mut command = program(arguments);
    command.arg("--replay").arg(capture_file());
    command
}

/// Runs without holding up the server, which lives in the same thread.
async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[test]
fn the_fixture_is_what_the_example_makes() {
    let bytes = std::fs::read(capture_file()).unwrap();
    assert_eq!(Capture::parse(&bytes).unwrap(), small_capture());
    let mut made = Vec::new();
    small_capture().write(&mut made).unwrap();
    assert_eq!(made, bytes);
}

#[test]
fn a_capture_is_shown_as_poolmon_does() {
    let out = replaying(&["snapshot", "--sort", "diff"]).output().unwrap();
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    let first = text.lines().nth(5).unwrap();
    assert_eq!(
        first,
        " Thre Nonp            400000            340000        60000        130560000       2176"
    );
}

#[test]
fn a_snapshot_in_json_is_what_the_server_takes() {
    let out = replaying(&["snapshot", "--json"]).output().unwrap();
    let upload: SnapshotUpload = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(upload.host, "fs-02.example.net");
    assert_eq!(upload.snapshot.tags.unwrap().rows.len(), 7);
    assert_eq!(upload.snapshot.faults, []);
}

#[test]
fn a_capture_of_a_capture_holds_the_same_answers() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("again.pwcap");
    let again = |file: &Path| {
        let mut command = program(&["capture", "--rounds", "2", "--every", "1", "--handles"]);
        command.arg("--from").arg(capture_file()).arg(file).output().unwrap()
    };
    assert!(again(&file).status.success());
    let captured = Capture::parse(&std::fs::read(&file).unwrap()).unwrap();
    let original = small_capture();
    assert_eq!(captured.facts, original.facts);
    assert_eq!(captured.rounds.len(), 2);
    for (captured, original) in captured.rounds.iter().zip(&original.rounds) {
        assert_eq!(captured.answers, original.answers);
    }
    // A file that is there is left alone.
    assert!(!again(&file).status.success());
}

#[cfg(not(windows))]
#[test]
fn elsewhere_than_on_windows_a_capture_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("x.pwcap");
    let out = program(&["capture", file.to_str().unwrap()]).output().unwrap();
    assert!(!out.status.success());
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(text.contains("--replay FILE"), "{text}");
    assert!(!file.exists());
}

#[test]
fn top_prints_pictures_where_there_is_no_console() {
    let folder = TempDir::new().unwrap();
    let capture = folder.path().join("small.pwcap");
    let mut bytes = Vec::new();
    small_capture().write(&mut bytes).unwrap();
    std::fs::write(&capture, bytes).unwrap();
    let out = program(&["top", "--every", "1", "--count", "2", "--replay"])
        .arg(&capture)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("MmSt Page")).count(), 2, "{text}");
    // Eight threads more in the second picture.
    assert!(
        text.lines().any(|line| line.starts_with("Thre Nonp") && line.contains("+17408")),
        "{text}"
    );
}

#[test]
fn status_shows_where_each_value_comes_from_and_no_secret() {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("agent.toml");
    std::fs::write(&config, "interval_s = 30\nspool_max_mb = 1\n").unwrap();
    let out = program(&["status", "--enroll-token", "hush-hush"])
        .env("POOLWATCH_SERVER_URL", "https://pool.example.net")
        .arg("--config")
        .arg(&config)
        .arg("--spool-dir")
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    for line in [
        "server_url             command line   https://pool.example.net",
        "enroll_token           command line   (set)",
        "interval_s             settings file  30",
        "spool_max_mb           default        256",
        "Passed over: settings file: spool_max_mb is no whole number from 8 to 10240",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_restarted_agent_is_the_same_host_in_the_same_boot() {
    let server = Server::start().await;
    let folder = TempDir::new().unwrap();
    let run = || {
        let mut command = replaying(&["run", "--once", "--enroll-token", TOKEN]);
        command.arg("--server-url").arg(server.http.uri());
        command.arg("--spool-dir").arg(folder.path());
        command
    };
    for _ in 0..3 {
        let out = output(run()).await;
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    let known = server.known();
    assert_eq!(known.enrolments, 1);
    let stamps: Vec<_> = known.snapshots.iter().map(|stamped| stamped.stamp).collect();
    assert_eq!(stamps.len(), 3);
    for pair in stamps.windows(2) {
        assert_eq!(pair[0].boot, pair[1].boot);
        assert_eq!(pair[0].seq + 1, pair[1].seq);
        assert!(pair[0].uptime_ms < pair[1].uptime_ms);
    }
}

#[tokio::test]
async fn once_fails_when_the_server_is_away_and_keeps_the_snapshot() {
    let folder = TempDir::new().unwrap();
    let mut command = replaying(&["run", "--once", "--enroll-token", TOKEN]);
    command.args(["--server-url", "http://127.0.0.1:9", "--spool-dir"]).arg(folder.path());
    let out = output(command).await;
    assert!(!out.status.success());
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(text.contains("it waits in the spool"), "{text}");
    assert!(folder.path().join("00000000000000000001.seg").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_running_agent_sends_at_once_and_stops_when_told() {
    use std::time::{Duration, Instant};

    let server = Server::start().await;
    let folder = TempDir::new().unwrap();
    let mut command = replaying(&["run", "--enroll-token", TOKEN, "--interval-s", "10"]);
    command.arg("--server-url").arg(server.http.uri());
    let mut child = command.arg("--spool-dir").arg(folder.path()).spawn().unwrap();
    let began = Instant::now();
    while server.known().snapshots.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(240), "nothing arrived");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert!(status.success());
}

#[test]
fn a_selftest_of_a_capture_reports_and_gives_a_capture_without_names() {
    let folder = TempDir::new().unwrap();
    let (report, anonymous) = (folder.path().join("report.txt"), folder.path().join("a.pwcap"));
    let mut command = replaying(&["selftest", "--anonymous"]);
    command.arg("--report").arg(&report).arg("--capture").arg(&anonymous);
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = std::fs::read_to_string(&report).unwrap();
    assert_eq!(text.as_bytes(), out.stdout);
    assert!(text.contains("good           pool tags"), "{text}");
    let capture = Capture::parse(&std::fs::read(&anonymous).unwrap()).unwrap();
    assert_eq!(capture.rounds.len(), 3);
    assert_eq!(capture.facts.fqdn, "anonymous.invalid");

    let mut again = program(&["selftest", "--replay"]);
    assert!(again.arg(&anonymous).output().unwrap().status.success());
}

#[test]
fn status_names_what_cannot_be_measured() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("without.pwcap");
    let mut capture = small_capture();
    for round in &mut capture.rounds {
        round.answers.remove(&poolwatch_agent::machine::InfoClass::PoolTags);
    }
    capture.write(std::fs::File::create(&path).unwrap()).unwrap();
    let mut command = program(&["status", "--spool-dir"]);
    let out = command.arg(folder.path()).arg("--replay").arg(&path).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let line = "No pool tags: not available on this host (0xC0000225)";
    assert!(text.lines().any(|each| each == line), "{text}");
}
