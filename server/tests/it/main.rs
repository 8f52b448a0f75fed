//! The server as its users meet it: over HTTP, on a real Postgres.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod alerts;
mod answers;
mod compare;
mod connections;
mod damage;
mod deploy;
mod diagnose;
mod enrolment;
mod events;
mod fleet;
mod greedy;
mod imports;
mod incidents;
mod ingest;
mod judging;
mod lead;
mod lists;
mod metrics;
mod mutations;
mod past;
mod people;
mod permissions;
mod placing;
mod records;
mod rooms;
mod routes;
mod scans;
mod server;
mod sign_in;
mod stopping;
mod tag_names;
mod unseen;
mod upgrade;
mod views;
