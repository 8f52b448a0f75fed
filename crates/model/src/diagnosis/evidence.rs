//! Observed facts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Bytes, Pool, PoolTag,
    comparison::{AttributeCounts, Change},
    memory::Ceiling,
};

/// What of a process is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Open handles.
    Handles,
    /// Threads.
    Threads,
    /// Private bytes.
    PrivateBytes,
}

/// What one process holds of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Image name.
    pub image: String,
    /// Process id.
    pub pid: u32,
    /// Handles or threads.
    pub count: u64,
}

/// Where it is known from whose a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerSource {
    /// The built-in catalogue.
    Catalogue,
    /// The administrator's pooltag.txt or note.
    Pooltag,
    /// A catalogue of publicly known leaks.
    KnownLeak,
    /// The tag's bytes stand in the driver's file.
    Scan,
    /// The tag is the beginning of the driver's name, as of a driver made with KMDF.
    DriverName,
    /// Over the fleet, the tag goes with this driver.
    Fleet,
}

/// What a shared or kernel tag means for blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Used by many drivers: the name alone points to nobody.
    Shared,
    /// A cache of Windows, which grows after a start and then holds.
    Cache,
    /// Objects of the kernel, which programs hold by handles and drivers by references.
    Objects,
    /// Nobody has described it.
    Unknown,
}

/// One observed fact that a judgement rests on. Put into words where it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Evidence {
    /// The Server service found the pool empty.
    PoolEmptyEvent {
        /// Which pool.
        pool: Pool,
        /// 2019 or 2020.
        event_id: u32,
        /// When.
        time: Timestamp,
    },
    /// The Server service met its configured limit of a pool.
    PoolLimitEvent {
        /// Which pool.
        pool: Pool,
        /// 2017 or 2018.
        event_id: u32,
        /// When.
        time: Timestamp,
    },
    /// Windows diagnosed exhausted commit (event 2004).
    CommitExhaustedEvent {
        /// When.
        time: Timestamp,
    },
    /// Commit charge against its limit.
    CommitUse {
        /// Commit charge.
        committed: Bytes,
        /// Commit limit.
        limit: Bytes,
    },
    /// Commit charge has risen steadily, and reaches its limit soon.
    CommitTrend {
        /// Growth per day.
        per_day: Bytes,
        /// Over how long it has risen, seconds.
        over_s: u64,
        /// When it reaches the limit if that goes on, seconds.
        left_s: u64,
    },
    /// A process had this much commit when it ran out.
    CommitHolder {
        /// Image name.
        image: String,
        /// Process id.
        pid: u32,
        /// Its commit charge.
        commit: Bytes,
        /// Its open handles.
        handles: u32,
    },
    /// A pool is this full.
    PoolUse {
        /// Which pool.
        pool: Pool,
        /// In use.
        used: Bytes,
        /// Its own limit, where it was measured or is the nearest bound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ceiling: Option<Ceiling>,
    },
    /// So much physical memory can still be locked, which is what nonpaged pool is made of.
    ResidentAvailable {
        /// What is left.
        left: Bytes,
        /// Physical memory.
        physical: Option<Bytes>,
    },
    /// A pool grew.
    PoolGrowth {
        /// Which pool.
        pool: Pool,
        /// Bytes more than `over_s` ago.
        grown: Bytes,
        /// Over how long, seconds.
        over_s: u64,
    },
    /// A tag holds this much of its pool.
    TagUse {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Bytes outstanding.
        bytes: Bytes,
        /// Allocations minus frees.
        outstanding: u64,
    },
    /// A tag grew.
    TagGrowth {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Bytes more than `over_s` ago.
        grown: Bytes,
        /// Over how long, seconds.
        over_s: u64,
    },
    /// A tag's outstanding allocations grew, where only counts are told or they tell more.
    ObjectGrowth {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Allocations more than `over_s` ago.
        grown: u64,
        /// Over how long, seconds; 0 when the text does not tell.
        over_s: u64,
    },
    /// The troughs of a tag rise steadily.
    TagTrend {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Growth per day by the robust slope.
        per_day: Bytes,
        /// The least that the data allow.
        least: Bytes,
        /// The most that they allow.
        most: Bytes,
        /// Over how long, seconds.
        over_s: u64,
    },
    /// Next to nothing of what a tag allocated was freed.
    HardlyFreed {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Allocations.
        allocs: u64,
        /// Frees.
        frees: u64,
    },
    /// In all this time a tag never fell back.
    NeverFell {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Over how long, seconds.
        over_s: u64,
    },
    /// Tags grow one for one, so they are one cause.
    LockStep {
        /// The tag that is compared with.
        tag: PoolTag,
        /// Those that go with it, each with its objects by one object of `tag`.
        with: Vec<(PoolTag, f32)>,
    },
    /// What a tag means for blame.
    TagMeaning {
        /// The tag.
        tag: PoolTag,
        /// What it means.
        meaning: Meaning,
    },
    /// The same tag on hosts of the same Windows build and role.
    PeerUse {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Bytes on this host.
        bytes: Bytes,
        /// Median over the peers.
        median: Bytes,
        /// How many peers.
        peers: u32,
    },
    /// A process holds this many handles.
    ProcessHandles {
        /// Image name.
        image: String,
        /// Process id.
        pid: u32,
        /// Open handles.
        handles: u32,
    },
    /// A process has this many threads.
    ProcessThreads {
        /// Image name.
        image: String,
        /// Process id.
        pid: u32,
        /// Threads.
        threads: u32,
    },
    /// Something of a process grew.
    ProcessGrowth {
        /// Image name.
        image: String,
        /// Process id.
        pid: u32,
        /// What grew.
        measure: Measure,
        /// By how much.
        grown: u64,
        /// Over how long, seconds.
        over_s: u64,
    },
    /// So many of a process's handles lead to objects of one type, as the kernel lists them.
    HandlesOfType {
        /// Image name.
        image: String,
        /// Process id.
        pid: u32,
        /// Type name (`Thread`).
        object_type: String,
        /// Its handles to objects of that type.
        handles: u32,
    },
    /// The outstanding objects of a tag and a process's handles are of one size.
    HandlesMatchObjects {
        /// Image name.
        image: String,
        /// Tag of the object type.
        tag: PoolTag,
        /// Handles of the process.
        handles: u32,
        /// Objects outstanding.
        outstanding: u64,
    },
    /// The handles of several processes together make up the outstanding objects of a tag.
    HandlesSumToObjects {
        /// Who, the largest first.
        holders: Vec<Holding>,
        /// Tag of the object type.
        tag: PoolTag,
        /// Objects outstanding.
        outstanding: u64,
    },
    /// Handles or threads of a process grew as the objects of a tag did.
    GrowsWithObjects {
        /// Image name.
        image: String,
        /// Process id.
        pid: u32,
        /// What of it grew.
        measure: Measure,
        /// By how much.
        grown: u64,
        /// The tag.
        tag: PoolTag,
        /// Objects that the tag gained meanwhile.
        objects: u64,
        /// Over how long, seconds.
        over_s: u64,
    },
    /// A tag's objects grew and nobody's handles did: references that the kernel keeps.
    NoHandlesFor {
        /// The tag.
        tag: PoolTag,
        /// Objects that the tag gained or holds.
        objects: u64,
        /// Handles that all processes gained meanwhile, or hold.
        handles: u64,
    },
    /// The handles to a tag's objects came to many programs, none of which gained many: what is loaded
    /// into all of them opens them.
    HandlesSpread {
        /// The tag.
        tag: PoolTag,
        /// Objects that the tag gained.
        objects: u64,
        /// Handles that all programs gained meanwhile.
        handles: u64,
        /// Programs that gained some.
        programs: u32,
        /// The most that one of them gained.
        most: u64,
    },
    /// More process objects than live processes: ended processes that something still references.
    MoreObjectsThanLive {
        /// The tag (`Proc`).
        tag: PoolTag,
        /// Objects outstanding.
        outstanding: u64,
        /// Live ones.
        live: u64,
    },
    /// The process serves others, who may be the true cause.
    Broker {
        /// Image name.
        image: String,
        /// Process id.
        pid: u32,
    },
    /// The processes of one program hold so many handles together.
    ProgramHandles {
        /// Image name.
        image: String,
        /// Its processes.
        processes: u32,
        /// Their open handles.
        handles: u64,
    },
    /// How likely it is that some program of a picture holds about as many handles as some tag counts
    /// objects, without the one having to do with the other.
    ChanceMatch {
        /// 0 to 1.
        chance: f32,
        /// Tags of kernel objects that were compared.
        tags: u32,
        /// Programs, and groups of programs, that they were compared with.
        programs: u32,
    },
    /// How much of a pool its tags explain.
    TagsExplain {
        /// Which pool.
        pool: Pool,
        /// Bytes of the tags that are listed.
        explained: Bytes,
        /// Bytes in use.
        used: Bytes,
    },
    /// Nothing tells how much of a pool is in use.
    PoolTotalUnknown {
        /// Which pool.
        pool: Pool,
    },
    /// A text says so of a tag, or of a pool alone, and nothing measured beside it shows it.
    TextSays {
        /// The tag, if it names one.
        tag: Option<PoolTag>,
        /// Which pool, if it tells.
        pool: Option<Pool>,
        /// Bytes outstanding, if it tells them.
        bytes: Option<Bytes>,
        /// Allocations minus frees, if it tells them.
        outstanding: Option<u64>,
        /// Whether it says that this grows or leaks.
        leaks: bool,
    },
    /// Driver Verifier stopped Windows: a driver was unloaded and left allocations behind.
    LeftAtUnload {
        /// Driver file name, if it is told.
        driver: Option<String>,
        /// Allocations that it left.
        allocations: u64,
    },
    /// The kernel stopped Windows: a process ended and a driver had left pages of it locked.
    LeftLockedPages {
        /// Driver file name, if it is told.
        driver: Option<String>,
        /// Pages that it left.
        pages: u64,
    },
    /// What Driver Verifier counts of a driver, or of all drivers, that is not freed now.
    VerifierCount {
        /// Driver file name; none of all together.
        driver: Option<String>,
        /// Which pool.
        pool: Pool,
        /// Bytes outstanding.
        bytes: Bytes,
        /// Allocations minus frees.
        outstanding: u64,
    },
    /// The texts come from several machines: what they show together shows nothing of one.
    SeveralMachines {
        /// Their names, in small letters.
        hosts: Vec<String>,
    },
    /// A table was cut off or contradicts itself: what it lacks may be what matters.
    TornTable,
    /// A pool that an event calls empty has much room by its figures: the two may be of different times.
    PoolHasRoom {
        /// Which pool.
        pool: Pool,
        /// In use.
        used: Bytes,
        /// Physical memory.
        physical: Bytes,
    },
    /// What is told of a tag was seen before the latest restart, which resolves nothing.
    BeforeRestart {
        /// The tag.
        tag: PoolTag,
    },
    /// The kernel's own process holds them: a driver's doing.
    HeldByKernel {
        /// Handles of the System process.
        handles: u32,
        /// Handles that it gained; 0 when not known.
        grown: u64,
    },
    /// Pool charged to a process's quota: a weak hint.
    QuotaCharge {
        /// Image name.
        image: String,
        /// Process id.
        pid: u32,
        /// Which pool.
        pool: Pool,
        /// Bytes charged.
        bytes: Bytes,
    },
    /// A kernel object type grew.
    ObjectTypeGrowth {
        /// Type name (`Thread`).
        name: String,
        /// Objects more.
        objects: u64,
        /// Handles more.
        handles: u64,
        /// Over how long, seconds.
        over_s: u64,
    },
    /// Whose a tag may be.
    TagOwner {
        /// The tag.
        tag: PoolTag,
        /// Driver file or part of Windows.
        owner: String,
        /// How that is known.
        source: OwnerSource,
    },
    /// A leak that is publicly known.
    KnownLeak {
        /// The tag.
        tag: PoolTag,
        /// Driver or program.
        owner: String,
        /// The versions that have it, in words.
        versions: String,
        /// Where that can be read.
        reference: String,
    },
    /// An attribute is common among affected hosts and rare among healthy ones.
    Differs(AttributeCounts),
    /// A suspect went away, and this came back.
    Release {
        /// Process image or driver.
        name: String,
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Bytes of the tag before.
        before: Bytes,
        /// Bytes of the tag after.
        after: Bytes,
        /// How long after, seconds.
        within_s: u64,
        /// When the suspect went.
        time: Timestamp,
        /// Whether that is the proof; else it refutes.
        confirms: bool,
    },
    /// A tag grew as a program worked: the more operations, the more growth, beyond the rhythm of the
    /// day that all programs share.
    GrowsWithOperations {
        /// Image name.
        image: String,
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// What the program did in that time: operations beside reads and writes.
        operations: u64,
        /// Allocations that the tag gained meanwhile.
        objects: u64,
        /// Bytes that it gained.
        bytes: Bytes,
        /// Hours in which the tag grew.
        hours: u32,
        /// Those of them in which the program was at work.
        active: u32,
        /// How closely growth follows the operations, 0 to 1: the correlation without the rhythm of
        /// the day.
        correlation: f32,
        /// How likely it is that some program of the host follows the growth so closely by chance, 0 to
        /// 1.
        chance: f32,
        /// Over how long, seconds.
        over_s: u64,
    },
    /// A suspect went away, nothing came back, and growth ended.
    EndedWithoutReturn {
        /// Process image.
        name: String,
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Allocations that the tag gained per hour before.
        per_hour_before: u64,
        /// The same afterwards.
        per_hour_after: u64,
        /// When the suspect went.
        time: Timestamp,
    },
    /// How a tag grew before and after a driver's version changed.
    VersionOutcome {
        /// Driver file name.
        driver: String,
        /// Version before.
        before: String,
        /// Version after.
        after: String,
        /// The tag.
        tag: PoolTag,
        /// Growth per day before.
        per_day_before: Bytes,
        /// Growth per day after.
        per_day_after: Bytes,
    },
    /// Something was installed or changed shortly before.
    Changed(Change),
    /// The host fell silent while its pools were under pressure.
    Silence {
        /// The last that was heard.
        since: Timestamp,
    },
}
