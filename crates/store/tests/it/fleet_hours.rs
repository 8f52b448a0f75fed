//! One tag over many hosts, by the hour.

use poolwatch_model::{
    BootId, HostId, Pool,
    series::{Break, Series},
};
use poolwatch_store::{frames, read, testing};
use uuid::Uuid;

use crate::{
    chunks::{bytes_at, frames_of, host_numbered, leak, make_dirty, make_hour},
    later, noon,
};

/// What the last ten minutes of an hour after noon were.
fn ended(hour: i64) -> u64 {
    (hour * 60 + 50..hour * 60 + 60).map(bytes_at).sum::<u64>() / 10
}

fn told(series: &Series) -> Vec<(i64, u64)> {
    let hour = |point: &poolwatch_model::series::Point| {
        (point.at.as_second() - noon().as_second()).div_euclid(3600)
    };
    series.points.iter().map(|point| (hour(point), point.mean)).collect()
}

#[tokio::test]
async fn many_hosts_are_read_in_one_go_with_reboots_and_gaps() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let mut hosts = Vec::new();
    for id in [7, 1007, 1008] {
        hosts.push(host_numbered(&mut db, id).await);
    }
    let [steady, restarted, gone] = hosts[..] else { unreachable!() };
    frames::insert(&mut db, &frames_of(steady, 1, 0..300)).await.unwrap();
    frames::insert(&mut db, &frames_of(restarted, 1, 0..70)).await.unwrap();
    frames::insert(&mut db, &frames_of(restarted, 2, 80..300)).await.unwrap();
    frames::insert(&mut db, &frames_of(gone, 1, (0..60).chain(240..300))).await.unwrap();
    for hour in 0..5 {
        make_hour(&pool, later(hour * 60)).await;
    }
    make_dirty(&pool).await;

    let unknown = HostId(555);
    let asked = [gone, steady, unknown, restarted];
    let read = async |db: &mut _| {
        read::tag_over_hosts(db, leak(), Pool::Nonpaged, &asked, noon(), later(299)).await.unwrap()
    };
    let series = read(&mut db).await;
    assert!(series.iter().all(|series| series.step_s == 3600));
    let all: Vec<_> = (0..5).map(|hour| (hour, ended(hour))).collect();
    assert_eq!(told(&series[1]), all);
    assert_eq!(told(&series[0]), [all[0], all[4]]);
    assert_eq!(series[0].breaks, [(later(240), Break::Gap)]);
    assert_eq!(told(&series[3]), all);
    let boot = BootId(Uuid::from_u128(2));
    assert_eq!(series[3].breaks, [(later(60), Break::Reboot { boot })]);
    assert!(series[2].points.is_empty());

    let paged = read::tag_over_hosts(&mut db, leak(), Pool::Paged, &asked, noon(), later(299));
    let paged = paged.await.unwrap();
    assert_eq!(told(&paged[0]), [(0, 0), (4, 0)], "a tag that a complete table does not list");

    let then = read::fleet_at(&mut db, leak(), Pool::Nonpaged, later(125)).await.unwrap().unwrap();
    assert_eq!(then.hour, later(60));
    let hosts: Vec<_> = then.hosts.iter().map(|one| (one.host, one.boot_no, one.bytes)).collect();
    assert_eq!(hosts, [(steady, 1, Some(ended(1))), (restarted, 2, Some(ended(1)))]);
    assert!(then.hosts.iter().all(|one| one.at == later(110)));
    let never = read::fleet_at(&mut db, leak(), Pool::Nonpaged, later(-600)).await.unwrap();
    assert_eq!(never, None);
}

#[tokio::test]
async fn frames_that_come_late_count_and_the_parts_they_make_stay_few() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let mut hosts = Vec::new();
    for id in 1..=12 {
        let host = host_numbered(&mut db, id).await;
        frames::insert(&mut db, &frames_of(host, 1, 0..30)).await.unwrap();
        hosts.push(host);
    }
    make_hour(&pool, noon()).await;
    sqlx::query("DELETE FROM dirty_hours").execute(&mut *db).await.unwrap();
    for host in &hosts {
        frames::insert(&mut db, &frames_of(*host, 1, 0..60)).await.unwrap();
        make_dirty(&pool).await;
    }
    let series = read::tag_over_hosts(&mut db, leak(), Pool::Nonpaged, &hosts, noon(), noon());
    for series in series.await.unwrap() {
        assert_eq!(told(&series), [(0, ended(0))]);
    }
    let parts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM fleet_hour").fetch_one(&mut *db).await.unwrap();
    assert!(parts <= 8, "{parts}");
}
