use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::Arc, sync::Mutex};

use tempfile::TempDir;

use super::*;
use crate::{clock::SystemClock, spool::SpooledEvent};

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
    /// Statuses with which strict subscriptions fail.
    refusals: VecDeque<Status>,
    /// Records that cannot be rendered, and why.
    poison: Vec<(u64, Status)>,
    /// The oldest record of any kind; the oldest of `records` when none is set.
    oldest: Option<String>,
    at: u64,
    waits: u32,
    strict: Vec<bool>,
    at_once: Vec<usize>,
}

/// A scripted API of a log that outlives its readers. A handle is a record's number, or text.
#[derive(Clone, Default)]
struct SharedLog(Arc<Mutex<FakeLog>>);

impl LogCalls for SharedLog {
    type Handle = Arc<Mutex<u64>>;

    fn create_bookmark(&mut self, text: Option<&str>) -> Result<Self::Handle, Status> {
        let number = text.map_or(Ok(0), |text| text.parse().map_err(|_| Status::failure(13)))?;
        Ok(Arc::new(Mutex::new(number)))
    }

    fn subscribe(
        &mut self,
        after: Option<&Self::Handle>,
        strict: bool,
    ) -> Result<Self::Handle, Status> {
        let mut log = self.0.lock().unwrap();
        log.strict.push(strict);
        let after = after.map(|after| *after.lock().unwrap());
        let is_there = |after| log.records.iter().any(|(number, _)| *number == after);
        if strict && after.is_some_and(|after| !is_there(after)) {
            return Err(Status::failure(1168));
        }
        if strict && let Some(status) = log.refusals.pop_front() {
            return Err(status);
        }
        log.at = after.unwrap_or(0);
        Ok(Arc::default())
    }

    fn next(&mut self, _: &Self::Handle, most: usize) -> Result<Vec<Self::Handle>, Status> {
        let mut log = self.0.lock().unwrap();
        log.at_once.push(most);
        if let Some(status) = log.failures.pop_front() {
            return Err(status);
        }
        let at = log.at;
        let found = log.records.iter().find(|(number, _)| *number > at).map(|(number, _)| *number);
        log.at = found.unwrap_or(at);
        Ok(found.into_iter().map(|number| Arc::new(Mutex::new(number))).collect())
    }

    fn render(&mut self, record: &Self::Handle) -> Result<String, Status> {
        let (log, wanted) = (self.0.lock().unwrap(), *record.lock().unwrap());
        if let Some((_, status)) = log.poison.iter().find(|(number, _)| *number == wanted) {
            return Err(*status);
        }
        Ok(log.records.iter().find(|(number, _)| *number == wanted).unwrap().1.clone())
    }

    fn render_bookmark(&mut self, bookmark: &Self::Handle) -> Result<String, Status> {
        Ok(bookmark.lock().unwrap().to_string())
    }

    fn update_bookmark(&mut self, to: &Self::Handle, record: &Self::Handle) -> Result<(), Status> {
        *to.lock().unwrap() = *record.lock().unwrap();
        Ok(())
    }

    fn oldest(&mut self) -> Result<String, Status> {
        let log = self.0.lock().unwrap();
        let first = log.records.first().map(|(_, xml)| xml.clone());
        log.oldest.clone().or(first).ok_or(Status::failure(259))
    }

    fn wait(&mut self) {
        self.0.lock().unwrap().waits += 1;
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
    reader(SystemLog::new(log.clone()), folder).run(&mut disk);
    disk
}

fn reader<L: EventLog>(log: L, folder: &TempDir) -> Reader<L, SystemClock> {
    Reader::new(log, Bookmark::open(folder.path()).unwrap(), SystemClock::start())
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
    let log = log_of(7..=8);
    // Written after the log was read to its end.
    log.0.lock().unwrap().oldest = Some(record(7, "Srv", 2019).replace("2026-03", "2199-03"));
    let disk = read(&log, &folder, Disk::new(10));
    assert_eq!(*disk.kept.borrow(), [(7, true), (8, false)]);
    assert_eq!(disk.states, [Ok(())]);
}

#[test]
fn a_log_that_fails_is_said_and_subscribed_to_again() {
    let folder = TempDir::new().unwrap();
    let log = log_of(1..=3);
    let failed = Status::failure(1722);
    log.0.lock().unwrap().failures.push_back(failed);
    let disk = read(&log, &folder, Disk::new(12));
    assert_eq!(disk.states, [Ok(()), Err(failed), Ok(())]);
    assert_eq!(numbers(&disk), [1, 2, 3]);
}

#[test]
fn an_idle_subscription_is_healthy_and_its_signal_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let log = log_of(1..=2);
    for nothing_yet in [4317, 259, 1460, 4317] {
        log.0.lock().unwrap().failures.push_back(Status::failure(nothing_yet));
    }
    let disk = read(&log, &folder, Disk::new(10));
    assert_eq!(numbers(&disk), [1, 2]);
    assert_eq!(disk.states, [Ok(())]);
    let log = log.0.lock().unwrap();
    // Each time that nothing was there, and not before.
    assert_eq!((log.strict.len(), disk.pauses), (1, 0));
    assert!(log.waits >= 4, "{}", log.waits);
}

#[test]
fn a_place_that_is_gone_is_one_gap_and_reading_goes_on_without_strict() {
    for gone in [1168, 15011, 15012] {
        let folder = TempDir::new().unwrap();
        let log = log_of(1..=2);
        read(&log, &folder, Disk::new(10));
        {
            let mut log = log.0.lock().unwrap();
            log.records.extend([(3, record(3, "Srv", 2019)), (4, record(4, "Srv", 2019))]);
            // Both while reading and when subscribing again.
            log.refusals.extend([gone, gone].map(Status::failure));
            log.failures.push_back(Status::failure(gone));
            log.strict.clear();
            log.oldest = Some(record(1, "Srv", 7036).replace("2026-03-01", "2199-01-01"));
        }
        let disk = read(&log, &folder, Disk::new(12));
        let gaps = disk.kept.borrow().iter().filter(|(_, gap)| *gap).count();
        assert_eq!((gaps, numbers(&disk).last()), (1, Some(&4)), "{gone}");
        assert_eq!(log.0.lock().unwrap().strict, [true, false, true, false], "{gone}");
        assert!(disk.states.iter().all(Result::is_ok), "{gone}");
    }
}

#[test]
fn a_last_record_that_is_gone_by_age_alone_is_no_gap() {
    let folder = TempDir::new().unwrap();
    read(&log_of(1..=3), &folder, Disk::new(10));
    let log = log_of(7..=8);
    // What the agent does not read is there from before the log was read to its end.
    log.0.lock().unwrap().oldest = Some(record(5, "Service Control Manager", 7036));
    let disk = read(&log, &folder, Disk::new(10));
    assert_eq!(*disk.kept.borrow(), [(7, false), (8, false)]);
    assert_eq!(disk.states, [Ok(())]);
}

#[test]
fn a_record_that_cannot_be_rendered_is_skipped_and_told_as_a_gap() {
    for status in [1734, 15005, 87] {
        let folder = TempDir::new().unwrap();
        let log = log_of(1..=4);
        log.0.lock().unwrap().poison.push((2, Status::failure(status)));
        let disk = read(&log, &folder, Disk::new(12));
        assert_eq!(*disk.kept.borrow(), [(1, false), (3, true), (4, false)], "{status}");
        assert_eq!(disk.states, [Ok(())], "{status}");
        // Not met again.
        assert_eq!(numbers(&read(&log, &folder, Disk::new(12))), [0; 0], "{status}");
    }
}

#[test]
fn a_record_is_not_given_up_for_lack_of_resources() {
    for status in [8, 14, 1450, 1455, 0xC000_009A] {
        let folder = TempDir::new().unwrap();
        let log = log_of(1..=2);
        log.0.lock().unwrap().poison.push((2, Status::failure(status)));
        assert_eq!(numbers(&read(&log, &folder, Disk::new(12))), [1], "{status:#x}");
        log.0.lock().unwrap().poison.clear();
        assert_eq!(numbers(&read(&log, &folder, Disk::new(12))), [2], "{status:#x}");
    }
}

#[test]
fn records_that_are_too_much_for_one_answer_are_fetched_one_by_one() {
    let folder = TempDir::new().unwrap();
    let log = log_of(1..=3);
    log.0.lock().unwrap().failures.extend([1734, 1734].map(Status::failure));
    let disk = read(&log, &folder, Disk::new(16));
    assert_eq!(*disk.kept.borrow(), [(1, true), (2, false), (3, false)]);
    assert_eq!(log.0.lock().unwrap().at_once[..4], [32, 1, 1, 2]);
    // A log that never says anything else is a fault, and not asked without end.
    let log = log_of(1..=1);
    log.0.lock().unwrap().failures.extend(vec![Status::failure(1734); 1000]);
    let disk = read(&log, &TempDir::new().unwrap(), Disk::new(40));
    assert!(disk.pauses > 5, "{}", disk.pauses);
}

#[test]
fn a_text_that_is_no_bookmark_leads_to_the_oldest_record() {
    let folder = TempDir::new().unwrap();
    let place = Place { bookmark: "no bookmark".to_owned(), caught_up: None };
    Bookmark::open(folder.path()).unwrap().set(place).unwrap();
    let disk = read(&log_of(1..=2), &folder, Disk::new(10));
    assert_eq!(*disk.kept.borrow(), [(1, true), (2, false)]);
}

#[test]
fn a_place_is_kept_with_when_the_log_was_read_to_its_end() {
    let folder = TempDir::new().unwrap();
    let caught_up = jiff::Timestamp::from_millisecond(1_780_000_000_123).ok();
    let bookmark = "<BookmarkList>\r\n  <Bookmark Channel='System'/>\r\n</BookmarkList>".to_owned();
    for caught_up in [caught_up, None] {
        let place = Place { bookmark: bookmark.clone(), caught_up };
        Bookmark::open(folder.path()).unwrap().set(place.clone()).unwrap();
        assert_eq!(Bookmark::open(folder.path()).unwrap().get(), Some(&place));
    }
}

#[test]
fn where_there_is_no_log_the_reader_says_so_and_ends() {
    struct NoLog;
    impl EventLog for NoLog {
        fn subscribe(&mut self, _: Option<&Place>) -> Result<bool, Status> {
            Err(Status::NOT_FOUND)
        }
        fn next(&mut self) -> Result<Vec<Result<String, Status>>, Status> {
            unreachable!()
        }
        fn bookmark(&mut self) -> Result<Option<String>, Status> {
            unreachable!()
        }
    }
    let folder = TempDir::new().unwrap();
    let mut disk = Disk::new(u32::MAX);
    reader(NoLog, &folder).run(&mut disk);
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
        ("Microsoft-Windows-Setup", 2004, false),
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
        fn subscribe(&mut self, _: Option<&Place>) -> Result<bool, Status> {
            Err(Status::INSUFFICIENT_RESOURCES)
        }
        fn next(&mut self) -> Result<Vec<Result<String, Status>>, Status> {
            unreachable!()
        }
        fn bookmark(&mut self) -> Result<Option<String>, Status> {
            unreachable!()
        }
    }
    let folder = TempDir::new().unwrap();
    let mut disk = Disk::new(7);
    reader(Refusing, &folder).run(&mut disk);
    assert_eq!((disk.states.len(), disk.pauses), (7, 7));
    assert!(disk.states.iter().all(|state| *state == Err(Status::INSUFFICIENT_RESOURCES)));
}
