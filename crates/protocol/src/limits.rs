//! Sizes beyond which input is refused. Both ends hold to them.

/// One frame as sent, compressed.
pub const FRAME_BYTES: usize = 4 << 20;
/// One envelope, after decompression.
pub const ENVELOPE_BYTES: usize = 16 << 20;
/// One upload of frames.
pub const BATCH_BYTES: usize = 16 << 20;
/// Frames in one upload.
pub const BATCH_FRAMES: usize = 1024;
/// One upload in JSON (events, inventory, a snapshot from a script).
pub const JSON_BYTES: usize = 4 << 20;
/// Events in one upload.
pub const EVENTS: usize = 1000;
/// Events that a host sends in a day.
pub const EVENTS_A_DAY: usize = 20_000;
/// Boots of a host that the server learns of in a day.
pub const BOOTS_A_DAY: usize = 1_000;
/// Insertion strings of an event.
pub const EVENT_DATA: usize = 64;
/// Bytes of any text of an event.
pub const EVENT_TEXT_BYTES: usize = 8 << 10;
/// Bytes of a pooltag.txt that a host offers; the vendor's has 400 kB.
pub const TAG_LIST_BYTES: usize = 1 << 20;
/// Scans of driver files in one upload.
pub const SCANS: usize = 64;
/// Scans that a host sends in a day.
pub const SCANS_A_DAY: usize = 2_000;
/// Tags of one scan.
pub const SCAN_TAGS: usize = 512;
/// Rows of a tag table. Kernels have some thousands of tags.
pub const TAGS: usize = 65_536;
/// Processes of a host.
pub const PROCESSES: usize = 65_536;
/// Kernel object types of a host. Windows has about seventy.
pub const OBJECT_TYPES: usize = 1024;
/// Processes of a frame whose operations are told, those with the most.
pub const ACTIVE_PROCESSES: usize = 64;
/// Processes of a frame whose handles are told by type.
pub const EXAMINED_PROCESSES: usize = 32;
/// Counts of handles by process and type in a frame.
pub const HANDLE_COUNTS: usize = 2048;
/// Services in one process.
pub const SERVICES: usize = 512;
/// Services in all processes of one frame. A terminal server has some thousand.
pub const SERVICES_IN_ALL: usize = 16_384;
/// Bytes of a name (image, service, object type).
pub const NAME_BYTES: usize = 1024;
/// Faults in one snapshot.
pub const FAULTS: usize = 64;
/// Milliseconds since a boot: fifty years.
pub const UPTIME_MS: u64 = 50 * 366 * 86_400_000;
/// Boots whose frames are in one upload.
pub const BATCH_BOOTS: usize = 64;
/// Delta frames between two key frames: bounds what one lost frame can make unreadable.
pub const DELTA_CHAIN: u32 = 59;
