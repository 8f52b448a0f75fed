//! The executable as a load: what it counts and records is what the server keeps.

use std::process::Command;

use crate::server;

#[test]
fn a_load_counts_and_records_what_the_server_acknowledged() {
    let (server, kept) = server::start(3);
    let folder = std::env::temp_dir();
    let record = folder.join(format!("poolwatch-sim-{}.csv", std::process::id()));
    let output = Command::new(env!("CARGO_BIN_EXE_poolwatch-sim"))
        .args(["load", "--server", &server, "--token", "secret", "--hosts", "6", "--json"])
        .args(["--connections", "2", "--backlog", "10", "--batch", "4"])
        .args(["--interval", "0.5", "--duration", "2", "--record"])
        .arg(&record)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let recorded = std::fs::read_to_string(&record).unwrap();
    std::fs::remove_file(&record).unwrap();

    let kept = kept.lock().unwrap();
    assert_eq!(kept.hosts.len(), 6);
    assert_eq!(report["connections"]["count"], 2);
    assert_eq!(report["retries"], 3);
    assert_eq!(report["refused"], 0);
    assert_eq!(report["backlog"]["count"], 60);
    let live = &report["live"];
    let live_frames = live["acknowledged"].as_u64().unwrap();
    assert!((18..=30).contains(&live_frames), "{live}");
    let before = live["acknowledged_before"].as_u64().unwrap();

    let mut recorded: Vec<&str> = recorded.lines().skip(1).collect();
    let mut held: Vec<&str> = kept.frames.values().flatten().map(String::as_str).collect();
    recorded.sort_unstable();
    held.sort_unstable();
    assert_eq!(recorded, held);
    assert_eq!(held.len() as u64, 60 + before + live_frames);
}
