//! Pool pressure of every host in one picture (`GET /map`; its cells: `/map.json`).

use askama::Template;
use poolwatch_model::{HostId, Pool};
use serde::{Deserialize, Serialize};

use crate::{
    Shell, assets, figures,
    level::{PoolLevel, Pressure},
    links::{self, Address},
    words,
};

/// More hosts than this are told without their names, which would be most of the answer.
pub const NAMED: usize = 5_000;

/// What `/map` and `/map.json` take as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct MapQuery {
    /// Which pool; nonpaged unless told.
    pub pool: Option<Pool>,
    /// Only this group; empty for all.
    pub group: String,
}

impl MapQuery {
    /// The pool that is shown.
    #[must_use]
    pub fn shown(&self) -> Pool {
        self.pool.unwrap_or(Pool::Nonpaged)
    }

    fn at(&self, path: &str) -> String {
        Address::new(path).with("pool", self.shown().as_str()).with("group", &self.group).finish()
    }
}

/// The page.
#[derive(Debug, Clone, Template)]
#[template(path = "map.html")]
pub struct MapPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// What is shown.
    pub query: MapQuery,
    /// Groups to choose from.
    pub groups: Vec<String>,
    /// Hosts by pressure: calm, raised, high, unknown.
    pub hosts: [u64; 4],
}

impl MapPage {
    fn headline(&self) -> String {
        let [calm, raised, high, unknown] = self.hosts;
        let pool = self.query.shown();
        let all = calm + raised + high + unknown;
        match (all, high, raised) {
            (0, ..) => "No host reports yet.".to_owned(),
            (_, 0, 0) => format!(
                "Nothing presses on {pool} pool of {}.",
                figures::counted(all, "host", "hosts")
            ),
            _ => format!(
                "{} under high and {} under raised pressure on {pool} pool, of {}.",
                figures::counted(high, "host is", "hosts are"),
                figures::grouped(raised),
                figures::counted(all, "host", "hosts")
            ),
        }
    }

    fn data(&self) -> String {
        self.query.at("/map.json")
    }

    fn pool_url(&self, pool: &Pool) -> String {
        MapQuery { pool: Some(*pool), ..self.query.clone() }.at("/map")
    }

    fn hosts_url(&self) -> String {
        let sort = self.query.shown().as_str();
        Address::new("/hosts")
            .with("group", &self.query.group)
            .with("sort", sort)
            .with("order", "desc")
            .finish()
    }
}

/// The cells of the map: hosts by group, then by number, so that each keeps its place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MapCells {
    /// The groups in their order: name and hosts.
    pub groups: Vec<(String, u32)>,
    /// Each host's number less the one before.
    pub ids: Vec<i32>,
    /// A letter per host: its share of 0 to 60 in `0-9A-Za-y`, `-` where none is known.
    pub shares: String,
    /// A digit per host: 0 calm, 1 raised, 2 high, 3 unknown.
    pub pressures: String,
    /// Names, where there are not too many hosts.
    pub names: Vec<String>,
}

const LETTERS: &[u8; 61] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy";

/// The place of a pressure in [`MapPage::hosts`].
#[must_use]
pub fn pressure_place(level: &PoolLevel) -> usize {
    match (level.share(), level.pressure()) {
        (None, _) => 3,
        (_, Pressure::Calm) => 0,
        (_, Pressure::High) => 2,
        (_, _) => 1,
    }
}

impl MapCells {
    /// Adds a host; they come by group, then by number.
    pub fn add(&mut self, group: &str, id: HostId, before: HostId, level: &PoolLevel) {
        match self.groups.last_mut() {
            Some((name, hosts)) if name == group => *hosts += 1,
            _ => self.groups.push((group.to_owned(), 1)),
        }
        self.ids.push(id.0.wrapping_sub(before.0));
        let letter = level.share().map(|share| LETTERS[((share * 60.0) as usize).min(60)]);
        self.shares.push(letter.map_or('-', char::from));
        self.pressures.push_str(["0", "1", "2", "3"][pressure_place(level)]);
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        Bytes,
        memory::{Ceiling, CeilingSource},
    };

    use super::*;

    #[test]
    fn a_host_is_three_letters() {
        let level = |used: Option<u64>| PoolLevel {
            pool: Pool::Nonpaged,
            used: used.map(Bytes),
            ceiling: Some(Ceiling { bytes: Bytes(1000), source: CeilingSource::Measured }),
            physical: None,
        };
        let mut cells = MapCells::default();
        cells.add("A", HostId(7), HostId(0), &level(Some(0)));
        cells.add("A", HostId(9), HostId(7), &level(Some(990)));
        cells.add("B", HostId(8), HostId(9), &level(None));
        assert_eq!(cells.groups, [("A".to_owned(), 2), ("B".to_owned(), 1)]);
        assert_eq!((&cells.ids[..], cells.shares.as_str()), (&[7, 2, -1][..], "0x-"));
        assert_eq!(cells.pressures, "023");
    }
}
