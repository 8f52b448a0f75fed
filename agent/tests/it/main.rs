//! The agent against a server that it can be told about: wiremock, with the protocol's own decoder.

mod commands;
mod fixture;
mod server;
mod tls;
mod upload;
