//! One program over all hosts, as of this moment.

use std::collections::BTreeSet;

use poolwatch_model::HostId;

use super::{Fleet, host::LiveHost, interner::NameId, processes::split};

/// What a host runs of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningProgram {
    /// The host.
    pub host: HostId,
    /// Processes of it.
    pub processes: u32,
    /// Open handles, all of them together.
    pub handles: u64,
    /// Handles of the process that has most.
    pub most_handles: u32,
    /// That process.
    pub most_pid: u32,
    /// Threads, all of them together.
    pub threads: u64,
    /// Services that they hold, by name.
    pub services: Vec<String>,
}

impl Fleet {
    /// What every host runs of a program, by host. Looks at every process in memory, some
    /// nanoseconds each: call it beside the threads that answer requests.
    #[must_use]
    pub fn running(&self, image: &str) -> Vec<RunningProgram> {
        let wanted = self.shared().names.marks(|name| name.eq_ignore_ascii_case(image));
        if !wanted.contains(&true) {
            return Vec::new();
        }
        self.all().iter().filter_map(|live| self.running_on(live, &wanted)).collect()
    }

    fn running_on(&self, live: &LiveHost, wanted: &[bool]) -> Option<RunningProgram> {
        let state = live.read();
        let processes = state.tables()?.processes.as_ref()?;
        let is_wanted = |image: NameId| wanted.get(image.index()) == Some(&true);
        let mut found: Option<RunningProgram> = None;
        for one in processes.cells().filter(|one| is_wanted(one.image)) {
            let running = found.get_or_insert_with(|| RunningProgram {
                host: live.id,
                processes: 0,
                handles: 0,
                most_handles: 0,
                most_pid: one.pid,
                threads: 0,
                services: Vec::new(),
            });
            let handles = one.handles.unwrap_or_default();
            running.processes += 1;
            running.handles += u64::from(handles);
            running.threads += u64::from(one.threads.unwrap_or_default());
            if handles > running.most_handles {
                (running.most_handles, running.most_pid) = (handles, one.pid);
            }
        }
        let names = &self.shared().names;
        let services: BTreeSet<String> = processes
            .services()
            .filter(|(image, _)| is_wanted(*image))
            .flat_map(|(_, services)| split(&names.get(services)))
            .collect();
        found.map(|running| RunningProgram { services: services.into_iter().collect(), ..running })
    }
}
