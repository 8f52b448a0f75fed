//! What is installed: driver files are read, hashed and scanned, the registry is asked, all on a thread
//! of the lowest priority that is made at the start. Sampling and sending wait for none of it.

mod files;
mod tag_list;

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use poolwatch_model::{
    driver_scan::DriverScan,
    inventory::{Driver, Inventory, TagListFile},
};
use poolwatch_protocol::{limits, v1::messages::TagListRequest};
use tracing::debug;

use crate::system_folders::SystemFolders;
use files::{DriverFiles, Read};

/// Scans of one upload.
const SCANS: usize = 16;
const _: () = assert!(SCANS <= limits::SCANS);
/// After a file the thread rests so many times as long as the file took, and so long at least.
const REST: u32 = 3;
const SHORTEST_REST: Duration = Duration::from_millis(20);
/// How often it looks whether memory can be had again.
const PATIENCE: Duration = Duration::from_secs(2);
/// Jobs that wait.
const JOBS: usize = 2;

/// What the thread is asked for.
#[derive(Debug)]
enum Job {
    Survey(Vec<Driver>),
    Scan(Vec<Driver>),
    LoadTagList(TagListFile),
}

/// What the thread found.
#[derive(Debug)]
pub enum Found {
    /// What is installed.
    Inventory(Box<Inventory>),
    /// Scans of driver files.
    Scans(Vec<DriverScan>),
    /// A pooltag.txt.
    TagList(TagListRequest),
}

/// Adds to an inventory what Windows tells besides drivers: of the registry, and which programs run.
pub type AskWindows = fn(&mut Inventory);

/// The thread that surveys the machine.
#[derive(Debug)]
pub struct Survey {
    jobs: SyncSender<Job>,
    found: Mutex<Receiver<Found>>,
    is_short: Arc<AtomicBool>,
}

impl Survey {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there are no resources for it.
    pub fn start(folders: SystemFolders, ask_windows: AskWindows) -> io::Result<Arc<Self>> {
        let (jobs, queue) = mpsc::sync_channel(JOBS);
        let (findings, found) = mpsc::channel();
        let is_short = Arc::new(AtomicBool::new(false));
        let mut worker = Worker {
            files: DriverFiles::new(folders.clone()),
            folders,
            ask_windows,
            is_short: Arc::clone(&is_short),
        };
        thread::Builder::new().name("survey".into()).spawn(move || {
            #[cfg(windows)]
            crate::windows::begin_background_work();
            while let Ok(job) = queue.recv() {
                if worker.work(job, |one| findings.send(one).is_ok()).is_none() {
                    break;
                }
            }
        })?;
        Ok(Arc::new(Self { jobs, found: Mutex::new(found), is_short }))
    }

    /// Asks for what is installed, these drivers among it. Returns whether the thread could be asked.
    pub fn ask(&self, drivers: Vec<Driver>) -> bool {
        self.jobs.try_send(Job::Survey(drivers)).is_ok()
    }

    /// Asks for scans of these drivers. Returns whether the thread could be asked.
    pub fn ask_for_scans(&self, drivers: Vec<Driver>) -> bool {
        self.jobs.try_send(Job::Scan(drivers)).is_ok()
    }

    /// Asks for the text of a pooltag.txt. Returns whether the thread could be asked.
    pub fn ask_for_tag_list(&self, file: TagListFile) -> bool {
        self.jobs.try_send(Job::LoadTagList(file)).is_ok()
    }

    /// What was found, if anything is there now.
    pub fn found(&self) -> Option<Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).try_recv().ok()
    }

    /// Says whether the kernel is short of memory: no file is read then.
    pub fn heed_shortage(&self, is_short: bool) {
        self.is_short.store(is_short, Relaxed);
    }
}

struct Worker {
    files: DriverFiles,
    folders: SystemFolders,
    ask_windows: AskWindows,
    is_short: Arc<AtomicBool>,
}

impl Worker {
    /// Does a job and hands on what it found; `None` when nobody hears it any more.
    fn work(&mut self, job: Job, mut tell: impl FnMut(Found) -> bool) -> Option<()> {
        match job {
            Job::Survey(mut drivers) => {
                for driver in &mut drivers {
                    self.one_at_a_time(|files| files.describe(driver));
                }
                drivers.sort();
                let mut inventory = Inventory { drivers, ..Inventory::default() };
                (self.ask_windows)(&mut inventory);
                for program in &mut inventory.program_files {
                    self.one_at_a_time(|files| files.describe_program(program));
                }
                inventory.tag_list = tag_list::find(&self.folders);
                self.files.forget_all_but(&inventory);
                tell(Found::Inventory(Box::new(inventory))).then_some(())
            }
            Job::LoadTagList(file) => match tag_list::load(&file) {
                Some(list) => tell(Found::TagList(list)).then_some(()),
                None => Some(()),
            },
            Job::Scan(drivers) => {
                for some in drivers.chunks(SCANS) {
                    let scan = |driver: &Driver| {
                        let mut scan = None;
                        self.one_at_a_time(|files| {
                            let (read, found) = files.scan(driver);
                            scan = found;
                            read
                        });
                        scan
                    };
                    let scans: Vec<DriverScan> = some.iter().filter_map(scan).collect();
                    if !scans.is_empty() && !tell(Found::Scans(scans)) {
                        return None;
                    }
                }
                Some(())
            }
        }
    }

    /// Works on a file once memory can be had, and rests after one that was read.
    fn one_at_a_time(&mut self, work: impl FnOnce(&mut DriverFiles) -> Read) {
        while self.is_short.load(Relaxed) {
            thread::sleep(PATIENCE);
        }
        let began = Instant::now();
        if work(&mut self.files) == Read::Whole {
            let took = began.elapsed();
            debug!(?took, "Read a driver's file");
            thread::sleep((took * REST).max(SHORTEST_REST));
        }
    }
}

#[cfg(test)]
mod tests;
