//! The disk runs full under load, and has room again.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use poolwatch_model::HostId;

use crate::{
    check, chunks, duration,
    world::{USUAL_LOAD, World},
};

/// Room for a fresh database and some of its log, in megabytes.
const DISK_MB: u32 = 300;
/// How long the disk stays full.
const FULL_FOR: Duration = Duration::from_secs(8);

/// A small file system in memory, gone with this.
#[derive(Debug)]
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one, where that is permitted.
    pub(crate) fn mount(at: &Path) -> Option<Self> {
        let options = format!("size={DISK_MB}m,mode=711");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then(|| Self(at.to_owned()))
    }

    /// Takes all that is left. Returns the file that does.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = File::create(&path).unwrap();
        let block = vec![0_u8; 4096];
        while file.write_all(&block).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make soak run it"]
async fn what_is_acknowledged_survives_a_full_disk() {
    let mut world = World::new();
    if !world.use_small_disk() {
        println!("Skipped: mounting a small file system is not permitted here");
        return;
    }
    world.serve().await;
    let seconds = duration().as_secs();
    let load = world.load(&format!("{USUAL_LOAD} --duration {seconds}"));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let ballast = world.small_disk().fill();
    tokio::time::sleep(FULL_FOR).await;
    assert!(world.is_serving(), "the server waits for better times:\n{}", world.log());
    let health = reqwest::get(format!("{}/readyz", world.url())).await.unwrap();
    assert_eq!(health.status(), 503, "nothing can be stored");
    std::fs::remove_file(ballast).unwrap();
    let report = load.report();
    let pool = world.database().await;
    let acknowledged = check::all_is_there(&pool, &world.record()).await;
    let hosts: Vec<HostId> = check::hosts(&world.record()).into_iter().step_by(10).collect();
    chunks::make(&pool, &hosts).await;
    assert!(chunks::say_what_frames_said(&pool, &hosts).await > 0);
    println!(
        "all {acknowledged} acknowledged frames are there; {} uploads were sent again",
        report["retries"]
    );
    assert!(report["retries"].as_u64().unwrap() > 0, "the disk was full");
    assert!(acknowledged > 100);
    assert_eq!(report["refused"], 0);
}
