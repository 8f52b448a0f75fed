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
    assert_eq!(post(&server, &owner, "owner=test").await, StatusCode::SEE_OTHER);

    let page = get(&server, &path).await;
    assert!(page.contains("&#60;b&#62;why&#60;/b&#62;\nsecond line") && !page.contains("<b>why"));
    assert!(page.contains("<dt>Owner</dt><dd>test</dd>") && page.contains("took it over"));

    let report = get(&server, &format!("{path}/report.txt")).await;
    for words in ["mybadapp.exe", "90,472", "still gains handles", "Owner:      test", "<b>why</b>"]
    {
        assert!(report.contains(words), "{words} is not in\n{report}");
    }
    let pack: Value =
        serde_json::from_str(&get(&server, &format!("{path}/evidence.json")).await).unwrap();
    assert_eq!(pack["report"].as_str(), Some(report.as_str()));
    assert_eq!(pack["page"], format!("https://poolwatch.test{path}"));
    assert_eq!(pack["notes"][0]["what"]["owner"], "test");
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
    assert_eq!(page.matches("<b>test</b> resolved it").count(), 1, "{page}");
    assert!(page.contains("It goes on nowhere now."));

    let mut agent = server.enrol("fs-03.contoso.test").await;
    let frame = agent.frame(classic(1));
    agent.send(&[&frame]).await;
    send(&server, &agent.key, vec![event(2019, 8, now())]).await;
    let again = listed(&server).await;
    assert_eq!(format!("/incidents/{}", again[0].id.0), path);
    assert_eq!(again[0].state, IncidentState::Regressed);
    assert!(get(&server, &path).await.contains("Poolwatch</b> found it again"));
}
