//! A simulated fleet of Windows hosts whose troubles are known, because they were planted.
//!
//! The same seed gives the same fleet and the same bytes for ever, on every platform: the only
//! source of chance is ChaCha, and arithmetic keeps to operations that IEEE 754 defines exactly.
//! Nothing here reads a clock or does input or output; the executable does.
//!
//! ```
//! use jiff::Timestamp;
//! use poolwatch_simulator::Fleet;
//!
//! let epoch: Timestamp = "2026-03-04T10:00:00Z".parse().unwrap();
//! let fleet = Fleet::new(1, 5, epoch);
//! let mut host = fleet.simulate(0);
//! let taken = host.snapshot_at(epoch).unwrap();
//! assert_eq!(taken.snapshot.tags.unwrap().get("Thre".parse().unwrap()).unwrap().nonpaged.outstanding, 120_145);
//! ```

mod boots;
mod causes;
mod drivers;
mod events;
mod examined;
mod fleet;
mod ground_truth;
mod hosts;
pub mod load;
mod memory;
mod objects;
pub mod patterns;
mod picture;
mod planning;
mod processes;
mod running;
mod scenario;
mod simulation;
mod tags;
mod timeline;
pub mod truth;
mod warmup;

pub use fleet::Fleet;
pub use hosts::{HostPlan, Role};
pub use scenario::{Plant, Scenario};
pub use simulation::HostSim;
pub use truth::Truth;
