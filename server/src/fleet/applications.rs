//! Programs over all hosts, by image name.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;
use poolwatch_model::HostId;

use super::{
    baselines::Window,
    hours,
    interner::{NameId, StringInterner},
    processes::{HostProcesses, split},
    top_k::TopK,
};

/// Services of a program that are told, the first by name.
const SERVICES: usize = 100;
/// Hours for which handles are remembered.
const HOURS: usize = 25;

/// One program over all hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Image name.
    pub image: Arc<str>,
    /// Hosts that run it.
    pub hosts: u32,
    /// Processes, all hosts together.
    pub processes: u64,
    /// Open handles, all processes together.
    pub handles: u64,
    /// Handles of the process that has most.
    pub most_handles: u32,
    /// Where that process runs.
    pub most_on: Option<HostId>,
    /// Threads, all processes together.
    pub threads: u64,
    /// Services that its processes hold on any host, by name.
    pub services: Vec<String>,
    /// The hosts whose processes of this image have most handles together, those first.
    pub top: Vec<(HostId, u64)>,
    growth: [Option<i64>; 2],
}

impl Application {
    /// Handles more, or less, all hosts together, than at the beginning of a window. `None` when
    /// the server has not run for that long, and for a week.
    #[must_use]
    pub fn growth(&self, window: Window) -> Option<i64> {
        self.growth.get(window as usize).copied().flatten()
    }
}

/// Adds up programs, host by host.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By the image's number.
    images: Vec<Image>,
    /// Images of the host at hand.
    own: Vec<usize>,
}

#[derive(Debug, Default, Clone)]
struct Image {
    hosts: u32,
    processes: u64,
    handles: u64,
    most_handles: u32,
    most_on: Option<HostId>,
    threads: u64,
    services: BTreeSet<NameId>,
    top: TopK,
    /// Handles on the host at hand, once it was seen there.
    own: Option<u64>,
}

impl Tally {
    pub(super) fn add(&mut self, host: HostId, processes: &HostProcesses) {
        for one in processes.cells() {
            let at = one.image.index();
            if at >= self.images.len() {
                self.images.resize(at + 1, Image::default());
            }
            let handles = one.handles.unwrap_or_default();
            let image = &mut self.images[at];
            image.processes += 1;
            image.handles += u64::from(handles);
            image.threads += u64::from(one.threads.unwrap_or_default());
            if handles > image.most_handles {
                (image.most_handles, image.most_on) = (handles, Some(host));
            }
            if image.own.is_none() {
                self.own.push(at);
            }
            *image.own.get_or_insert(0) += u64::from(handles);
        }
        for (image, services) in processes.services() {
            self.images[image.index()].services.insert(services);
        }
        for at in self.own.drain(..) {
            let image = &mut self.images[at];
            image.hosts += 1;
            image.top.offer(host, image.own.take().unwrap_or_default());
        }
    }

    /// Every program, by image name.
    pub(super) fn finish(
        self,
        names: &StringInterner,
        past: &mut Past,
        now: Timestamp,
    ) -> Vec<Application> {
        let running = self.images.into_iter().enumerate().filter(|(_, image)| image.hosts > 0);
        let mut applications: Vec<Application> = running
            .map(|(id, image)| Application {
                image: names.at(id),
                hosts: image.hosts,
                processes: image.processes,
                handles: image.handles,
                most_handles: image.most_handles,
                most_on: image.most_on,
                threads: image.threads,
                services: services(&image.services, names),
                top: image.top.into_list(),
                growth: [None; 2],
            })
            .collect();
        applications.sort_unstable_by(|a, b| a.image.cmp(&b.image));
        past.keep(&applications, now);
        for one in &mut applications {
            one.growth = [past.growth(one, 1), past.growth(one, 24)];
        }
        applications
    }
}

fn services(lists: &BTreeSet<NameId>, names: &StringInterner) -> Vec<String> {
    let all: BTreeSet<String> =
        lists.iter().flat_map(|list| split(&names.at(list.index()))).collect();
    all.into_iter().take(SERVICES).collect()
}

/// Handles by image in the last hours, since the server started.
#[derive(Debug, Default)]
pub(super) struct Past(VecDeque<(u32, HashMap<Arc<str>, u64>)>);

impl Past {
    fn keep(&mut self, applications: &[Application], now: Timestamp) {
        let hour = hours::number(now);
        if self.0.back().is_none_or(|(last, _)| *last < hour) {
            let handles = applications.iter().map(|one| (one.image.clone(), one.handles));
            self.0.push_back((hour, handles.collect()));
            if self.0.len() > HOURS {
                self.0.pop_front();
            }
        }
    }

    fn growth(&self, one: &Application, hours: u32) -> Option<i64> {
        let (now, _) = self.0.back()?;
        let (_, then) = self.0.iter().find(|(hour, _)| *hour + hours == *now)?;
        let then = *then.get(&one.image)?;
        Some(poolwatch_analysis::growth::difference(then, one.handles))
    }
}
