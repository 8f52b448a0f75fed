use poolwatch_model::BootId;
use uuid::Uuid;

use super::*;
use crate::{
    capture::{Capture, OwnedBuffer},
    clock::SystemClock,
    events::Place,
    machine::{InfoClass, Status, replay::Replay},
    own_use::own_use,
    synthetic::{X64, small_capture},
};

fn checked(capture: Capture, own: Option<Own>) -> Vec<Check> {
    let clock = SystemClock::start();
    let replay = Replay::new(capture, clock, BootId(Uuid::nil()), None);
    let mut machine = replay.measured_by(own_use);
    run(&mut machine, &clock, own, None)
}

fn outcome(checks: &[Check], name: &str) -> Outcome {
    checks.iter().find(|check| check.name == name).unwrap().outcome
}

#[test]
fn a_healthy_machine_passes() {
    let own = Own { pid: 1204, handles: 1_490 };
    let checks = checked(small_capture(), Some(own));
    // The capture was not made with every handle of every process.
    let bad: Vec<&Check> = checks
        .iter()
        .filter(|check| check.outcome != Outcome::Good && check.name != "handles")
        .collect();
    assert_eq!(bad, [] as [&Check; 0]);
    let text = report(&small_capture().facts, Timestamp::UNIX_EPOCH, &checks);
    assert!(text.contains("Windows Server 2022 10.0.20348.0"), "{text}");
    assert!(!text.contains("fs-02"), "the host is not named: {text}");
}

#[test]
fn tags_that_do_not_sum_up_to_the_pool_are_bad() {
    let mut capture = small_capture();
    for round in &mut capture.rounds {
        let bytes = X64.pool_tags(&[poolwatch_model::tag::TagUse {
            tag: poolwatch_model::PoolTag::new(*b"Thre"),
            paged: Default::default(),
            nonpaged: Default::default(),
        }]);
        round.answers.insert(InfoClass::PoolTags, Ok(OwnedBuffer { bytes, base: 0 }));
    }
    assert_eq!(outcome(&checked(capture, None), "pool tags"), Outcome::Bad);
}

#[test]
fn what_a_machine_does_not_offer_is_no_failure_and_what_fails_is_one() {
    for (class, name) in [
        (InfoClass::PoolTags, "pool tags"),
        (InfoClass::Services, "services"),
        (InfoClass::ServerService, "server service"),
        (InfoClass::Modules, "drivers"),
        (InfoClass::Handles, "handles"),
        (InfoClass::MemoryConditions, "memory conditions"),
        (InfoClass::ObjectTypes, "object types"),
    ] {
        for (status, expected) in [
            (Status::INVALID_INFO_CLASS, Outcome::NotAvailable),
            (Status::INSUFFICIENT_RESOURCES, Outcome::Bad),
        ] {
            let mut capture = small_capture();
            for round in &mut capture.rounds {
                round.answers.insert(class, Err(status));
            }
            assert_eq!(outcome(&checked(capture, None), name), expected, "{name} {status}");
        }
    }
}

#[test]
fn a_process_that_is_gone_from_the_list_is_said() {
    let checks = checked(small_capture(), Some(Own { pid: 99, handles: 10 }));
    assert_eq!(outcome(&checks, "own handles"), Outcome::Bad);
}

struct Log {
    records: Vec<String>,
    at: usize,
    heeds_bookmarks: bool,
}

impl EventLog for Log {
    fn subscribe(&mut self, after: Option<&Place>) -> Result<bool, Status> {
        self.at = match after {
            Some(place) if self.heeds_bookmarks => place.bookmark.parse().unwrap(),
            _ => 0,
        };
        Ok(false)
    }

    fn next(&mut self) -> Result<Vec<Result<String, Status>>, Status> {
        let rest = self.records[self.at..].iter().cloned().map(Ok).collect();
        self.at = self.records.len();
        Ok(rest)
    }

    fn bookmark(&mut self) -> Result<Option<String>, Status> {
        Ok(Some(self.at.to_string()))
    }
}

#[test]
fn a_log_is_read_back_past_its_bookmark() {
    let record = |number: u32| {
        format!(
            "<Event><System><Provider Name='EventLog'/><EventID>6005</EventID>\
             <TimeCreated SystemTime='2026-03-01T10:20:30Z'/><EventRecordID>{number}\
             </EventRecordID><Channel>System</Channel></System></Event>"
        )
    };
    let records = vec![record(7), record(8)];
    for (heeds_bookmarks, expected) in [(true, Outcome::Good), (false, Outcome::Bad)] {
        let mut log = Log { records: records.clone(), at: 0, heeds_bookmarks };
        let check = Check::new("event log", read_back::event_log(&mut log));
        assert_eq!(check.outcome, expected, "{}", check.seen);
    }
}
