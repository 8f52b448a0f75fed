//! The lists over the fleet: tags, programs and drivers, as pages and as files.

use poolwatch_model::{
    PoolTag, Snapshot,
    person::Role,
    process::ProcessUse,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_server::{
    app::Settings,
    fleet::{
        drivers::{self, Book},
        refresh::{Keeper, refresh},
    },
};
use serde_json::Value;

use crate::server::{Server, classic, json, now};

/// Tags that are nothing but trouble for markup, addresses and spreadsheets.
const ODD: [[u8; 4]; 5] = [*b"<b>\"", *b"..  ", *b"=1+2", [0, 0xff, b'\\', b'/'], *b"a?#%"];

pub(crate) struct Console {
    pub(crate) server: Server,
    token: String,
}

impl Console {
    pub(crate) async fn start(hosts: &[(&str, Snapshot)]) -> Self {
        Self::start_set_up(hosts, |_| ()).await
    }

    /// On a server that is set up otherwise.
    pub(crate) async fn start_set_up(
        hosts: &[(&str, Snapshot)],
        set_up: impl FnOnce(&mut Settings),
    ) -> Self {
        let server = Server::start_set_up(set_up).await;
        for (name, snapshot) in hosts {
            let mut agent = server.enrol(name).await;
            let frame = agent.frame(snapshot.clone());
            assert_eq!(agent.send(&[&frame]).await.status(), 200);
        }
        let (_, made) =
            refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
        made.unwrap();
        let token = server.api_token(Role::Viewer).await;
        Self { server, token }
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.server.url);
        self.server.client.get(url).bearer_auth(&self.token).send().await.unwrap()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    }

    async fn rows(&self, path: &str) -> Vec<Value> {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        json(response).await
    }
}

fn with_tags(rows: impl IntoIterator<Item = ([u8; 4], u64)>) -> Snapshot {
    let row = |(tag, bytes): ([u8; 4], u64)| TagUse {
        tag: PoolTag::new(tag),
        paged: TagCounters { bytes, outstanding: bytes / 64, allocs: bytes },
        nonpaged: TagCounters::default(),
    };
    let rows = rows.into_iter().map(row).collect();
    let tags = TagTable::new(AllocCounting::Wrapping32, true, rows);
    Snapshot { tags: Some(tags), ..classic(0) }
}

fn column<'a>(rows: &'a [Value], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[name].as_str().unwrap()).collect()
}

#[tokio::test]
async fn tags_are_filtered_ordered_and_exported() {
    let console = Console::start(&[
        ("a", classic(10)),
        ("b", classic(20)),
        ("c", with_tags([(*b"Zzzq", 1 << 20), (*b"MmSt", 3 << 20)])),
    ])
    .await;
    let largest = console.rows("/tags.json").await;
    assert_eq!(column(&largest, "tag"), ["Thre", "File", "MmSt", "Zzzq"]);
    assert_eq!(largest[0]["hosts"], 2);
    assert_eq!(largest[0]["sum_bytes"], 2 * 76_892_800 + 30 * 640);
    assert_eq!(largest[0]["most_host"], "b");
    assert_eq!(
        column(&console.rows("/tags.json?sort=tag&order=asc").await, "tag"),
        ["File", "MmSt", "Thre", "Zzzq"]
    );
    assert_eq!(column(&console.rows("/tags.json?pool=paged").await, "tag"), ["MmSt", "Zzzq"]);
    assert_eq!(column(&console.rows("/tags.json?known=unknown").await, "tag"), ["Zzzq"]);
    assert_eq!(column(&console.rows("/tags.json?q=thread").await, "tag"), ["Thre"]);

    let page = console.text("/tags?known=&pool=&q=").await;
    assert!(page.contains("4 tags are in use; Thre uses most: 147 MB on 2 hosts."));
    assert!(page.contains("href=\"/tags/Thre\"") && page.contains(">One thread object"));
    assert!(console.text("/tags?q=nothing-like-it").await.contains("No tag matches."));
    assert_eq!(console.get("/tags?sort=moon").await.status(), 400);
}

#[tokio::test]
async fn ten_thousand_tags_make_a_page_of_a_hundred() {
    let tag = |at: u32| {
        let [a, b] = (at as u16).to_be_bytes();
        ([b'A' + (a >> 4), b'A' + (a & 15), b'A' + (b >> 4), b'A' + (b & 15)], 4096 + u64::from(at))
    };
    // As many as one host may hold alone, and more hosts.
    let many = |first: u32| with_tags((first..10_000.min(first + 4_000)).map(tag));
    let console = Console::start(&[("a", many(0)), ("b", many(4_000)), ("c", many(8_000))]).await;
    let page = console.text("/tags?sort=sum&page=100").await;
    assert!(page.contains("9,901 to 10,000 of 10,000"), "{page}");
    assert_eq!(page.matches("<tr>").count(), 100);
    assert!(page.len() < 150_000, "{}", page.len());
    assert_eq!(console.rows("/tags.json").await.len(), 10_000);
}

#[tokio::test]
async fn odd_tags_harm_no_page_and_no_spreadsheet() {
    let console = Console::start(&[("a", with_tags(ODD.map(|tag| (tag, 1 << 20))))]).await;
    let page = console.text("/tags").await;
    assert!(!page.contains("<b>\"") && page.contains("&#60;b&#62;&#34;"));
    let csv = console.text("/tags.csv").await;
    assert!(csv.contains("\n'=1+2,paged,"), "{csv}");
}

#[tokio::test]
async fn a_tag_is_shown_over_all_its_hosts() {
    let console = Console::start(&[("a", classic(10)), ("b", classic(20))]).await;
    let page = console.text("/tags/Thre").await;
    assert!(page.contains("Thre uses 147 MB of nonpaged pool on 2 hosts, most on b with 73 MB."));
    assert!(page.contains("built-in catalogue"), "{page}");
    let hosts = console.rows("/tags/Thre/hosts.json").await;
    assert_eq!(column(&hosts, "host"), ["b", "a"]);
    assert_eq!(hosts[0]["outstanding"], 120_165);
    let hosts = console.rows("/tags/Thre/hosts.json?sort=host&order=asc").await;
    assert_eq!(column(&hosts, "host"), ["a", "b"]);
    assert!(console.rows("/tags/Thre/hosts.json?pool=paged").await.is_empty());
    assert!(console.text("/tags/Zzzq").await.contains("No host uses Zzzq now."));
    assert_eq!(console.get("/tags/much-too-long").await.status(), 404);
}

#[tokio::test]
async fn every_odd_tag_has_a_page() {
    let console = Console::start(&[("a", with_tags(ODD.map(|tag| (tag, 1 << 20))))]).await;
    for tag in ODD.map(PoolTag::new) {
        let path = poolwatch_web::links::tag(&tag);
        let page = console.text(&path).await;
        assert!(page.contains("1.0 MB of paged pool on a."), "{path}: {page}");
        assert!(!page.contains("<b>\""), "{path}");
        assert_eq!(console.rows(&format!("{path}/hosts.json")).await.len(), 1, "{path}");
    }
}

#[tokio::test]
async fn programs_are_listed_by_who_holds_most_handles() {
    let mut quiet = classic(0);
    let mut processes = quiet.processes.take().unwrap();
    let mut other = ProcessUse::new(700, None, "<i>=odd/../.exe");
    (other.handles, other.threads) = (Some(1_000), Some(12));
    processes[0].handles = Some(500);
    processes.push(other);
    quiet.processes = Some(processes);
    let console = Console::start(&[("a", classic(0)), ("b", quiet)]).await;

    let rows = console.rows("/applications.json").await;
    assert_eq!(column(&rows, "image"), ["mybadapp.exe", "<i>=odd/../.exe"]);
    assert_eq!((&rows[0]["hosts"], &rows[0]["handles"]), (&Value::from(2), &Value::from(90_972)));
    assert_eq!(
        (&rows[0]["most_handles_host"], &rows[0]["services"]),
        (&"a".into(), &"BadApp".into())
    );
    assert_eq!(rows[1]["threads"], 12);
    assert_eq!(console.rows("/applications.json?q=badapp").await.len(), 1);
    let page = console.text("/applications?sort=hosts&order=asc").await;
    assert!(
        page.contains("mybadapp.exe holds most handles in one process: 90,472 on a."),
        "{page}"
    );
    assert!(!page.contains("<i>=odd"));

    let page = console.text("/applications/mybadapp.exe").await;
    assert!(page.contains("mybadapp.exe holds 90,972 handles on 2 hosts"), "{page}");
    let hosts = console.rows("/applications/mybadapp.exe/hosts.json").await;
    assert_eq!(column(&hosts, "host"), ["a", "b"]);
    let hosts = console.rows("/applications/mybadapp.exe/hosts.json?sort=most&order=asc").await;
    assert_eq!(column(&hosts, "host"), ["b", "a"]);
    let odd = console.text(&poolwatch_web::links::application("<i>=odd/../.exe")).await;
    assert!(odd.contains("holds 1,000 handles on b.") && !odd.contains("<i>=odd"));
    assert!(console.text("/applications/gone.exe").await.contains("No host runs gone.exe now."));
}

#[tokio::test]
async fn drivers_are_listed_by_version_and_say_what_changed() {
    let console = Console::start(&[]).await;
    let server = &console.server;
    let tell = async |key: &str, name: &str, version: &str| {
        let inventory = serde_json::json!({
            "facts": { "fqdn": name },
            "inventory": { "drivers": [
                { "name": "Foo.sys", "version": version, "company": "<b>Foo</b> Corp." },
                { "name": "ntfs.sys", "version": "10.0", "company": "Microsoft Corporation" },
            ] },
        });
        let body = serde_json::to_vec(&inventory).unwrap();
        let response = server.post("/agent/v1/inventory", Some(key), &body).await;
        assert_eq!(response.status(), 200);
    };
    for (name, versions) in [("a", &["5.0", "5.1"][..]), ("b", &["5.0", "5.1"]), ("c", &["5.0"])] {
        let agent = server.enrol(name).await;
        for version in versions {
            tell(&agent.key, name, version).await;
        }
    }
    let (_, made) =
        refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
    made.unwrap();
    let (pool, fleet) = (&server.app.pool, &server.app.fleet);
    drivers::refresh(pool, fleet, &mut Book::default(), now()).await.unwrap();

    let rows = console.rows("/drivers.json").await;
    assert_eq!(column(&rows, "name"), ["foo.sys", "ntfs.sys"]);
    assert_eq!((&rows[0]["hosts"], &rows[0]["versions"]), (&3.into(), &2.into()));
    assert_eq!(
        (&rows[0]["change_in_7_days"], &rows[0]["changed_hosts"]),
        (&"5.0 → 5.1".into(), &2.into())
    );
    assert_eq!(rows[1]["change_in_7_days"], Value::Null);
    assert_eq!(column(&console.rows("/drivers.json?show=changed").await, "name"), ["foo.sys"]);
    assert_eq!(column(&console.rows("/drivers.json?q=microsoft").await, "name"), ["ntfs.sys"]);
    assert!(console.rows("/drivers.json?show=suspected").await.is_empty());
    let page = console.text("/drivers").await;
    assert!(page.contains("No driver is suspected; one changed in 7 days."));
    assert!(page.contains("5.0 → 5.1") && !page.contains("<b>Foo"));

    let page = console.text("/drivers/FOO.sys").await;
    assert!(
        page.contains("foo.sys is loaded on 3 hosts in 2 versions; no open incident suspects it.")
    );
    let hosts = console.rows("/drivers/foo.sys/hosts.json?version=5.1").await;
    assert_eq!(column(&hosts, "host"), ["a", "b"]);
    assert_eq!(
        console.rows("/drivers/foo.sys/hosts.json?sort=version&order=asc").await[0]["host"],
        "c"
    );
    assert!(console.text("/drivers/none.sys").await.contains("No host has none.sys loaded."));
}

#[tokio::test]
async fn search_finds_tags_programs_and_drivers() {
    let console = Console::start(&[("a", classic(0)), ("b", classic(0))]).await;
    let page = console.text("/search?q=thre").await;
    assert!(page.contains("href=\"/tags/Thre\""), "{page}");
    let page = console.text("/search?q=badapp").await;
    assert!(page.contains("href=\"/applications/mybadapp.exe\""), "{page}");
    assert!(page.contains("2 hosts and 1 program match “badapp”."), "{page}");
    assert!(console.text("/search?q=zzzz").await.contains("Nothing matches “zzzz”."));
}
