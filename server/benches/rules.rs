//! What a look of rules costs: a hundred rules of all kinds that look at hosts, over a hundred thousand
//! hosts that run a hundred programs each, two in a hundred of which reach a threshold. They look every
//! 30 s; a tenth of a core is 3 s. Processor time of this process, all its threads.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

#[path = "measured/app.rs"]
mod measured;

use std::{fs, sync::Arc, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    BootId, Bytes, HostId, Snapshot,
    alerting::{AlertRule, HostScope, RuleScope, RuleSetting, ScopeRole},
    host::{Arch, HostFacts, OsVersion},
    memory::Memory,
    process::ProcessUse,
};
use poolwatch_protocol::v1::{Encoder, Envelope, Stamp, frame::decompress};
use poolwatch_server::{
    app::App,
    fleet::{
        roster::{self, HostNames, HostTrouble},
        view::FleetView,
    },
    jobs::watch_rules::RuleWatcher,
};
use poolwatch_store::{alert_rules, hosts::Host, testing};
use uuid::Uuid;

use self::measured::start_app;

const HOSTS: i32 = 100_000;
const PROGRAMS: u32 = 100;
const RULES: usize = 100;
/// Of so many hosts one reaches a threshold.
const REACHES: i32 = 50;
/// After what hosts sent, rules look.
const LATER: SignedDuration = SignedDuration::from_secs(30);

fn begun() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn snapshot(is_full: bool) -> Snapshot {
    let processes = (0..PROGRAMS).map(|pid| {
        let mut process = ProcessUse::new(pid * 4 + 8, None, format!("program{pid}.exe"));
        process.handles = Some(if is_full { 9_000 } else { 300 } + pid);
        process
    });
    Snapshot {
        memory: Memory {
            nonpaged: Some(Bytes(if is_full { 95 } else { 20 } << 20)),
            nonpaged_limit: Some(Bytes(100 << 20)),
            committed: Some(Bytes(if is_full { 97 } else { 60 } << 30)),
            commit_limit: Some(Bytes(100 << 30)),
            ..Memory::default()
        },
        processes: Some(processes.collect()),
        ..Snapshot::default()
    }
}

fn host(id: i32) -> Host {
    let name = format!("web-{id:06}.corp.example");
    let os = OsVersion {
        major: 10,
        minor: 0,
        build: 17_763,
        revision: 0,
        product: "Windows Server 2019 Standard".into(),
        arch: Arch::X64,
    };
    Host {
        id: HostId(id),
        instance_id: Some(Uuid::from_u128(id as u128)),
        facts: HostFacts { fqdn: name.clone(), os: Some(os), ..HostFacts::default() },
        name,
        is_damaged: false,
        enrolled_at: begun(),
        renamed: None,
        labels: Vec::new(),
        put_into: Vec::new(),
        note: String::new(),
    }
}

/// Fills the fleet's memory and its view.
fn fill(app: &App) {
    let stamp = Stamp { boot: BootId(Uuid::nil()), seq: 1, uptime_ms: 60_000, wall: begun() };
    let frames = [false, true]
        .map(|is_full| decompress(&Encoder::default().encode(stamp, snapshot(is_full))).unwrap());
    let names = HostNames { strings: &app.fleet.shared().names, groups: &[] };
    let hosts = (1..=HOSTS).map(|id| {
        let envelope = Envelope::parse(&frames[usize::from(id % REACHES == 0)]).unwrap();
        let live = app.fleet.ensure_host(HostId(id));
        live.apply(&envelope, begun(), begun()).unwrap();
        let (state, trouble) = (live.read(), HostTrouble::default());
        Arc::new(roster::summary(Arc::new(host(id)), &state, names, trouble, (60, begun())))
    });
    let hosts = hosts.collect();
    app.fleet.publish(FleetView { at: Some(begun()), hosts, ..FleetView::default() });
}

/// A hundred rules: those that come with Poolwatch, and others of the kinds that look at hosts, for some
/// hosts or a program each.
async fn set_rules(app: &App) {
    let mut db = app.pool.acquire().await.unwrap();
    let kinds = [
        AlertRule::LowHeadroom,
        AlertRule::LowCommit,
        AlertRule::ManyHandles,
        AlertRule::HostSilent,
        AlertRule::DataLate,
        AlertRule::ProgramHandles,
    ];
    for number in AlertRule::ALL.len()..RULES {
        let rule = kinds[number % kinds.len()];
        let scope = RuleScope {
            hosts: HostScope { group: None, pattern: Some(format!("web-*{}.*", number % 10)) },
            system: (number % 2 == 0).then(|| "*2019*".to_owned()),
            role: Some(ScopeRole::Server),
        };
        let setting = RuleSetting {
            name: format!("{}-{number}", rule.as_str()),
            is_on: true,
            minutes: 0,
            program: rule.is_about_a_program().then(|| format!("program{}.exe", number % 100)),
            scope,
            ..RuleSetting::default_of(rule)
        };
        assert!(alert_rules::set(&mut db, &setting, "bench", begun()).await.unwrap());
    }
    assert_eq!(alert_rules::load(&mut db).await.unwrap().len(), RULES);
}

/// What all threads of this process used of the processor, in steps of 10 ms.
fn processor_time() -> Duration {
    let told = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = told.rsplit_once(") ").unwrap();
    let ticks = |field: usize| fields.split(' ').nth(field).unwrap().parse::<u64>().unwrap();
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn rules(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let app = runtime.block_on(async {
        let app = start_app(testing::database().await.unwrap());
        set_rules(&app).await;
        app
    });
    fill(&app);
    let mut watcher = RuleWatcher::default();
    // At one moment: no host falls silent.
    let mut look = |times: u64| {
        let used = processor_time();
        for _ in 0..times {
            runtime.block_on(watcher.look(&app, begun() + LATER)).unwrap();
        }
        processor_time() - used
    };
    println!("the first look, which writes down what this hour's were, takes {:?}", look(1));
    assert_eq!(app.rule_failures.list(), Vec::<String>::new());
    criterion.bench_function("100 rules look at 100,000 hosts (processor time)", |bencher| {
        bencher.iter_custom(&mut look);
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(20));
    targets = rules
}
criterion_main!(benches);
