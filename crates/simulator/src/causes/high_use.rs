//! A network driver takes contiguous buffers at start and keeps them: much, but no leak.

use poolwatch_model::{
    Pool::Nonpaged,
    PoolTag,
    diagnosis::{SuspectKind, Verdict},
};

use super::cause::{Cause, Description, Growth, Moment};
use crate::{hosts::HostPlan, picture::Picture, truth::Culprit};

const TAG: PoolTag = PoolTag::new(*b"MmCm");
const BUFFERS: u64 = 288;
const BUFFER_BYTES: u64 = 8 << 20;
const DRIVER: (&str, &str, &str) = ("qnic100.sys", "3.2.11.0", "Quantic Networks");

#[derive(Debug)]
pub(super) struct NetworkBuffers;

impl Cause for NetworkBuffers {
    fn describe(&self) -> Option<Description> {
        Some(Description {
            id: "high_use",
            verdict: Verdict::HighUse,
            pool: Some(Nonpaged),
            tags: vec![TAG],
            culprit: Culprit {
                kind: SuspectKind::Driver,
                name: DRIVER.0.into(),
                service: None,
                version: Some(DRIVER.1.into()),
                healthy_version: None,
                object_type: None,
            },
        })
    }

    fn growth(&self, plan: &HostPlan) -> Growth {
        let start_s = plan.boots.running_at(0).map_or(0, |boot| boot.start_s);
        Growth { start_s, ..Growth::default() }
    }

    fn apply(&self, _moment: &Moment<'_>, picture: &mut Picture) {
        picture.allocate(TAG, Nonpaged, BUFFERS, BUFFER_BYTES, 0);
    }

    fn driver(&self) -> Option<(&'static str, &'static str, &'static str)> {
        Some(DRIVER)
    }
}
