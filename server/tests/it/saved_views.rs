//! Views that people keep by a name.

use poolwatch_model::person::Role;
use poolwatch_store::{hosts, saved_views::MOST, silences};
use serde_json::{Value, json};

use crate::{
    lists::Console,
    server::{Server, classic, json},
};

impl Server {
    async fn save_view(&self, cookie: &str, name: &str, address: &str) -> u16 {
        let fields = [("name", name), ("address", address)];
        self.post_form("/views", cookie, &fields).await.status().as_u16()
    }

    async fn views(&self, cookie: &str) -> Value {
        json(self.get("/views.json", cookie).await).await
    }
}

#[tokio::test]
async fn a_view_is_kept_shown_beside_its_list_replaced_and_forgotten() {
    let server = Server::start().await;
    let ana = server.session(Role::Viewer).await;
    let ben = server.session(Role::Viewer).await;
    let address = "/hosts?state=silent&sort=name&order=asc&columns=left.seen";
    let fields = [("name", "  quiet <b> "), ("address", address)];
    let done = server.post_form("/views", &ana, &fields).await;
    assert_eq!(
        (done.status().as_u16(), &done.headers()["location"]),
        (303, &address.parse().unwrap())
    );
    assert_eq!(server.save_view(&ana, "leaks", "/incidents?q=Thre").await, 303);
    assert_eq!(
        server.views(&ana).await,
        json!([
            { "name": "leaks", "url": "/incidents?q=Thre" },
            { "name": "quiet <b>", "url": address },
        ])
    );
    assert_eq!(server.views(&ben).await, json!([]), "they are of one person");

    let page = server.get(address, &ana).await.text().await.unwrap();
    assert!(page.contains("View: <bdi>quiet &#60;b&#62;</bdi>"), "{page}");
    assert!(!page.contains("leaks</a>"), "it is a view of another list");
    let page = server.get("/incidents", &ana).await.text().await.unwrap();
    assert!(page.contains("href=\"/incidents?q=Thre\">leaks</a>"), "{page}");
    let page = server.get(address, &ben).await.text().await.unwrap();
    assert!(
        page.contains("<summary>View</summary>"),
        "whoever has the address sees the same: {page}"
    );
    let page = server.get("/account", &ana).await.text().await.unwrap();
    assert!(page.contains("Forget the view leaks"), "{page}");

    assert_eq!(server.save_view(&ana, "leaks", "/incidents?q=Fooo").await, 303);
    assert_eq!(server.views(&ana).await[0]["url"], "/incidents?q=Fooo");
    let back = [("name", "leaks"), ("back", "//evil.example/")];
    let done = server.post_form("/views/forget", &ana, &back).await;
    assert_eq!(done.headers()["location"], "/account#views");
    assert_eq!(server.views(&ana).await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_view_is_an_address_of_this_console_and_one_person_keeps_so_many() {
    let server = Server::start().await;
    let ana = server.session(Role::Viewer).await;
    let (long, far) = ("x".repeat(101), format!("/hosts?q={}", "x".repeat(2_000)));
    for (name, address) in [
        ("elsewhere", "//evil.example/"),
        ("elsewhere", "https://evil.example/"),
        ("script", "javascript:alert(1)"),
        ("", "/hosts"),
        ("two\nlines", "/hosts"),
        (&*long, "/hosts"),
        ("far", &*far),
    ] {
        assert_eq!(server.save_view(&ana, name, address).await, 400, "{name} {address}");
    }
    for number in 0..MOST {
        assert_eq!(server.save_view(&ana, &format!("view {number}"), "/hosts").await, 303);
    }
    assert_eq!(server.save_view(&ana, "one more", "/hosts").await, 400);
    assert_eq!(server.save_view(&ana, "view 0", "/drivers").await, 303, "its own name is free");
    let token = server.api_token(Role::Admin).await;
    let request = server.client.get(format!("{}/views.json", server.url)).bearer_auth(token);
    assert_eq!(request.send().await.unwrap().status(), 403, "a token has no account");
}

#[tokio::test]
async fn columns_are_chosen_by_address_and_unknown_ones_are_left_out() {
    let console = Console::start(&[("fs-02", classic(0))]).await;
    let heads = |page: &str| -> Vec<String> {
        let row =
            page.split("<tr class=\"heads\">").nth(1).and_then(|rest| rest.split("</tr>").next());
        let cells = row.unwrap().split("</th>").filter(|cell| cell.contains("<th "));
        let text =
            |cell: &str| cell.trim_end_matches("</a>").rsplit('>').next().unwrap().to_owned();
        cells.map(text).collect()
    };
    let page = console.text("/hosts?columns=left&columns=seen.moon").await;
    assert_eq!(heads(&page), ["Host", "Left", "Seen"]);
    assert!(page.contains("name=\"columns\" value=\"left.seen\""), "the filter keeps them: {page}");
    assert!(page.contains("/hosts?sort=name&#38;order=asc&#38;columns=left.seen"), "{page}");
    assert!(!page.contains("/hosts.csv?columns"), "a file has all columns");
    assert!(heads(&console.text("/hosts").await).len() > 10);
}

#[tokio::test]
async fn selected_hosts_are_labelled_and_silenced_and_nobody_else() {
    let server = Server::start().await;
    let (first, second) = (server.enrol("fs-02").await.id, server.enrol("fs-03").await.id);
    let ana = server.session(Role::Operator).await;
    let back = "/hosts?q=fs%2D";
    let silence = "/hosts/silence?back=%2Fhosts%3Fq%3Dfs%252D";
    let host = first.to_string();
    let fields = [("host", &*host), ("hours", "4"), ("reason", "patch night")];
    let done = server.post_form(silence, &ana, &fields).await;
    assert_eq!(
        (done.status().as_u16(), &done.headers()["location"]),
        (303, &back.parse().unwrap())
    );
    let mut db = server.app.pool.acquire().await.unwrap();
    let found = silences::ending_after(&mut db, server.app.clock.now()).await.unwrap();
    let on: Vec<_> = found.iter().map(|one| (one.matcher.host, one.reason.as_str())).collect();
    assert_eq!(on, [(Some(first), "patch night")]);
    for (fields, why) in [
        (&[("hours", "4"), ("reason", "x")][..], "Select hosts first"),
        (&[("host", &*host), ("hours", ""), ("reason", "x")], "Choose for how long"),
        (&[("host", &*host), ("hours", "4"), ("reason", " ")], "others will ask"),
        (&[("host", "x"), ("hours", "4"), ("reason", "x")], "number of a host"),
    ] {
        let refused = server.post_form(silence, &ana, fields).await;
        assert_eq!(refused.status(), 400);
        assert!(refused.text().await.unwrap().contains(why), "{why}");
    }
    let label = [("action", "add_to_selected"), ("label", "oldest")];
    assert_eq!(
        server.post_form("/hosts/label", &ana, &label).await.status(),
        400,
        "none is selected"
    );
    let label = [("host", &*host), ("action", "add_to_selected"), ("label", "oldest")];
    assert_eq!(server.post_form("/hosts/label", &ana, &label).await.status(), 303);
    let all = hosts::find_all(&mut db, &[first, second]).await.unwrap();
    let labels = |id| all.iter().find(|one| one.id == id).unwrap().labels.join(" ");
    assert_eq!((labels(first), labels(second)), ("oldest".into(), String::new()));
}
