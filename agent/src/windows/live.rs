//! The machine itself.

use std::collections::BTreeMap;

use poolwatch_model::{BootId, host::HostFacts, process::ProcessKey};

use super::{
    conditions::Conditions, facts, opened_process, own_use::own_use, query,
    server_service::ServerService, services::Services,
};
use crate::{
    clock::Clock,
    machine::{InfoClass, Machine, Now, OwnUse, RawBuffer, Status, grow::Buffer},
    raw::{
        layout::{self, Width},
        performance_info,
    },
};

/// Asks the Windows that it runs on. What has to be opened is opened once, at the start; buffers are
/// made then, and kept.
pub struct Live<C> {
    clock: C,
    boot: BootId,
    conditions: Conditions,
    services: Services,
    server_service: ServerService,
    buffers: BTreeMap<InfoClass, Buffer>,
}

impl<C: Clock> Live<C> {
    /// The machine, in the boot `boot`.
    #[must_use]
    pub fn new(clock: C, boot: BootId) -> Self {
        let classes = InfoClass::ALL.into_iter().filter(|class| *class != InfoClass::Handles);
        Self {
            clock,
            boot,
            conditions: Conditions::open(),
            services: Services::connect(),
            server_service: ServerService::default(),
            buffers: classes.map(|class| (class, Buffer::new(first_bytes(class)))).collect(),
        }
    }
}

/// Where a buffer begins, so that most answers fit at once.
const fn first_bytes(class: InfoClass) -> usize {
    match class {
        InfoClass::Basic => 64,
        InfoClass::Performance => 4096,
        InfoClass::PerformanceInfo => layout::performance_info(Width::OWN).size,
        InfoClass::PoolTags | InfoClass::PoolTags2 => 128 << 10,
        InfoClass::Modules => 128 << 10,
        InfoClass::ObjectTypes => 16 << 10,
        InfoClass::Processes => 512 << 10,
        InfoClass::Handles => 1 << 20,
        InfoClass::Services => 64 << 10,
        InfoClass::MemoryConditions => 8,
        InfoClass::ServerService => 4096,
    }
}

impl<C: Clock> Machine for Live<C> {
    fn query(&mut self, class: InfoClass) -> Result<RawBuffer<'_>, Status> {
        let buffer = self.buffers.entry(class).or_insert_with(|| Buffer::new(first_bytes(class)));
        let length = match class {
            InfoClass::Services => self.services.fill(buffer)?,
            InfoClass::ServerService => self.server_service.fill(buffer)?,
            InfoClass::MemoryConditions => {
                let [a, b, c, d] = self.conditions.read()?;
                buffer.words_mut()[0] = u64::from_le_bytes([a, b, c, d, 0, 0, 0, 0]);
                4
            }
            class => query::fill(class, buffer)?,
        };
        Ok(query::raw(buffer.words(), length))
    }

    fn lend_handles(
        &mut self,
        process: ProcessKey,
        read: &mut dyn FnMut(RawBuffer<'_>),
    ) -> Result<(), Status> {
        opened_process::lend_handles(process, read)
    }

    fn begin_round(&mut self) {
        // Seldom needed, and larger than all others.
        self.buffers.remove(&InfoClass::Handles);
    }

    fn boot(&self) -> BootId {
        self.boot
    }

    fn now(&self) -> Now {
        Now { uptime_ms: query::uptime_ms(), wall: self.clock.wall() }
    }

    fn facts(&self) -> HostFacts {
        let mut buffer = Buffer::new(first_bytes(InfoClass::PerformanceInfo));
        let physical = query::fill(InfoClass::PerformanceInfo, &mut buffer)
            .ok()
            .and_then(|length| performance_info::parse(query::raw(buffer.words(), length)).ok())
            .and_then(|memory| memory.physical);
        HostFacts { physical, ..facts::facts() }
    }

    fn own_use(&self) -> Option<OwnUse> {
        own_use()
    }
}
