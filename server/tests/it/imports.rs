//! Evidence from machines without an agent.

use std::{fs, path::PathBuf};

use poolwatch_model::{PoolTag, person::Role};
use poolwatch_server::{
    evidence_uploads,
    import::{self, File},
};
use poolwatch_store::evidence;

use crate::server::{Server, classic, now};

const VM: &str = "\
2: kd> !vm
*** Virtual Memory Usage ***
  Physical Memory:   262012   ( 1048048 Kb)
  NonPaged Pool Usage: 52461   (  209844 Kb)
  NonPaged Pool Max:   54278   (  217112 Kb)
2: kd> !poolused 2
   Sorting by NonPaged Pool Consumed
  Pool Used:
            NonPaged            Paged
Tag    Allocs     Used    Allocs     Used
Thre   120145 76892800         0        0
File   187113 29946176         0        0
2: kd> !process 0 0
PROCESS 884e6520  SessionId: 0  Cid: 01a0    Peb: 7ffdf000  ParentCid: 0124
DirBase: 110f6000  ObjectTable: 88584448  TableSize: 90472
Image: mybadapp.exe
";

fn file(name: &str, content: impl Into<Vec<u8>>) -> File {
    File { name: name.into(), content: content.into() }
}

#[tokio::test]
async fn a_debuggers_log_becomes_a_host_that_shows_the_culprit() {
    let server = Server::start().await;
    let now = now();
    let files = [file("dump.txt", VM)];
    let imported = import::import(&server.app.pool, "FS-02", &files, now).await.unwrap();
    assert_eq!(imported.snapshots, 1);
    import::show(&server.app, imported.host, now).await.unwrap();
    let live = server.app.fleet.ensure_host(imported.host);
    let snapshot = live.snapshot().unwrap();
    let tags = snapshot.tags.unwrap();
    assert_eq!(tags.get(PoolTag::new(*b"Thre")).unwrap().nonpaged.bytes, 76_892_800);
    let processes = snapshot.processes.unwrap();
    assert_eq!(processes[0].handles, Some(90_472));
}

#[tokio::test]
async fn importing_a_file_again_changes_nothing() {
    let server = Server::start().await;
    let files = [file("dump.txt", VM)];
    let now = now();
    let first = import::import(&server.app.pool, "FS-02", &files, now).await.unwrap();
    let again = import::import(&server.app.pool, "fs-02", &files, now).await.unwrap();
    assert_eq!((again.host, again.snapshots), (first.host, 0));
    assert_eq!(server.stored_frames(first.host).await.len(), 1);
}

#[tokio::test]
async fn a_file_of_nonsense_is_kept_and_every_line_accounted_for() {
    let server = Server::start().await;
    let files = [file("shopping.txt", "milk\neggs\n"), file("empty.txt", "")];
    let imported = import::import(&server.app.pool, "X", &files, now()).await.unwrap();
    assert_eq!(imported.snapshots, 0);
    assert_eq!(imported.files[0].0.kind, None);
    assert_eq!(imported.files[0].0.ignored, 2);
    assert!(import::import(&server.app.pool, " \n", &files, now()).await.is_err());
}

#[tokio::test]
async fn a_script_posts_a_snapshot_and_reads_it_back() {
    let server = Server::start().await;
    let token = server.api_token(Role::Operator).await;
    let body = serde_json::json!({ "host": "by-script", "snapshot": classic(0) });
    let body = serde_json::to_vec(&body).unwrap();
    let response = server.post("/api/v1/snapshots", Some(&token), &body).await;
    assert_eq!(response.status(), 201);
    let viewer = server.api_token(Role::Viewer).await;
    assert_eq!(server.post("/api/v1/snapshots", Some(&viewer), &body).await.status(), 403);
    assert_eq!(server.post("/api/v1/snapshots", Some(&token), b"{\"host\":3}").await.status(), 400);
}

#[tokio::test]
async fn all_samples_and_the_texts_of_all_cases_import() {
    let shared = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !shared.is_dir() {
        println!("skipped: the sample data are not beside the checkout");
        return;
    }
    let server = Server::start().await;
    let mut hosts = 0;
    for entry in fs::read_dir(shared.join("samples")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let files = [file(&name, fs::read(entry.path()).unwrap())];
        let imported = import::import(&server.app.pool, &name, &files, now()).await.unwrap();
        assert!(imported.files[0].0.kind.is_some(), "{name}");
        hosts += 1;
    }
    for entry in fs::read_dir(shared.join("cases")).unwrap().flatten() {
        let case: serde_json::Value =
            serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
        let name = case["id"].as_str().unwrap().to_owned();
        let texts = case["evidence"].as_array().unwrap();
        let files: Vec<File> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| file(&format!("{at}.txt"), text["text"].as_str().unwrap()))
            .collect();
        let imported = import::import(&server.app.pool, &name, &files, now()).await.unwrap();
        assert!(imported.snapshots > 0, "{name} told nothing");
        let mut db = server.app.pool.acquire().await.unwrap();
        let kept = evidence::list(&mut db, imported.host).await.unwrap();
        assert_eq!(kept.len(), files.len(), "{name}");
        hosts += 1;
    }
    assert_eq!(hosts, 15);
}

#[tokio::test]
async fn texts_of_a_dead_machine_lead_to_their_culprit_on_a_page_and_are_kept_when_wanted() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    let viewer = server.api_token(Role::Viewer).await;
    let form =
        "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"<i>dump.txt\"\r\n\r\n";
    let body = format!("{form}{VM}\r\n--b--\r\n");
    let send = |token: String, body: String| {
        let request = server.client.post(format!("{}/evidence/diagnose", server.url));
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        request.bearer_auth(token).body(body).send()
    };
    assert_eq!(send(viewer.clone(), body.clone()).await.unwrap().status(), 403);
    let response = send(operator.clone(), body).await.unwrap();
    assert_eq!(response.status(), 303);
    let path = response.headers()["location"].to_str().unwrap().to_owned();
    let get = |path: String| {
        server.client.get(format!("{}{path}", server.url)).bearer_auth(&viewer).send()
    };
    let page = get(path.clone()).await.unwrap().text().await.unwrap();
    for told in ["mybadapp.exe", "90,472", "Thre", "!process", "&#60;i&#62;dump.txt"] {
        assert!(page.contains(told), "{told}");
    }
    let report = get(format!("{path}/report.json")).await.unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report.bytes().await.unwrap()).unwrap();
    assert_eq!(report["suspects"][0]["name"], "mybadapp.exe");

    let keep = |host: &'static str| {
        let request = server.client.post(format!("{}{path}/keep", server.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.bearer_auth(&operator).body(format!("host={host}")).send()
    };
    let refused = keep("+").await.unwrap();
    assert!(refused.text().await.unwrap().contains("1 to 255 bytes"));
    assert_eq!(keep("FS-02").await.unwrap().status(), 303);
    let page = get(path).await.unwrap().text().await.unwrap();
    assert!(page.contains("Kept for") && page.contains("FS-02"));
    let list = get("/evidence".into()).await.unwrap().text().await.unwrap();
    assert!(list.contains("mybadapp.exe") && list.contains("&#60;i&#62;dump.txt"));
}

#[tokio::test]
async fn an_upload_of_nonsense_is_told_so_and_an_empty_one_too() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    for (text, told) in [("milk", "Nothing in this file was understood"), (" ", "no text pasted")] {
        let part = "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n";
        let request = server.client.post(format!("{}/evidence/diagnose", server.url));
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        let request = request.bearer_auth(&operator).body(format!("{part}{text}\r\n--b--\r\n"));
        let mut response = request.send().await.unwrap();
        if let Some(path) = response.headers().get("location") {
            let url = format!("{}{}", server.url, path.to_str().unwrap());
            response = server.client.get(url).bearer_auth(&operator).send().await.unwrap();
        }
        assert!(response.text().await.unwrap().contains(told), "{told}");
    }
}

#[tokio::test]
async fn an_upload_that_is_too_large_or_too_many_is_refused_in_words() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    let part = "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\n";
    let many = format!("{part}x\r\n").repeat(101);
    let huge = format!("{part}{}\r\n", "x".repeat(evidence_uploads::BYTES));
    for (parts, status, told) in [(many, 400, "up to 100 files"), (huge, 413, "100 MB")] {
        let request = server.client.post(format!("{}/evidence/diagnose", server.url));
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        let request = request.bearer_auth(&operator).body(format!("{parts}--b--\r\n"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        let text = response.text().await.unwrap();
        assert!(text.contains(told), "{text}");
    }
}

#[tokio::test]
async fn hosts_that_scripts_make_have_an_end() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    let send = async |host: &str| {
        let body = serde_json::json!({ "host": host, "snapshot": {} }).to_string();
        server.post("/api/v1/snapshots", Some(&operator), body.as_bytes()).await.status()
    };
    assert_eq!(send("first").await, 201);
    let fill = "INSERT INTO hosts (name, facts, enrolled_at)
        SELECT 'made-' || n, '{\"fqdn\": \"x\"}', now() FROM generate_series(2, 10000) AS n";
    sqlx::query(fill).execute(&server.app.pool).await.unwrap();
    assert_eq!(send("one too many").await, 400);
    assert_eq!(send("first").await, 201, "those that are there go on");
}
