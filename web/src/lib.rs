//! The console as a person sees it: view models, templates and static files. Nothing here reads a
//! clock, a database or the network: the server fills the structs of this crate with model types
//! and sends what they render.
//!
//! A page is a struct with a [`Shell`] that renders whole ([`Page::render`]) and, where it shows
//! live data, as the fragment that htmx asks for ([`LivePage::render_live`]).

pub mod account;
pub mod alerts;
pub mod application;
pub mod applications;
pub mod approval_rules;
pub mod assets;
pub mod candidate;
pub mod compare;
pub mod deploy;
pub mod deploy_kit;
pub mod driver;
pub mod drivers;
pub mod error;
pub mod events;
pub mod evidence;
pub mod figures;
pub mod fleet;
pub mod histogram;
pub mod host;
pub mod hosts;
pub mod incidents;
pub mod level;
pub mod links;
pub mod list;
pub mod login;
pub mod mail;
pub mod map;
pub mod mark;
pub mod plain_text;
pub mod pool_choice;
pub mod search;
pub mod settings;
pub mod shell;
pub mod sparkline;
pub mod steps;
pub mod tag;
pub mod tags;
pub mod visible;
pub mod waiting;
pub mod welcome;
pub mod words;

pub use askama::{Error as RenderError, Template as Page};
pub use links::HostLink;
pub use shell::{LivePage, Shell};
