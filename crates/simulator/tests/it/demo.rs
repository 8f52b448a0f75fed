//! The executable against a server that fails at first.

use std::process::Command;

use poolwatch_simulator::Truth;

use crate::server;

#[test]
fn a_demo_sends_everything_though_the_server_fails_at_first() {
    let (server, kept) = server::start(2);
    let truth = std::env::temp_dir().join(format!("poolwatch-sim-{}.json", std::process::id()));
    let status = Command::new(env!("CARGO_BIN_EXE_poolwatch-sim"))
        .args(["demo", "--server", &server, "--token", "secret", "--hosts", "5"])
        .args(["--history-hours", "2", "--interval", "1", "--duration", "4", "--truth"])
        .arg(&truth)
        .status()
        .unwrap();
    assert!(status.success());
    let written: Truth = serde_json::from_slice(&std::fs::read(&truth).unwrap()).unwrap();
    std::fs::remove_file(&truth).unwrap();

    let kept = kept.lock().unwrap();
    assert_eq!(kept.failures, 0);
    assert!(kept.hosts.iter().all(|host| host.token == "secret"));
    let mut enrolled: Vec<_> = kept.hosts.iter().map(|host| host.instance_id).collect();
    let mut planned: Vec<_> = written.hosts.iter().map(|host| host.instance_id).collect();
    enrolled.sort_unstable();
    planned.sort_unstable();
    assert_eq!(enrolled, planned);
    // 25 of history, then one a second.
    assert!(kept.frames.values().all(|frames| frames.len() > 25));
    assert_eq!(kept.frames.len(), 5);
    assert_eq!(kept.inventories, 5);
    assert!(kept.events.contains(&2004), "{:?}", kept.events);
}
