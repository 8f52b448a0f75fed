//! What one host can take from the others.

use poolwatch_model::{
    Pool, PoolTag,
    person::Role,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::{limits, v1::messages::EventsRequest};
use poolwatch_server::fleet::{self, refresh::Keeper};

use crate::{
    events::event,
    server::{Server, classic, now},
};

fn with_tags(tags: impl Iterator<Item = [u8; 4]>) -> poolwatch_model::Snapshot {
    let row = |tag| TagUse {
        tag: PoolTag::new(tag),
        paged: TagCounters::default(),
        nonpaged: TagCounters { bytes: 4096, outstanding: 1, allocs: 1 },
    };
    let rows = tags.map(row).collect();
    let tags = Some(TagTable::new(AllocCounting::Full64, true, rows));
    poolwatch_model::Snapshot { tags, ..classic(0) }
}

#[tokio::test]
async fn a_host_with_every_tag_there_is_leaves_numbers_to_the_others() {
    let server = Server::start().await;
    let mut greedy = server.enrol("greedy").await;
    let mut honest = server.enrol("honest").await;
    let all = with_tags((0..=u16::MAX).map(|number| {
        let [high, low] = number.to_be_bytes();
        [b'x', high, b'y', low]
    }));
    let frame = greedy.frame(all);
    assert_eq!(greedy.send(&[&frame]).await.status(), 200);
    let frame = honest.frame(with_tags([*b"New1", *b"New2"].into_iter()));
    assert_eq!(honest.send(&[&frame]).await.status(), 200);
    let (_, made) =
        fleet::refresh::refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now())
            .await;
    made.unwrap();
    let view = server.app.fleet.view();
    let line = view.tags.get(PoolTag::new(*b"New1"), Pool::Nonpaged);
    assert_eq!(line.map(|line| line.hosts), Some(1));
    assert_eq!(view.capped(), 1);
    let token = server.api_token(Role::Viewer).await;
    for (agent, is_capped) in [(&greedy, true), (&honest, false)] {
        let url = format!("{}/hosts/{}", server.url, agent.id);
        let page = server.client.get(url).bearer_auth(&token).send().await.unwrap();
        let page = page.text().await.unwrap();
        assert_eq!(page.contains("more names than one host may add"), is_capped);
    }
}

#[tokio::test]
async fn a_storm_of_events_waits_for_the_next_day() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let mut bad = event(2019, 1, now());
    bad.data = vec!["\0".into()];
    let request = EventsRequest { wall: now(), events: vec![bad; limits::EVENTS], gap: false };
    let body = serde_json::to_vec(&request).unwrap();
    for _ in 0..limits::EVENTS_A_DAY / limits::EVENTS {
        let answer = server.post("/agent/v1/events", Some(&agent.key), &body).await;
        assert_eq!(answer.status(), 200);
    }
    let answer = server.post("/agent/v1/events", Some(&agent.key), &body).await;
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().contains_key("retry-after"));
}
