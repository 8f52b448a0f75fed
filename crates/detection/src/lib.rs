//! Detection: from what is stored of hosts to incidents, and what people are told of them.
//!
//! Every host takes its turn ([`Schedule`]): it is screened, and when it gives cause its case is
//! loaded from its history and its fleet's and diagnosed ([`diagnose_host`]). What is
//! found has a [`cause`], which becomes an incident ([`lifecycle`]) with one [`record`]; incidents are
//! compared over the fleet ([`comparison`]), and the comparisons refine the next diagnosis. No SQL, no HTTP and no clock, so that the server and the
//! evaluation run the same code with the same [`bounds`].

pub mod alerting;
pub mod bounds;
pub mod case;
pub mod cause;
pub mod comparison;
pub mod events;
pub mod history;
pub mod lifecycle;
pub mod peers;
pub mod record;
pub mod schedule;
pub mod silence;
pub mod texts;
pub mod watching;

pub use case::{Case, HostDiagnosis, Look, diagnose_host, load_case};
pub use history::{Fleet, History};
pub use schedule::Schedule;
