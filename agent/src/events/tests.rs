use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::Arc, sync::Mutex};

use tempfile::TempDir;

use super::*;
use crate::spool::SpooledEvent;

fn record(number: u64, provider: &str, id: u32) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
         <Provider Name='{provider}'/><EventID Qualifiers='49152'>{id}</EventID><Level>2</Level>\
         <TimeCreated SystemTime='2026-03-01T10:20:30.1234567Z'/>\
         <EventRecordID>{number}</EventRecordID><Channel>System</Channel>\
         <Computer>fs-02.example.net</Computer></System><EventData/></Event>"
    )
}

/// A log in memory: records by number, some of the oldest perhaps gone.
#[derive(Default)]
struct FakeLog {
    records: Vec<(u64, String)>,
    /// Statuses that the next calls of `next` fail with.
    failures: VecDeque<Status>,
    at: u64,
}

/// A log that outlives its readers.
#[derive(Clone, Default)]
struct SharedLog(Arc<Mutex<FakeLog>>);

impl EventLog for SharedLog {
    fn subscribe(&mut self, after: Option<&str>) -> Result<(), Status> {
        let mut log = self.0.lock().unwrap();
        let after: Option<u64> = after.map(|text| text.parse().unwrap());
        if after.is_some_and(|after| !log.records.iter().any(|(number, _)| *number == after)) {
            return Err(BOOKMARK_GONE);
        }
        log.at = after.unwrap_or(0);
        Ok(())
    }

    fn next(&mut self) -> Result<Vec<String>, Status> {
        let mut log = self.0.lock().unwrap();
        if let Some(status) = log.failures.pop_front() {
            return Err(status);
        }
        let at = log.at;
        let found = log.records.iter().find(|(number, _)| *number > at).cloned();
        Ok(found
            .into_iter()
            .map(|(number, xml)| {
                log.at = number;
                xml
            })
            .collect())
    }

    fn bookmark(&mut self) -> Result<String, Status> {
        Ok(self.0.lock().unwrap().at.to_string())
    }
}

/// Keeps numbers, and ends after some calls: as a kill would, before the bookmark is moved.
struct Disk {
    kept: Rc<RefCell<Vec<(u64, bool)>>>,
    refusals: u32,
    states: Vec<Result<(), Status>>,
    pauses: u32,
    /// Calls of `has_ended` until it has.
    life: std::cell::Cell<u32>,
}

impl Disk {
    fn new(life: u32) -> Self {
        Self {
            kept: Rc::default(),
            refusals: 0,
            states: vec![],
            pauses: 0,
            life: std::cell::Cell::new(life),
        }
    }
}

impl Receiver for Disk {
    fn keep(&mut self, events: Vec<SpooledEvent>) -> Kept {
        if self.refusals > 0 {
            self.refusals -= 1;
            return Kept::No;
        }
        let numbers = events.iter().map(|each| (each.event.record_id, each.gap_before));
        self.kept.borrow_mut().extend(numbers);
        Kept::Yes
    }

    fn state(&mut self, state: Result<(), Status>) {
        self.states.push(state);
    }

    fn has_ended(&self) -> bool {
        let left = self.life.get();
        self.life.set(left.saturating_sub(1));
        left == 0
    }

    fn pause(&mut self) {
        self.pauses += 1;
    }
}

fn log_of(numbers: impl IntoIterator<Item = u64>) -> SharedLog {
    let records = numbers.into_iter().map(|number| (number, record(number, "Srv", 2019))).collect();
    SharedLog(Arc::new(Mutex::new(FakeLog { records, ..FakeLog::default() })))
}

fn read(log: &SharedLog, folder: &TempDir, mut disk: Disk) -> Disk {
    Reader::new(log.clone(), Bookmark::open(folder.path()).unwrap()).run(&mut disk);
    disk
}

fn numbers(disk: &Disk) -> Vec<u64> {
    disk.kept.borrow().iter().map(|(number, _)| *number).collect()
}

#[test]
fn the_first_start_reads_all_and_the_next_goes_on() {
    let folder = TempDir::new().unwrap();
    let log = log_of(1..=3);
    assert_eq!(numbers(&read(&log, &folder, Disk::new(10))), [1, 2, 3]);
    assert_eq!(numbers(&read(&log, &folder, Disk::new(10))), [0; 0]);
    log.0.lock().unwrap().records.push((4, record(4, "Srv", 2020)));
    assert_eq!(numbers(&read(&log, &folder, Disk::new(10))), [4]);
}

#[test]
fn a_reader_that_ends_at_any_moment_loses_nothing() {
    for life in 0..12 {
        let folder = TempDir::new().unwrap();
        let log = log_of(1..=5);
        let mut seen = numbers(&read(&log, &folder, Disk::new(life)));
        seen.extend(numbers(&read(&log, &folder, Disk::new(20))));
        seen.dedup();
        assert_eq!(seen, [1, 2, 3, 4, 5], "{life}");
    }
}

#[test]
fn what_the_disk_refuses_is_offered_again() {
    let folder = TempDir::new().unwrap();
    let disk = Disk { refusals: 3, ..Disk::new(12) };
    let disk = read(&log_of(1..=2), &folder, disk);
    assert_eq!((numbers(&disk), disk.pauses), (vec![1, 2], 3));
}

#[test]
fn a_disk_that_refuses_for_ever_holds_the_bookmark_back() {
    let folder = TempDir::new().unwrap();
    let log = log_of(1..=2);
    read(&log, &folder, Disk { refusals: u32::MAX, ..Disk::new(12) });
    assert_eq!(numbers(&read(&log, &folder, Disk::new(12))), [1, 2]);
}

#[test]
fn a_bookmark_whose_record_is_gone_is_a_gap_and_reading_goes_on() {
    let folder = TempDir::new().unwrap();
    read(&log_of(1..=3), &folder, Disk::new(10));
    let disk = read(&log_of(7..=8), &folder, Disk::new(10));
    assert_eq!(*disk.kept.borrow(), [(7, true), (8, false)]);
    assert_eq!(disk.states, [Ok(())]);
}

#[test]
fn a_log_that_fails_is_said_and_subscribed_to_again() {
    let folder = TempDir::new().unwrap();
    let log = log_of(1..=3);
    let stale = Status::failure(15011);
    log.0.lock().unwrap().failures.push_back(stale);
    let disk = read(&log, &folder, Disk::new(12));
    assert_eq!(disk.states, [Ok(()), Err(stale), Ok(())]);
    assert_eq!(numbers(&disk), [1, 2, 3]);
}

#[test]
fn where_there_is_no_log_the_reader_says_so_and_ends() {
    struct NoLog;
    impl EventLog for NoLog {
        fn subscribe(&mut self, _: Option<&str>) -> Result<(), Status> {
            Err(Status::NOT_FOUND)
        }
        fn next(&mut self) -> Result<Vec<String>, Status> {
            unreachable!()
        }
        fn bookmark(&mut self) -> Result<String, Status> {
            unreachable!()
        }
    }
    let folder = TempDir::new().unwrap();
    let mut disk = Disk::new(u32::MAX);
    Reader::new(NoLog, Bookmark::open(folder.path()).unwrap()).run(&mut disk);
    assert_eq!(disk.states, [Err(Status::NOT_FOUND)]);
}

#[test]
fn ids_count_only_from_their_provider() {
    for (provider, id, is_wanted) in [
        ("srv", 2019, true),
        ("Srv", 2011, true),
        ("Microsoft-Windows-Resource-Exhaustion-Detector", 2004, true),
        ("Microsoft-Windows-Kernel-Power", 41, true),
        ("EventLog", 6008, true),
        ("User32", 1074, true),
        ("SomeBackup", 2019, false),
        ("SomeBackup", 41, false),
    ] {
        assert_eq!(wanted(&record(1, provider, id)).is_some(), is_wanted, "{provider} {id}");
        assert!(
            QUERY.contains(&format!("EventID={id} ")) || QUERY.contains(&format!("EventID={id})"))
        );
    }
    assert_eq!(wanted("<Event"), None);
}

#[test]
fn an_event_keeps_to_what_the_server_takes() {
    let data = format!("<EventData>{}</EventData>", "<Data>ä</Data>".repeat(200));
    let long = format!("<EventData><Data>{}</Data></EventData>", "ä".repeat(20_000));
    let xml = record(1, "Srv", 2019);
    let many = wanted(&xml.replace("<EventData/>", &data)).unwrap();
    assert_eq!(many.data.len(), limits::EVENT_DATA);
    let long = wanted(&xml.replace("<EventData/>", &long)).unwrap();
    assert_eq!(long.data[0].len(), limits::EVENT_TEXT_BYTES);
}

#[test]
fn a_log_that_never_lets_itself_be_read_is_tried_for_as_long_as_the_agent_runs() {
    struct Refusing;
    impl EventLog for Refusing {
        fn subscribe(&mut self, _: Option<&str>) -> Result<(), Status> {
            Err(Status::INSUFFICIENT_RESOURCES)
        }
        fn next(&mut self) -> Result<Vec<String>, Status> {
            unreachable!()
        }
        fn bookmark(&mut self) -> Result<String, Status> {
            unreachable!()
        }
    }
    let folder = TempDir::new().unwrap();
    let mut disk = Disk::new(7);
    Reader::new(Refusing, Bookmark::open(folder.path()).unwrap()).run(&mut disk);
    assert_eq!((disk.states.len(), disk.pauses), (7, 7));
    assert!(disk.states.iter().all(|state| *state == Err(Status::INSUFFICIENT_RESOURCES)));
}
