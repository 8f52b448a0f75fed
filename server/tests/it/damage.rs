//! Stored rows that cannot be read cost themselves and nothing else.

use poolwatch_model::{HostId, person::Role};
use poolwatch_server::{fleet, jobs::follow_hosts};
use poolwatch_store::{check, hosts};

use crate::server::{Server, classic};

#[tokio::test]
async fn one_host_that_cannot_be_read_leaves_all_others() {
    let server = Server::start().await;
    let mut good = server.enrol("good").await;
    let bad = server.enrol("bad").await;
    let frame = good.frame(classic(0));
    assert_eq!(good.send(&[&frame]).await.status(), 200);
    let spoil = "UPDATE hosts SET facts = '{\"fqdn\": 7}' WHERE id = $1";
    sqlx::query(spoil).bind(bad.id.0).execute(&server.app.pool).await.unwrap();
    sqlx::query("INSERT INTO inventories VALUES ($1, now(), '{\"drivers\": 7}')")
        .bind(bad.id.0)
        .execute(&server.app.pool)
        .await
        .unwrap();
    follow_hosts::follow(&server.app).await.unwrap();
    let keeper = Default::default();
    let (_, made) = fleet::refresh::refresh(
        &server.app.pool,
        &server.app.fleet,
        keeper,
        60,
        server.app.clock.now(),
    )
    .await;
    made.unwrap();
    let view = server.app.fleet.view();
    assert_eq!((view.hosts.len(), view.damaged()), (2, 1));
    let mut book = Default::default();
    let now = server.app.clock.now();
    fleet::drivers::refresh(&server.app.pool, &server.app.fleet, &mut book, now).await.unwrap();

    let token = server.api_token(Role::Viewer).await;
    let url = format!("{}/hosts/{}", server.url, bad.id);
    let page = server.client.get(url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("facts cannot be read"));

    let mut db = server.app.pool.acquire().await.unwrap();
    let (last, damaged) = check::check_hosts(&mut db, HostId(0), true).await.unwrap();
    assert_eq!(last, Some(bad.id));
    let tables: Vec<_> = damaged.iter().map(|row| (row.table, row.host)).collect();
    assert_eq!(tables, [("hosts", bad.id), ("inventories", bad.id)]);
    assert_eq!(check::check_hosts(&mut db, HostId(0), false).await.unwrap().1, []);
    let host = hosts::find(&mut db, bad.id).await.unwrap().unwrap();
    assert_eq!((host.is_damaged, &*host.facts.fqdn), (false, "bad"));
}
