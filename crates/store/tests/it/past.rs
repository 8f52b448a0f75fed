//! The whole of a host at times of the past, from frames and from chunks.

use jiff::SignedDuration;
use poolwatch_model::{
    HostId, Pool,
    history::{HostHistory, MISSING, Moment, WantedSeries},
};
use poolwatch_store::{
    frames, partitions,
    read::{self, Past},
    testing,
};
use sqlx::PgConnection;

use crate::{
    chunks::{bytes_at, frames_of, host_numbered, leak, make_day, make_dirty_at, make_hour},
    later, noon,
};

/// Minute after noon and boot of each moment, and the bytes of the leak.
fn told(history: &HostHistory) -> Vec<(i64, i32, Option<u64>)> {
    let leak = history.tags.iter().find(|one| (one.tag, one.pool) == (leak(), Pool::Nonpaged));
    let of = |(at, moment): (usize, &Moment)| {
        let minute = (moment.at_s - noon().as_second()).div_euclid(60);
        let bytes = leak.map(|one| one.bytes[at]).filter(|bytes| *bytes != MISSING);
        (minute, moment.boot.cast_signed(), bytes)
    };
    history.axis.iter().enumerate().map(of).collect()
}

fn least(from: i64, to: i64) -> Option<u64> {
    (from..to).map(bytes_at).min()
}

async fn history(db: &mut PgConnection, host: HostId, fine_from: i64, to: i64) -> HostHistory {
    let wanted = WantedSeries { tags: [leak()].into(), most_processes: 9, ..Default::default() };
    let times = (noon(), later(fine_from), later(to));
    read::host_history(db, host, times, &wanted).await.unwrap()
}

/// Seconds from each moment to the next.
fn steps(history: &HostHistory) -> Vec<i64> {
    history.axis.windows(2).map(|pair| pair[1].at_s - pair[0].at_s).collect()
}

async fn forget_frames(db: &mut PgConnection) {
    sqlx::query("DELETE FROM frames").execute(db).await.unwrap();
}

#[tokio::test]
async fn a_host_is_the_same_from_frames_from_hours_and_from_days() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host_numbered(&mut db, 1).await;
    frames::insert(&mut db, &frames_of(host, 1, 0..125)).await.unwrap();

    let from_frames = history(&mut db, host, 0, 400).await;
    let mut expected: Vec<_> =
        (0..12).map(|slot| (slot * 10, 1, least(slot * 10, slot * 10 + 10))).collect();
    expected.push((124, 1, Some(bytes_at(124))));
    assert_eq!(told(&from_frames), expected);
    assert_eq!(from_frames.axis[3].uptime_s, Some(30 * 60));
    let process = &from_frames.processes[0];
    assert_eq!((process.image.as_str(), process.handles[3]), ("spoolsv.exe", 1030));
    assert_eq!(process.threads, [MISSING; 13], "what was never told is not told as 0");
    assert_eq!(Some(from_frames.pools[1][3]), least(30, 40));
    assert_eq!(from_frames.memory.physical, None);

    make_hour(&pool, noon()).await;
    make_hour(&pool, later(60)).await;
    assert_eq!(history(&mut db, host, 0, 400).await, from_frames, "hours, and frames of the third");
    make_hour(&pool, later(120)).await;
    assert_eq!(history(&mut db, host, 0, 400).await, from_frames);
    make_day(&pool).await;
    assert_eq!(history(&mut db, host, 0, 400).await, from_frames);

    forget_frames(&mut db).await;
    let from_chunks = history(&mut db, host, 0, 400).await;
    expected[12] = (120, 1, least(120, 125));
    assert_eq!(told(&from_chunks), expected);
}

#[tokio::test]
async fn when_days_are_gone_the_hours_of_their_week_are_left() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host_numbered(&mut db, 1).await;
    partitions::create(&mut db, partitions::day_of(later(800))).await.unwrap();
    // The last hour of one day, and the first two of the next.
    frames::insert(&mut db, &frames_of(host, 1, 660..840)).await.unwrap();
    make_dirty_at(&pool, later(20 * 1440)).await;
    forget_frames(&mut db).await;
    sqlx::query("DELETE FROM chunk_hour").execute(&mut *db).await.unwrap();
    assert_eq!(history(&mut db, host, 0, 1000).await.axis.len(), 18);
    let mut expected = vec![(660, 1, least(660, 720))];
    expected.extend((72..84).map(|slot| (slot * 10, 1, least(slot * 10, slot * 10 + 10))));
    let hourly_first = history(&mut db, host, 720, 1000).await;
    assert_eq!(told(&hourly_first), expected, "the day before is asked for by the hour");
    let first_day = partitions::day_of(noon());
    sqlx::query("DELETE FROM chunk_day WHERE start::date = $1::text::date")
        .bind(first_day.to_string())
        .execute(&mut *db)
        .await
        .unwrap();
    let left = history(&mut db, host, 0, 1000).await;
    assert_eq!(told(&left), expected);
    assert_eq!(steps(&left)[..2], [3600, 600]);
    sqlx::query("DELETE FROM chunk_day").execute(&mut *db).await.unwrap();
    assert_eq!(steps(&history(&mut db, host, 0, 1000).await), [3600; 2]);
    let last = read::state_at(&mut db, host, noon(), later(1000)).await.unwrap().unwrap();
    assert_eq!((last.at, last.step_s), (later(780), 3600));
}

#[tokio::test]
async fn gaps_and_restarts_stay_what_they_are() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host_numbered(&mut db, 1).await;
    frames::insert(&mut db, &frames_of(host, 1, (0..5).chain(50..60))).await.unwrap();
    // Nothing of the second hour; a restart in the third.
    frames::insert(&mut db, &frames_of(host, 1, 120..125)).await.unwrap();
    frames::insert(&mut db, &frames_of(host, 2, 125..140)).await.unwrap();
    let expected = [
        (0, 1, least(0, 5)),
        (50, 1, least(50, 60)),
        (120, 1, least(120, 125)),
        (125, 2, least(125, 130)),
        (139, 2, Some(bytes_at(139))),
    ];
    assert_eq!(told(&history(&mut db, host, 0, 400).await), expected);
    for hour in 0..3 {
        make_hour(&pool, later(hour * 60)).await;
    }
    assert_eq!(told(&history(&mut db, host, 0, 400).await), expected);
    make_day(&pool).await;
    assert_eq!(told(&history(&mut db, host, 0, 400).await), expected);
}

#[tokio::test]
async fn a_state_is_as_it_was_taken_while_frames_are_kept_and_a_mean_after() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host_numbered(&mut db, 1).await;
    frames::insert(&mut db, &frames_of(host, 1, 0..125)).await.unwrap();
    let state =
        async |db: &mut PgConnection, at| read::state_at(db, host, later(-600), at).await.unwrap();
    let bytes = |past: &Past| {
        let row = past.snapshot.tags.as_ref().and_then(|tags| tags.get(leak()));
        let minute = (past.at.as_second() - noon().as_second()).div_euclid(60);
        (minute, past.boot_no, row.map(|row| row.of(Pool::Nonpaged).bytes))
    };
    let past = state(&mut db, later(73)).await.unwrap();
    assert_eq!((bytes(&past), past.step_s), ((73, 1, Some(bytes_at(73))), 0));
    assert_eq!(state(&mut db, later(-1)).await, None);

    make_hour(&pool, noon()).await;
    make_hour(&pool, later(60)).await;
    forget_frames(&mut db).await;
    let mean = |from: i64| Some((from..from + 10).map(bytes_at).sum::<u64>() / 10);
    for _ in 0..2 {
        let past = state(&mut db, later(73)).await.unwrap();
        assert_eq!((bytes(&past), past.step_s), ((70, 1, mean(70)), 600));
        let past = state(&mut db, later(700)).await.unwrap();
        assert_eq!(bytes(&past), (110, 1, mean(110)));
        assert_eq!(state(&mut db, later(-1)).await, None);
        assert_eq!(read::state_at(&mut db, host, later(130), later(700)).await.unwrap(), None);
        make_day(&pool).await;
    }
}

#[tokio::test]
async fn the_tags_nearest_to_a_time_are_found_on_either_side_and_not_too_far() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host_numbered(&mut db, 1).await;
    frames::insert(&mut db, &frames_of(host, 1, (0..60).chain(180..240))).await.unwrap();
    for hour in [0, 3] {
        make_hour(&pool, later(hour * 60)).await;
    }
    let near = async |db: &mut PgConnection| {
        let mut found = Vec::new();
        for (minute, slack) in [(20, 60), (100, 60), (150, 60), (110, 30), (119, 60)] {
            let slack = SignedDuration::from_mins(slack);
            let then = read::tags_at(&mut *db, host, later(minute), slack).await.unwrap();
            found.push(then.map(|then| (then.at.as_second() - noon().as_second()) / 60));
        }
        found
    };
    // Key frames are at 0 and 180.
    assert_eq!(near(&mut db).await, [Some(0), Some(55), Some(180), None, None]);
    forget_frames(&mut db).await;
    let expected = [Some(15), Some(55), Some(185), None, None];
    assert_eq!(near(&mut db).await, expected);
    make_day(&pool).await;
    assert_eq!(near(&mut db).await, expected);
}
