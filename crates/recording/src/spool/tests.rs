use std::{
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    process::{Command, Stdio},
};

use jiff::Timestamp;
use poolwatch_model::{Bytes, memory::Memory};
use poolwatch_protocol::v1::Decoder;
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

const SMALL: SpoolLimits = SpoolLimits { total_bytes: 4000, segment_bytes: 500 };
const ROOMY: SpoolLimits = SpoolLimits { total_bytes: 1 << 20, segment_bytes: 1 << 18 };

fn boot() -> BootId {
    BootId(Uuid::from_u128(7))
}

fn now(step: u64) -> Now {
    let wall = Timestamp::from_second(1_780_000_000 + step as i64).unwrap();
    Now { uptime_ms: step * 1000, wall }
}

fn snapshot(step: u64) -> Snapshot {
    let memory = Memory { paged: Some(Bytes(step)), ..Memory::default() };
    Snapshot { memory, ..Snapshot::default() }
}

fn push(spool: &mut Spool, steps: std::ops::Range<u64>) {
    for step in steps {
        spool.push(boot(), now(step), snapshot(step)).unwrap();
    }
}

/// Takes everything out, a few frames at a time, and decodes it: what each snapshot said.
fn drain(spool: &mut Spool) -> Vec<u64> {
    let mut decoder = Decoder::default();
    let mut seen = Vec::new();
    while let Some(pending) = spool.pending(400, 3).unwrap() {
        for frame in &pending.frames {
            let decoded = decoder.decode(&frame.bytes).unwrap();
            assert_eq!((decoded.stamp.boot, decoded.stamp.seq), (frame.boot, frame.seq));
            seen.push(decoded.snapshot.memory.paged.unwrap().0);
        }
        spool.acknowledge(&pending, pending.frames.len()).unwrap();
    }
    seen
}

#[test]
fn what_is_pushed_comes_out_in_order_and_once() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 0..10);
    assert_eq!(drain(&mut spool), (0..10).collect::<Vec<_>>());
    assert_eq!(drain(&mut spool), [0; 0]);
}

#[test]
fn a_restart_sends_nothing_again_and_numbers_go_on() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 0..10);
    let pending = spool.pending(usize::MAX, 4).unwrap().unwrap();
    spool.acknowledge(&pending, 4).unwrap();
    let last = spool.push(boot(), now(10), snapshot(10)).unwrap().seq;
    drop(spool);

    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    let next = spool.push(boot(), now(11), snapshot(11)).unwrap().seq;
    assert_eq!(next, last + 1);
    // The server's decoder still has what the first four frames made.
    let frames = spool.pending(usize::MAX, usize::MAX).unwrap().unwrap().frames;
    assert_eq!(frames.first().map(|frame| frame.seq), Some(5));
    assert_eq!(frames.len(), 8);
}

#[test]
fn numbers_go_on_after_everything_was_sent() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 0..3);
    drain(&mut spool);
    drop(spool);
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    assert_eq!(spool.push(boot(), now(3), snapshot(3)).unwrap().seq, 4);
}

#[test]
fn numbers_never_go_back_even_when_the_folder_was_emptied() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 0..3);
    drop(spool);
    fs::remove_dir_all(folder.path()).unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    assert!(spool.push(boot(), now(60), snapshot(3)).unwrap().seq > 3);
}

#[test]
fn another_boot_has_numbers_of_its_own() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 0..5);
    let other = BootId(Uuid::from_u128(8));
    assert_eq!(spool.push(other, now(0), snapshot(0)).unwrap().seq, 1);
}

#[test]
fn a_full_spool_drops_its_oldest_and_what_is_left_decodes() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), SMALL).unwrap();
    push(&mut spool, 0..200);
    assert!(spool.bytes() <= SMALL.total_bytes);
    let dropped = spool.dropped();
    assert!(dropped > 0);
    assert_eq!(Spool::inspect(folder.path()).unwrap().dropped, dropped);
    assert_eq!(drain(&mut spool), (dropped..200).collect::<Vec<_>>());
}

#[test]
fn frames_dropped_while_they_were_being_sent_are_no_trouble() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), SMALL).unwrap();
    push(&mut spool, 0..5);
    let sending = spool.pending(usize::MAX, usize::MAX).unwrap().unwrap();
    push(&mut spool, 5..200);
    let dropped = spool.dropped();
    spool.acknowledge(&sending, 5).unwrap();
    assert_eq!(drain(&mut spool), (dropped..200).collect::<Vec<_>>());
}

#[test]
fn segments_go_when_they_are_acknowledged() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), SMALL).unwrap();
    push(&mut spool, 0..20);
    assert!(Spool::inspect(folder.path()).unwrap().segments > 1);
    drain(&mut spool);
    assert_eq!(Spool::inspect(folder.path()).unwrap().segments, 1);
}

#[test]
fn two_agents_cannot_share_a_spool() {
    let folder = TempDir::new().unwrap();
    let first = Spool::open(folder.path(), ROOMY).unwrap();
    assert!(matches!(Spool::open(folder.path(), ROOMY), Err(SpoolError::InUse(_))));
    drop(first);
    Spool::open(folder.path(), ROOMY).unwrap();
}

#[test]
fn a_segment_cut_at_any_byte_gives_what_was_whole() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    let mut ends = Vec::new();
    for step in 0..4 {
        push(&mut spool, step..step + 1);
        ends.push(spool.bytes() as usize);
    }
    drop(spool);
    let path = segment::path(folder.path(), 1);
    let reserved = fs::read(&path).unwrap();
    let (whole, room) = reserved.split_at(ends[3]);
    assert!(room.iter().all(|byte| *byte == 0));
    for length in 0..=whole.len() {
        let cut = TempDir::new().unwrap();
        fs::write(segment::path(cut.path(), 1), &whole[..length]).unwrap();
        let mut spool = Spool::open(cut.path(), ROOMY).unwrap();
        let survived = ends.iter().filter(|end| **end <= length).count() as u64;
        let next = spool.push(boot(), now(100), snapshot(100)).unwrap();
        if survived > 0 {
            assert_eq!(next.seq, survived + 1, "{length}");
        }
        let expected: Vec<u64> = (0..survived).chain([100]).collect();
        assert_eq!(drain(&mut spool), expected, "{length}");
    }
}

// Windows moves no folder away in which files are open.
#[cfg(unix)]
#[test]
fn a_host_that_opens_no_file_any_more_still_keeps_its_snapshots() {
    let folder = TempDir::new().unwrap();
    let there = folder.path().join("spool");
    let mut spool = Spool::open(&there, SMALL).unwrap();
    push(&mut spool, 0..1);
    spool.prepare();
    let away = folder.path().join("away");
    fs::rename(&there, &away).unwrap();
    push(&mut spool, 1..40);
    spool.prepare();
    assert_eq!(spool.segments.len(), 2, "the spare was begun, and no other could be made");
    fs::rename(&away, &there).unwrap();
    push(&mut spool, 40..42);
    assert_eq!(spool.segments.len(), 3);
    assert_eq!(drain(&mut spool), (0..42).collect::<Vec<_>>());
}

/// A disk that refuses everything: writing, and cutting a file back.
#[test]
fn writes_that_fail_cost_their_own_snapshots_and_neither_segment_nor_spare() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 0..2);
    spool.prepare();
    let path = segment::path(folder.path(), 1);
    for step in 2..6 {
        // The record is there in part, and in part as an earlier one.
        let mut torn = File::options().write(true).open(&path).unwrap();
        torn.seek(SeekFrom::Start(spool.bytes())).unwrap();
        torn.write_all(&vec![0x55; 300 + step as usize]).unwrap();
        let file = &mut spool.writer.as_mut().unwrap().file;
        let good = std::mem::replace(file, File::open(&path).unwrap());
        assert!(spool.push(boot(), now(step), snapshot(step)).is_err());
        assert!(spool.push_events(vec![event(step)]).is_err());
        spool.writer.as_mut().unwrap().file = good;
        assert_eq!((spool.segments.len(), spool.spare.is_some()), (1, true));
    }
    push(&mut spool, 6..9);
    assert_eq!(drain(&mut spool), [0, 1, 6, 7, 8]);
    drop(spool);
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 9..11);
    assert_eq!(drain(&mut spool), [9, 10]);
}

#[test]
fn room_that_was_reserved_is_given_back_at_the_next_start() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 0..3);
    spool.prepare();
    let used = spool.bytes();
    drop(spool);
    assert_eq!(fs::metadata(segment::path(folder.path(), 1)).unwrap().len(), 1 << 18);
    let summary = Spool::inspect(folder.path()).unwrap();
    assert_eq!((summary.segments, summary.bytes), (1, used));
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    assert_eq!(fs::metadata(segment::path(folder.path(), 1)).unwrap().len(), used);
    assert_eq!(drain(&mut spool), [0, 1, 2]);
}

fn event(record_id: u64) -> SpooledEvent {
    let event = poolwatch_model::event::Event {
        channel: "System".into(),
        record_id,
        time: Timestamp::UNIX_EPOCH,
        provider: "Srv".into(),
        event_id: 2019,
        level: Some(2),
        computer: None,
        data: vec!["\\Device\\LanmanServer".into()],
        exhaustion: None,
    };
    SpooledEvent { gap_before: record_id == 1, event }
}

#[test]
fn frames_and_events_come_out_in_the_order_they_went_in_also_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 0..2);
    spool.push_events(vec![event(1), event(2)]).unwrap();
    push(&mut spool, 2..3);
    drop(spool);
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    let mut seen = Vec::new();
    while let Some(pending) = spool.pending(usize::MAX, usize::MAX).unwrap() {
        seen.push((pending.frames.len(), pending.events.clone()));
        spool.acknowledge(&pending, pending.len()).unwrap();
    }
    assert_eq!(seen, [(2, vec![]), (0, vec![event(1), event(2)]), (1, vec![])]);
    assert_eq!(spool.push(boot(), now(3), snapshot(3)).unwrap().seq, 4);
}

#[test]
fn events_alone_begin_a_spool_and_the_first_frame_after_them_can_be_decoded() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    spool.push_events(vec![event(1)]).unwrap();
    push(&mut spool, 0..2);
    let events = spool.pending(usize::MAX, usize::MAX).unwrap().unwrap();
    spool.acknowledge(&events, 1).unwrap();
    assert_eq!(drain(&mut spool), [0, 1]);
}

#[test]
fn a_torn_position_means_its_other_half() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
    push(&mut spool, 0..6);
    for _ in 0..3 {
        let pending = spool.pending(usize::MAX, 1).unwrap().unwrap();
        spool.acknowledge(&pending, 1).unwrap();
    }
    drop(spool);
    let path = folder.path().join("position");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xFF;
        fs::write(&path, &damaged).unwrap();
        let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
        let first = spool.pending(usize::MAX, 1).unwrap().unwrap().frames[0].seq;
        // Three were acknowledged; at worst the third is sent again.
        assert!(first == 3 || first == 4, "{at}: {first}");
    }
}

#[test]
fn a_segment_that_was_taken_away_is_passed_over() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::open(folder.path(), SMALL).unwrap();
    push(&mut spool, 0..20);
    fs::remove_file(segment::path(folder.path(), 1)).unwrap();
    let seen = drain(&mut spool);
    assert_eq!(seen.last(), Some(&19));
    assert!(seen[0] > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damage_never_panics_and_never_gives_wrong_frames(
        at in any::<prop::sample::Index>(),
        value: u8,
    ) {
        let folder = TempDir::new().unwrap();
        let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
        push(&mut spool, 0..4);
        drop(spool);
        let path = segment::path(folder.path(), 1);
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = value;
        fs::write(&path, &bytes).unwrap();
        let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
        let seen = drain(&mut spool);
        prop_assert!(seen.iter().copied().eq(0..seen.len() as u64));
    }
}

/// Set for the process that the next test starts and kills.
const CHILD_FOLDER: &str = "POOLWATCH_TEST_SPOOL";

/// Not a test of its own: what the killed process does.
#[test]
fn child_pushes_until_it_is_killed() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else {
        return;
    };
    let mut spool = Spool::open(Path::new(&folder), ROOMY).unwrap();
    for step in 0.. {
        let seq = spool.push(boot(), now(step), snapshot(step)).unwrap().seq;
        println!("pushed {seq}");
        if step % 5 == 4 {
            let pending = spool.pending(usize::MAX, 3).unwrap().unwrap();
            spool.acknowledge(&pending, pending.frames.len()).unwrap();
            println!("sent {}", pending.frames.last().unwrap().seq);
        }
    }
}

#[test]
fn a_killed_agent_loses_nothing_and_sends_at_most_one_batch_again() {
    let folder = TempDir::new().unwrap();
    let (mut pushed, mut sent) = (0, 0);
    for round in 0..6_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "spool::tests::child_pushes_until_it_is_killed", "--nocapture"])
            .env(CHILD_FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.by_ref().take(40 + 7 * round as usize) {
            note(&line.unwrap(), &mut pushed, &mut sent);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            note(&line.unwrap(), &mut pushed, &mut sent);
        }

        let mut spool = Spool::open(folder.path(), ROOMY).unwrap();
        let frames = spool.pending(usize::MAX, usize::MAX).unwrap().unwrap().frames;
        let seqs: Vec<u64> = frames.iter().map(|frame| frame.seq).collect();
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "no gap");
        assert!(*seqs.last().unwrap() >= pushed, "all that was pushed is there");
        // The batch whose acknowledgement was being written may be done without having been said.
        assert!((sent + 1..=sent + 4).contains(&seqs[0]), "{} after {sent}", seqs[0]);
    }
}

fn note(line: &str, pushed: &mut u64, sent: &mut u64) {
    let number = |word: &str| line.split_once(word).and_then(|(_, n)| n.parse().ok());
    if let Some(seq) = number("pushed ") {
        *pushed = seq;
    }
    if let Some(seq) = number("sent ") {
        *sent = seq;
    }
}
