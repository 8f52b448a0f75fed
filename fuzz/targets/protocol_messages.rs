//! JSON messages of agents and scripts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_protocol::v1::messages::{
    EnrolRequest, EventsRequest, InventoryRequest, SnapshotUpload,
};

fuzz_target!(|data: &[u8]| {
    let _refused = serde_json::from_slice::<EnrolRequest>(data);
    let _refused = serde_json::from_slice::<EventsRequest>(data);
    let _refused = serde_json::from_slice::<InventoryRequest>(data);
    let _refused = serde_json::from_slice::<SnapshotUpload>(data);
});
