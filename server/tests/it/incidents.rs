//! The page of an incident, and what people do there.

use poolwatch_model::{incident::IncidentState, person::Role};
use poolwatch_server::fleet::refresh::{Keeper, refresh};
use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    events::{event, incidents as listed, send},
    server::{Server, classic, now},
};

/// The classic case with its event, and the path of its incident.
async fn classic_incident(server: &Server) -> String {
    let mut agent = server.enrol("fs-02.contoso.test").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    send(server, &agent.key, vec![event(2019, 7, now())]).await;
    let (_, made) =
        refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
    made.unwrap();
    format!("/incidents/{}", listed(server).await[0].id.0)
}

async fn get(server: &Server, path: &str) -> String {
    let token = server.api_token(Role::Viewer).await;
    let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(token);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

async fn post(server: &Server, path: &str, form: &str) -> StatusCode {
    let token = server.api_token(Role::Operator).await;
    let request = server.client.post(format!("{}{path}", server.url)).bearer_auth(token);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(form.to_owned()).send().await.unwrap().status()
}

#[tokio::test]
async fn the_page_leads_from_each_fact_to_where_it_can_be_seen() {
    let server = Server::start().await;
    let path = classic_incident(&server).await;
    let page = get(&server, &path).await;
    let host = listed(&server).await[0].hosts[0];
    for words in [
        format!("href=\"/hosts/{host}?tag=Thre#tags\""),
        format!("href=\"/hosts/{host}?pid=416#processes\""),
        format!("data-lines=\"{path}/growth.json\""),
        "Poolwatch</b> found it".to_owned(),
    ] {
        assert!(page.contains(&words), "{words} is not in\n{page}");
    }
    assert!(!page.contains("<form class=\"stacked"), "a viewer may not comment");

    let growth: Value =
        serde_json::from_str(&get(&server, &format!("{path}/growth.json")).await).unwrap();
    assert_eq!((&growth["of"], &growth["hosts"][0]["name"]), (&1.into(), &"fs-02".into()));
    let last = growth["median"].as_array().unwrap().iter().rev().find(|value| !value.is_null());
    assert_eq!(last, Some(&76_892_800.into()), "the bytes of Thre");
}

#[tokio::test]
async fn comments_and_owners_are_kept_as_text_and_handed_on() {
    let server = Server::start().await;
    let path = classic_incident(&server).await;
    let comments = format!("{path}/comments");
    let sent = post(&server, &comments, "text=%3Cb%3Ewhy%3C%2Fb%3E%0D%0Asecond+line").await;
    assert_eq!(sent, StatusCode::SEE_OTHER);
    for refused in ["text=", "text=%0d%0a+", &format!("text={}", "x".repeat(4001))] {
        assert_eq!(post(&server, &comments, refused).await, StatusCode::BAD_REQUEST);
    }
    let owner = format!("{path}/owner");
    assert_eq!(post(&server, &owner, "owner=nobody+here").await, StatusCode::BAD_REQUEST);
    assert_eq!(post(&server, &owner, "owner=token+test").await, StatusCode::SEE_OTHER);

    let page = get(&server, &path).await;
    assert!(page.contains("&#60;b&#62;why&#60;/b&#62;\nsecond line") && !page.contains("<b>why"));
    assert!(
        page.contains("<dt>Owner</dt><dd>token test</dd>")
            && page.contains("assigned it to themselves")
    );

    let report = get(&server, &format!("{path}/report.txt")).await;
    for words in
        ["mybadapp.exe", "90,472", "still gains handles", "Owner:      token test", "<b>why</b>"]
    {
        assert!(report.contains(words), "{words} is not in\n{report}");
    }
    let pack: Value =
        serde_json::from_str(&get(&server, &format!("{path}/evidence.json")).await).unwrap();
    assert_eq!(pack["report"].as_str(), Some(report.as_str()));
    assert_eq!(pack["page"], format!("https://poolwatch.test{path}"));
    assert_eq!(pack["notes"][0]["what"]["owner"], "token test");
    assert_eq!(pack["events"][0]["event"]["event_id"], 2019);
    assert_eq!(pack["growth"]["hosts"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_a_person_resolves_is_over_until_it_is_seen_again() {
    let server = Server::start().await;
    let path = classic_incident(&server).await;
    let resolve = format!("{path}/resolve");
    assert_eq!(post(&server, &resolve, "").await, StatusCode::SEE_OTHER);
    assert_eq!(post(&server, &resolve, "").await, StatusCode::SEE_OTHER, "twice is once");
    assert_eq!(post(&server, "/incidents/999/resolve", "").await, StatusCode::NOT_FOUND);
    let page = get(&server, &path).await;
    assert_eq!(page.matches("<b>token test</b> resolved it").count(), 1, "{page}");
    assert!(page.contains("nothing goes on here now"));
    assert!(page.contains(">fs-02</a>"), "the host on which it was found stays: {page}");
    assert!(page.contains("<td class=\"num\">2019</td>"), "its event stays");

    let mut agent = server.enrol("fs-03.contoso.test").await;
    let frame = agent.frame(classic(1));
    agent.send(&[&frame]).await;
    send(&server, &agent.key, vec![event(2019, 8, now())]).await;
    let again = listed(&server).await;
    assert_eq!(format!("/incidents/{}", again[0].id.0), path);
    assert_eq!(again[0].state, IncidentState::Regressed);
    assert!(get(&server, &path).await.contains("Poolwatch</b> found it again"));
}

#[tokio::test]
async fn what_is_over_is_opened_again_with_its_hosts() {
    let server = Server::start().await;
    let path = classic_incident(&server).await;
    let reopen = format!("{path}/reopen");
    assert_eq!(post(&server, &reopen, "").await, StatusCode::BAD_REQUEST, "it is not over");
    assert_eq!(post(&server, &format!("{path}/resolve"), "").await, StatusCode::SEE_OTHER);
    assert_eq!(post(&server, &reopen, "").await, StatusCode::SEE_OTHER);
    let again = listed(&server).await;
    assert_eq!((again[0].state, again[0].hosts.len()), (IncidentState::Open, 1));
    assert!(get(&server, &path).await.contains("<b>token test</b> opened it again"));
}

#[tokio::test]
async fn a_person_says_whether_it_was_the_suspect() {
    let server = Server::start().await;
    let path = classic_incident(&server).await;
    let confirm = format!("{path}/confirm");
    assert_eq!(post(&server, &confirm, "right=maybe").await, StatusCode::BAD_REQUEST);
    assert_eq!(post(&server, &confirm, "right=no").await, StatusCode::SEE_OTHER);
    assert!(get(&server, &path).await.contains("<dt>Refuted</dt>"));
    assert_eq!(post(&server, &confirm, "right=yes").await, StatusCode::SEE_OTHER);
    let page = get(&server, &path).await;
    assert!(page.contains("<dt>Confirmed</dt><dd>mybadapp.exe (Thre) was it"), "{page}");
}

#[tokio::test]
async fn what_is_made_part_of_another_incident_is_found_there_from_then_on() {
    let server = Server::start().await;
    let path = classic_incident(&server).await;
    // Another host whose pool is empty, and nobody can be named.
    let mut agent = server.enrol("fs-09.contoso.test").await;
    let mut bare = classic(0);
    (bare.tags, bare.processes) = (None, None);
    let frame = agent.frame(bare);
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    send(&server, &agent.key, vec![event(2019, 70, now())]).await;
    let other = listed(&server).await.into_iter().map(|one| one.id.0).max().unwrap();
    let whole: i64 = path.rsplit('/').next().unwrap().parse().unwrap();
    assert_ne!(other, whole);

    let merge = format!("/incidents/{other}/merge");
    for refused in [format!("into={other}"), "into=999".to_owned()] {
        let status = post(&server, &merge, &refused).await;
        assert!([StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND].contains(&status), "{status}");
    }
    assert_eq!(post(&server, &merge, &format!("into={whole}")).await, StatusCode::SEE_OTHER);
    let all = listed(&server).await;
    let one = |id: i64| all.iter().find(|one| one.id.0 == id).unwrap();
    assert_eq!((one(whole).hosts.len(), one(other).state), (2, IncidentState::Resolved));
    let page = get(&server, &format!("/incidents/{other}")).await;
    assert!(page.contains(&format!("part of <a href=\"{path}\">incident {whole}</a>")), "{page}");
    assert_eq!(post(&server, &merge, &format!("into={whole}")).await, StatusCode::BAD_REQUEST);
    assert_eq!(
        post(&server, &format!("/incidents/{other}/reopen"), "").await,
        StatusCode::BAD_REQUEST,
        "a part is not opened by itself"
    );

    // The same cause, found again, goes where it was put.
    send(&server, &agent.key, vec![event(2019, 71, now())]).await;
    let all = listed(&server).await;
    assert_eq!(all.iter().filter(|one| one.state.is_active()).count(), 1);
    assert_eq!(all.iter().map(|one| one.id.0).max(), Some(whole.max(other)), "none is new");
}

#[tokio::test]
async fn incidents_are_found_by_number_and_words_and_are_files() {
    let server = Server::start().await;
    let path = classic_incident(&server).await;
    let id = path.rsplit('/').next().unwrap();
    for (query, found) in [
        (format!("q=%23{id}"), true),
        ("q=MYBADAPP".to_owned(), true),
        ("q=fs-02".to_owned(), true),
        ("q=moon".to_owned(), false),
        ("show=past".to_owned(), false),
        (format!("q={id}&show=past"), true),
    ] {
        let rows: Vec<Value> =
            serde_json::from_str(&get(&server, &format!("/incidents.json?{query}")).await).unwrap();
        assert_eq!(rows.len(), usize::from(found), "{query}");
        let page = get(&server, &format!("/incidents?{query}")).await;
        assert_eq!(page.contains(&format!("href=\"{path}\"")), found, "{query}");
    }
    let csv = get(&server, "/incidents.csv").await;
    assert!(csv.starts_with("id,state,verdict,cause,pool,tag,suspect,"), "{csv}");
    let csv = get(&server, "/events.csv").await;
    assert!(
        csv.starts_with("time,host_id,host,event_id,") && csv.contains(",fs-02,2019,"),
        "{csv}"
    );
}

#[tokio::test]
async fn the_pack_for_a_vendor_holds_a_page_charts_tables_and_snapshots() {
    let server = Server::start().await;
    let path = classic_incident(&server).await;
    let token = server.api_token(Role::Viewer).await;
    let request = server.client.get(format!("{}{path}/evidence.zip", server.url));
    let answer = request.bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/zip");
    let bytes = answer.bytes().await.unwrap().to_vec();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut text = |name: &str| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut archive.by_name(name).unwrap(), &mut text).unwrap();
        text
    };
    let page = text("index.html");
    assert!(page.contains("mybadapp.exe") && page.contains("<svg") && page.contains("raw/fs-02-"));
    assert!(text("growth.csv").starts_with("time,median_bytes,fs-02\n"));
    assert!(text("hosts.csv").contains("fs-02") && text("events.csv").contains("2019"));
    assert!(text("growth.svg").ends_with("</svg>") && text("report.txt").contains("mybadapp.exe"));
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let raw =
        names.iter().find(|name| name.starts_with("raw/fs-02-") && name.ends_with("-tags.csv"));
    let mut tags = String::new();
    let mut file = archive.by_name(raw.unwrap()).unwrap();
    std::io::Read::read_to_string(&mut file, &mut tags).unwrap();
    assert!(tags.contains("Thre,nonpaged,76892800,120145,"), "{tags}");
}
