//! Windows, paces and bounds of detection, each in this one place: the server and the evaluation have
//! no others.

use jiff::SignedDuration;

/// How far back a host is diagnosed: the longest rule looks at ten days, and at what was usual before
/// those.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Within this time of now, the least of every ten minutes counts; before, the least of every hour,
/// which is all that a trend of days needs and a sixth of the reading.
pub const FINE_WINDOW: SignedDuration = SignedDuration::from_hours(3 * 24);

/// A host is screened no more often than this: leaks that matter within ten minutes end in an event.
pub const SCREENED_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// A host with news is diagnosed no more often than this: as often as there are new minima.
pub const DIAGNOSED_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// One without news, whatever is known of it, no more often than this: its trends are of hours.
pub const AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Where nothing was wrong, candidates alone are looked at meanwhile, and everything this often: what
/// no screening points out grows for days before it counts.
pub const WHOLE_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Use that is far above the peers is looked at this often while it stays the same.
pub const HIGH_USE_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// A pool that lasts no longer than this is looked at at the faster pace, seconds.
pub const SOON_S: u64 = 24 * 3600;

/// How often hosts take turns.
pub const TURN_EVERY: SignedDuration = SignedDuration::from_secs(20);
/// Turns in which every host can be screened once, so that a turn stays short: less than half of what
/// [`SCREENED_EVERY`] has, for after a start each host is screened a second time, from earlier tags.
pub const TURNS_OF_SCREENING: usize = 12;
/// Hosts that are screened in one turn however few there are.
pub const SCREENED_AT_LEAST: usize = 500;
/// A host whose screening begins is screened from the tags that it had so long before: a candidate
/// stands above what it used in the last days.
pub const SEED_BACK: SignedDuration = SignedDuration::from_hours(24);
/// Blocks of hosts whose earlier tags are read in one turn. A block of 1,000 hosts takes some ten
/// megabytes and a tenth of a second: 100,000 hosts are through in less than seven minutes.
pub const SEED_BLOCKS: usize = 5;
/// Fewer hosts of a block are cheaper to read one by one.
pub const SEED_BLOCK_LEAST: usize = 20;
/// Hosts whose earlier tags are read one by one in a turn, those that no block tells of.
pub const SEEDS_ONE_BY_ONE: usize = 50;
/// A host of which no earlier tags are known is asked for again after this.
pub const SEED_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Hosts that are diagnosed in one turn, the longest waiting first: 40 ms each are a twelfth of one
/// processor.
pub const DIAGNOSES: usize = 40;

/// A pool used to this share of a measured limit is looked at whatever its tags do.
pub const PRESSED: f64 = 0.85;
/// Likewise commit, to this share of its limit, which can grow with the page file.
pub const COMMITTED: f64 = 0.75;
/// A program that gained this part of its handles since the last diagnosis is news.
pub const HANDLES_GAINED: u32 = 16;
/// Candidates of a host that go into its case by name, those farthest above their floors. What else
/// grew is chosen by its rank.
pub const CANDIDATES: usize = 64;

/// Tags of each pool in a case by each ranking: more bytes, more allocations, more gained of either.
/// A diagnosis lists three and a picture eight; companions in step are among those that gained most.
pub const MOST_TAGS: usize = 16;
/// Processes in a case by each ranking. A host has some hundred; who holds or gains less than 64
/// others explains nothing.
pub const MOST_PROCESSES: usize = 64;
/// Events that are looked at, the latest.
pub const EVENTS: usize = 200;
/// Changes of drivers that are looked at, the latest.
pub const CHANGES: usize = 200;
/// How long a change of a driver tells.
pub const CHANGED_WITHIN: SignedDuration = SignedDuration::from_hours(10 * 24);
/// Unresolved incidents of a host that are looked at.
pub const INCIDENTS_OF_HOST: usize = 50;

/// So many peers are enough to tell what is usual.
pub const PEERS: usize = 200;
/// Fewer of the same group say too little: then every host of the same build is a peer.
pub const PEERS_OF_GROUP: usize = 8;
/// Hosts that are looked at for peers, the nearest by number.
pub const PEERS_LOOKED_AT: usize = 5_000;
/// Tags that are compared with peers, the largest.
pub const PEER_TAGS: usize = 64;
/// A smaller tag is not compared with peers.
pub const PEER_LEAST: u64 = 10 << 20;
/// Holding still: growth over a day is at most this part of what was used before.
pub const STILL: u64 = 50;

/// Fewer affected hosts have too much in common by accident.
pub const AFFECTED: usize = 3;
/// So many healthy hosts are enough to tell what is usual.
pub const HEALTHY: usize = 1_000;
/// Attributes of a comparison that are kept, the most telling.
pub const ATTRIBUTES: usize = 12;
/// Incidents whose comparisons are asked for, the latest.
pub const COMPARISONS: usize = 50;
/// Incidents that are compared in one turn.
pub const COMPARED_PER_TURN: usize = 4;
/// An incident is compared no more often than this, unless its hosts change.
pub const COMPARED_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// Hosts that fell silent under pressure and are diagnosed in one turn: a network that fails silences
/// many at once.
pub const SILENT_PER_TURN: usize = 20;
/// A silent host whose diagnosis failed is tried again after this.
pub const SILENT_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// Hosts whose events are diagnosed at once. A storm of them waits for its turn and leaves the
/// database to uploads.
pub const EVENT_HOSTS_AT_ONCE: usize = 2;
