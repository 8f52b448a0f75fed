//! What `/metrics` tells, and who says so.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use jiff::Timestamp;
use poolwatch_model::{Bytes, HostId, Snapshot, host::HostFacts, memory::Memory};
use poolwatch_server::{
    cli::{Tls, TlsOptions},
    fleet::{
        Fleet,
        host::State,
        roster::{self, HostNames, HostTrouble},
        view::{FleetView, HostSummary},
    },
    host_metrics,
    jobs::follow_hosts,
    router, self_check,
    tls::ServerTls,
};
use poolwatch_store::hosts::Host;

use crate::{
    lists::Console,
    server::{classic, now},
};

/// Names of metrics in a text.
fn names_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c: char| !is_part(c))
        .filter(|word| {
            word.starts_with("poolwatch_") && word.matches('_').count() > 1
                || *word == "poolwatch_hosts"
                || *word == "poolwatch_connections"
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_metric_has_its_line_in_the_docs_and_files_ask_for_no_other() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let declared: BTreeSet<String> = ["server/src/metrics.rs", "server/src/host_metrics.rs"]
        .into_iter()
        .flat_map(|file| {
            let text = read(file);
            let consts = text.lines().filter(|line| line.starts_with("const "));
            consts.flat_map(names_in).collect::<Vec<_>>()
        })
        .collect();
    assert!(declared.len() > 20, "{declared:?}");
    let docs = read("docs/metrics.md");
    let lines: String = docs.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(names_in(&lines), declared);
    for file in ["deploy/prometheus/rules.yml", "deploy/grafana/poolwatch.json"] {
        let asked = names_in(&read(file));
        assert!(!asked.is_empty() && asked.is_subset(&declared), "{file}: {asked:?}");
    }
    let _: serde_json::Value =
        serde_json::from_str(&read("deploy/grafana/poolwatch.json")).unwrap();
}

/// Samples in what a server tells.
fn samples_in(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn what_rules_and_dashboard_ask_for_is_exported_by_a_server_before_anything_happens() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let own = TlsOptions { tls_cert: None, tls_key: None, tls_name: vec![], tls: Tls::SelfSigned };
    let tls = ServerTls::open(&own, folder.path(), vec![], now()).unwrap();
    let mut snapshot = classic(0);
    snapshot.memory.committed = Some(Bytes(2));
    snapshot.memory.commit_limit = Some(Bytes(3));
    let console = Console::start_set_up(&[("fs-02.corp.example", snapshot)], |settings| {
        (settings.tls, settings.data_dir) = (tls, Some(folder.path().to_owned()));
    })
    .await;
    self_check::run_checks(&console.server.app).await;
    follow_hosts::follow(&console.server.app).await.unwrap();
    let exported = samples_in(&console.text("/metrics").await);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for file in ["deploy/prometheus/rules.yml", "deploy/grafana/poolwatch.json"] {
        let text = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        for name in names_in(&text) {
            assert!(exported.contains(&name), "{file} asks for {name}: {exported:?}");
        }
    }
}

fn summary(id: i32, name: &str, snapshot: &Snapshot) -> HostSummary {
    let host = Host {
        id: HostId(id),
        instance_id: Some(uuid::Uuid::from_u128(id as u128)),
        name: name.into(),
        facts: HostFacts { fqdn: name.into(), ..HostFacts::default() },
        is_damaged: false,
        enrolled_at: Timestamp::UNIX_EPOCH,
        renamed: None,
        labels: Vec::new(),
        put_into: Vec::new(),
        note: String::new(),
    };
    let fleet = Fleet::default();
    let names = HostNames { strings: &fleet.shared().names, groups: &[] };
    let mut summary = roster::summary(
        Arc::new(host),
        &State::default(),
        names,
        HostTrouble::default(),
        (60, now()),
    );
    summary.memory = Memory { nonpaged: snapshot.memory.nonpaged, ..Memory::default() };
    summary.memory.paged = Some(Bytes(7));
    summary.received = Some(now());
    summary
}

#[test]
fn names_of_hosts_are_labels_whatever_they_hold() {
    let fleet = Fleet::default();
    let hosts = vec![Arc::new(summary(7, "a\"b\\c\nd", &classic(0)))];
    let view = FleetView { hosts, ..FleetView::default() };
    let text = host_metrics::render(&fleet, &view, now());
    let line = "poolwatch_host_pool_bytes{host=\"a\\\"b\\\\c\\nd\",host_id=\"7\",group=\"\",pool=\"paged\"} 7\n";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("poolwatch_host_reporting{") && text.contains("} 1\n"));
    assert!(!text.contains("poolwatch_host_pool_limit_bytes{"), "nothing is known of it");
    assert!(text.contains("poolwatch_hosts_without_metrics 0\n"));
}

#[test]
fn ten_thousand_hosts_take_less_than_a_second() {
    let fleet = Fleet::default();
    let snapshot = classic(0);
    let hosts =
        (1..=10_000).map(|id| Arc::new(summary(id, &format!("host-{id}.corp.example"), &snapshot)));
    let view = FleetView { hosts: hosts.collect(), ..FleetView::default() };
    let begun = Instant::now();
    let text = host_metrics::render(&fleet, &view, now());
    let took = begun.elapsed();
    assert!(took.as_millis() < 1_000, "{took:?} for {} bytes", text.len());
    assert_eq!(
        text.lines().filter(|line| line.starts_with("poolwatch_host_reporting{")).count(),
        10_000
    );
}

#[tokio::test]
async fn a_host_tells_pools_and_largest_tags_by_token_and_on_a_listener_of_its_own() {
    let console = Console::start(&[("fs-02.corp.example", classic(0))]).await;
    let text = console.text("/metrics").await;
    for line in [
        "poolwatch_host_pool_bytes{host=\"fs-02.corp.example\",host_id=\"1\",group=\"\",pool=\"nonpaged\"} 214880256",
        "poolwatch_host_tag_bytes{host=\"fs-02.corp.example\",host_id=\"1\",group=\"\",pool=\"nonpaged\",tag=\"Thre\"} 76892800",
        "poolwatch_frames_total{outcome=\"stored\"}",
    ] {
        assert!(text.contains(line), "{line}");
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = router::metrics(&console.server.app);
    tokio::spawn(async move { axum::serve(listener, metrics).await.unwrap() });
    let get = |path: &str| console.server.client.get(format!("http://{address}{path}")).send();
    let open = get("/metrics").await.unwrap().text().await.unwrap();
    assert!(open.contains("poolwatch_host_pool_bytes{"));
    assert_eq!(get("/hosts").await.unwrap().status(), 404, "nothing else");
}
