//! What people say of tags: kept, shown, exported, and heeded by the judgement.

use poolwatch_analysis::catalogue::Source;
use poolwatch_model::{PoolTag, person::Role};
use poolwatch_server::tag_names;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{self, Server};

async fn post(server: &Server, path: &str, role: Role, body: String) -> reqwest::Response {
    let token = server.api_token(role).await;
    let request = server.client.post(format!("{}{path}", server.url)).bearer_auth(token);
    request.header("content-type", "application/json").body(body).send().await.unwrap()
}

async fn note(server: &Server, note: Value) -> StatusCode {
    post(server, "/api/v1/tag-notes", Role::Operator, note.to_string()).await.status()
}

async fn get(server: &Server, path: &str) -> reqwest::Response {
    let token = server.api_token(Role::Viewer).await;
    server.client.get(format!("{}{path}", server.url)).bearer_auth(token).send().await.unwrap()
}

fn tag(text: &str) -> PoolTag {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_note_names_a_tag_until_it_is_taken_away_and_is_exported_as_pooltag_txt() {
    let server = Server::start().await;
    let said = json!({"tag": "Fooo", "owner": "foo.sys", "meaning": "buffers\r\nof - foo"});
    assert_eq!(note(&server, said.clone()).await, 204);
    assert_eq!(
        post(&server, "/api/v1/tag-notes", Role::Viewer, said.to_string()).await.status(),
        403
    );
    let catalogue = server.app.tag_names.catalogue();
    assert_eq!(catalogue.describe(tag("Fooo")).map(|told| told.source), Some(Source::Note));
    assert_eq!(catalogue.named_driver(tag("Fooo")), Some("foo.sys"));

    let text = get(&server, "/api/v1/pooltag.txt").await.text().await.unwrap();
    assert_eq!(text, "rem Tags named in Poolwatch\r\nFooo - foo.sys - buffers of foo\r\n");
    let all: Value = server::json(get(&server, "/api/v1/tag-notes").await).await;
    assert_eq!((&all[0]["source"], &all[0]["by"]), (&json!("note"), &json!("token test")));

    assert_eq!(note(&server, json!({"tag": "Fooo"})).await, 204);
    assert_eq!(server.app.tag_names.catalogue().describe(tag("Fooo")), None);
}

#[tokio::test]
async fn an_imported_list_is_known_after_a_restart_and_notes_count_more() {
    let server = Server::start().await;
    let list = "rem ours\r\nAaaa - one.sys - first\r\nBb?? - two.sys - group\r\n\
                Qqqq - three.sys - last\r\n";
    let path = "/api/v1/pooltag.txt";
    let imported = post(&server, path, Role::Operator, list.into()).await;
    assert_eq!(server::json::<Value>(imported).await, json!({"entries": 3}));
    assert_eq!(note(&server, json!({"tag": "B*", "group": true, "owner": "b.sys"})).await, 204);
    tag_names::load(&server.app.tag_names, &server.app.pool).await.unwrap();
    let catalogue = server.app.tag_names.catalogue();
    let owner = |text| catalogue.describe(tag(text)).and_then(|told| told.owner);
    assert_eq!((owner("Aaaa"), owner("Bbzz")), (Some("one.sys"), Some("b.sys")));
    let no_list = post(&server, path, Role::Operator, "hello".into()).await;
    assert_eq!(no_list.status(), 400);
    assert_eq!(server.app.tag_names.catalogue().named_driver(tag("Qqqq")), Some("three.sys"));
}

#[tokio::test]
async fn what_cannot_be_a_tag_is_refused() {
    let server = Server::start().await;
    for said in [json!({"tag": "Fooooo", "meaning": "x"}), json!({"tag": "?abc", "group": true})] {
        assert!(note(&server, said).await.is_client_error());
    }
    assert_eq!(note(&server, json!({"tag": "a\\x00b", "meaning": "zero\u{0}byte"})).await, 400);
    assert_eq!(note(&server, json!({"tag": "a\\x00b", "meaning": "zero byte"})).await, 204);
    let all = tag_names::all(&server.app.pool).await.unwrap();
    assert_eq!(all[0].note.meaning, "zero byte");
}

#[tokio::test]
async fn people_write_and_import_in_the_console_as_well() {
    let server = Server::start().await;
    let form = async |path: &str, role, kind: &str, body: &str| {
        let token = server.api_token(role).await;
        let request = server.client.post(format!("{}{path}", server.url)).bearer_auth(token);
        request.header("content-type", kind).body(body.to_owned()).send().await.unwrap().status()
    };
    let urlencoded = "application/x-www-form-urlencoded";
    let said = "meaning=%22+onfocus%3Dx&owner=foo.sys";
    assert_eq!(form("/tags/Fooo/note", Role::Viewer, urlencoded, said).await, 403);
    assert_eq!(form("/tags/Fooo/note", Role::Operator, urlencoded, said).await, 303);
    let page = get(&server, "/tags/Fooo").await.text().await.unwrap();
    assert!(page.contains("&#34; onfocus=x") && page.contains("Your own note"), "{page}");

    let multipart = "multipart/form-data; boundary=x";
    let list = |text: &str| {
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"list\"; filename=\"pooltag.txt\"\r\n\r\n{text}\r\n--x--\r\n"
        )
    };
    let bad = list("nothing of the kind");
    assert_eq!(form("/tags/pooltag", Role::Operator, multipart, &bad).await, 400);
    assert_eq!(form("/tags/pooltag", Role::Operator, multipart, "--x").await, 400);
    let good =
        list("rem ours\r\nAaaa - one.sys - first\r\nBbbb - two.sys - second\r\nCccc - c.sys - c");
    assert_eq!(form("/tags/pooltag", Role::Operator, multipart, &good).await, 303);
    let page = get(&server, "/tags").await.text().await.unwrap();
    assert!(page.contains("1 note written here") && page.contains("with 3 entries, by token test"));
    let text = get(&server, "/tags/pooltag.txt").await.text().await.unwrap();
    assert!(text.contains("Fooo - foo.sys - \" onfocus=x"), "{text}");

    assert_eq!(form("/tags/Fooo/note", Role::Operator, urlencoded, "meaning=&owner=+").await, 303);
    assert_eq!(server.app.tag_names.catalogue().describe(tag("Fooo")), None);
}
