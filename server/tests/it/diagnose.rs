//! `poolwatch-server diagnose` as people run it: the real program on real files.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const VM: &str = "2: kd> !vm
*** Virtual Memory Usage ***
 Physical Memory:      524141 (   2096564 Kb)
 Available Pages:      316354 (   1265416 Kb)
 NonPagedPool Usage:    52461 (    209844 Kb)
 NonPagedPool Max:      54278 (    217112 Kb)
 ********** Excessive NonPaged Pool Usage *****
 PagedPool Usage:       12000 (     48000 Kb)
 PagedPool Maximum:     88064 (    352256 Kb)
";
const POOLUSED: &str = "2: kd> !poolused 2
   Sorting by NonPaged Pool Consumed
  Pool Used:
            NonPaged            Paged
 Tag    Allocs     Used    Allocs     Used
 Thre   120145 76892800         0        0\tThread objects , Binary: nt!ps
 File   187113 29946176         0        0\tFile objects
 AfdE    89683 25828704         0        0\tAfd endpoint structure , Binary: afd.sys
 TCPT    41888 18765824         0        0\tTCP/IP network protocol , Binary: TCP
";
const PROCESS: &str = "2: kd> !process 0 0
**** NT ACTIVE PROCESS DUMP ****
PROCESS 8a1a9a20  SessionId: none  Cid: 0004    Peb: 00000000  ParentCid: 0000
    DirBase: 0acc0020  ObjectTable: e1001e08  HandleCount: 1500.
    Image: System

PROCESS 884e6520  SessionId: 0  Cid: 01a0    Peb: 7ffdf000  ParentCid: 0124
    DirBase: 110f6000  ObjectTable: 88584448  HandleCount: 90472.
    Image: mybadapp.exe
";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("poolwatch-{name}-{}", std::process::id()));
        let _absent = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        for (name, text) in files {
            fs::write(path.join(name), text).unwrap();
        }
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_poolwatch-server"))
        .arg("diagnose")
        .args(arguments)
        .output()
        .unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = run(&[&["--json"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_classic_texts_lead_to_thread_objects_and_mybadapp() {
    let folder = Folder::new(
        "classic",
        &[("1-vm.txt", VM), ("2-poolused.txt", POOLUSED), ("3-process.txt", PROCESS)],
    );
    let report = json(&[folder.0.to_str().unwrap()]);
    assert_eq!(report["verdict"], "exhausted");
    assert_eq!(report["pool"], "nonpaged");
    let first = &report["suspects"][0];
    assert_eq!((&first["kind"], &first["name"]), (&"process".into(), &"mybadapp.exe".into()));
    assert_eq!(first["tags"][0], "Thre");
    assert!(first["confidence"].as_f64().unwrap() > 0.8, "{first}");
    let because = first["because"].to_string();
    assert!(because.contains("90,472") && because.contains("thread"), "{because}");
    assert!(!first["evidence"].as_array().unwrap().is_empty());
    assert_eq!(report["tags"][0]["tag"], "Thre");
    assert_eq!(report["tags"][0]["outstanding"], 120_145);
    assert_eq!(report["tags"][0]["bytes"], 76_892_800);
    assert!(report["tags"][0]["owner_candidates"].as_array().unwrap().contains(&"nt!ps".into()));
    let methods: Vec<u64> = report["next_steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["method"].as_u64().unwrap())
        .collect();
    assert!(methods.is_sorted() && methods.iter().all(|method| (1..=4).contains(method)));

    let screen = String::from_utf8(run(&[folder.0.to_str().unwrap()]).stdout).unwrap();
    assert!(screen.starts_with("EXHAUSTED, nonpaged pool\n"), "{screen}");
    assert!(screen.contains("mybadapp.exe") && screen.contains("90,472"), "{screen}");
    assert!(screen.lines().count() < 60, "{screen}");
}

#[test]
fn a_loop_of_captures_is_a_series_and_its_tag_leaks() {
    let capture = |hour: u64| {
        let (leaked, cached) = (40_000 * (hour + 1), 9_000 + hour % 3);
        format!(
            "2024-03-01 {hour:02}:00:00\n Tag  Type  Allocs  Frees  Diff  Bytes  Per Alloc\n \
             Fooo Nonp {leaked} 0 {leaked} {} 4096\n MmSt Paged 90000 {} {cached} {} 1024\n",
            leaked * 4096,
            90_000 - cached,
            cached * 1024
        )
    };
    let text: String = (0..12).map(capture).collect();
    let folder = Folder::new("series", &[("poolmon.log", &text)]);
    let report = json(&[&folder.path("poolmon.log")]);
    assert_eq!((&report["verdict"], &report["pool"]), (&"leak".into(), &"nonpaged".into()));
    assert_eq!(report["tags"][0]["tag"], "Fooo");
    assert_eq!(report["suspects"][0]["name"], Value::Null, "nobody knows whose it is");

    let list =
        "rem ours\nFooo - foo.sys - packet buffers\nBarr - bar.sys - x\nBazz - baz.sys - x\n";
    fs::write(folder.path("pooltag.txt"), list).unwrap();
    let report = json(&["--pooltag", &folder.path("pooltag.txt"), &folder.path("poolmon.log")]);
    assert_eq!(report["suspects"][0]["name"], "foo.sys", "{report}");
    assert_eq!(report["tags"][0]["meaning"], "packet buffers");
}

#[test]
fn a_table_that_is_cut_off_accuses_nobody_for_sure() {
    let cut = &POOLUSED[..POOLUSED.find("25828704").unwrap()];
    let folder = Folder::new("cut", &[("all.txt", &[VM, PROCESS, cut].concat())]);
    let report = json(&[&folder.path("all.txt")]);
    for suspect in report["suspects"].as_array().unwrap() {
        assert!(suspect["confidence"].as_f64().unwrap() <= 0.6, "{suspect}");
    }
    let ignored = report["ignored"].as_array().unwrap();
    assert!(ignored.iter().any(|one| one["reason"] == "cut off"), "{ignored:?}");
    assert!(ignored.iter().all(|one| one["line"].as_u64() > Some(0)));
}

#[test]
fn files_that_tell_nothing_are_told_so_with_status_2() {
    let folder = Folder::new("nothing", &[("a.txt", "hello\nworld\n"), ("b.bin", "\u{1}\u{2}")]);
    let output = run(&[folder.0.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("Nothing in these 2 files was understood"), "{told}");
    assert!(told.contains("a.txt: line 1: not understood"), "{told}");
    assert!(told.contains("Get-Process"), "how to get what was looked for: {told}");
    let output = run(&["--json", folder.0.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "insufficient_evidence");
    assert_eq!(run(&[&folder.path("none.txt")]).status.code(), Some(1));
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let folder = Folder::new("pipe", &[("vm.txt", VM)]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_poolwatch-server"))
        .args(["diagnose", &folder.path("vm.txt")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
