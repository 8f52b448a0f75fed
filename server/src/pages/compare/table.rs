//! Rows of a comparison: what each machine has, one value per column, and which differ.

use std::collections::BTreeMap;

use poolwatch_analysis::catalogue;
use poolwatch_model::{Pool, Snapshot, inventory::Inventory};
use poolwatch_web::compare::{CompareBy, Row, Value};

use crate::fleet::view::HostSummary;

/// Numbers within a tenth of each other are about equal.
const ABOUT: u64 = 10;
/// Less is about equal, whatever its share.
const BYTES: u64 = 256 << 10;
const HANDLES: u64 = 50;

/// What is known of one machine.
pub(super) struct Machine {
    /// In short.
    pub(super) summary: HostSummary,
    /// Its tables.
    pub(super) snapshot: Option<Snapshot>,
    /// What is installed.
    pub(super) inventory: Option<Inventory>,
}

/// A thing: its name, and of which kind it is.
type Key = (String, Option<String>);
/// What a machine has; what is not listed it has not.
type Has = BTreeMap<Key, Value>;

/// All rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Those that differ, strongest first.
    pub(super) differ: Vec<Row>,
    /// Those that are about equal, by name.
    pub(super) equal: Vec<Row>,
    /// Whether anything to compare is known, by column.
    pub(super) known: Vec<bool>,
}

/// Compares columns, each of one or several machines.
pub(super) fn compare(by: CompareBy, columns: &[Vec<Machine>]) -> Rows {
    let told: Vec<Option<Has>> = columns.iter().map(|machines| column(by, machines)).collect();
    let mut keys: Vec<&Key> = told.iter().flatten().flat_map(BTreeMap::keys).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut rows = Rows { known: told.iter().map(Option::is_some).collect(), ..Rows::default() };
    for key in keys {
        let sample = told.iter().flatten().find_map(|has| has.get(key));
        let Some(sample) = sample else { continue };
        let value = |has: &Has| has.get(key).cloned().or_else(|| absent(by, sample));
        let values: Vec<Option<Value>> =
            told.iter().map(|has| has.as_ref().and_then(value)).collect();
        let row = row(by, key, values);
        if differs(by, &row.values) { rows.differ.push(row) } else { rows.equal.push(row) }
    }
    rows.differ.sort_by_key(|row| std::cmp::Reverse(strength(by, &row.values)));
    let greatest = rows.differ.iter().chain(&rows.equal).map(|row| row.scale).max().unwrap_or(0);
    if by != CompareBy::Limits {
        for row in rows.differ.iter_mut().chain(&mut rows.equal) {
            row.scale = greatest;
        }
    }
    rows
}

/// What a column has: of several machines the median, or what most of them have.
fn column(by: CompareBy, machines: &[Machine]) -> Option<Has> {
    let mut all: Vec<Has> = machines.iter().filter_map(|one| has(by, one)).collect();
    if all.len() < 2 {
        return all.pop();
    }
    let mut keys: Vec<&Key> = all.iter().flat_map(BTreeMap::keys).collect();
    keys.sort_unstable();
    keys.dedup();
    let of_key = |key: &Key| {
        let sample = all.iter().find_map(|has| has.get(key))?;
        let each = all.iter().filter_map(|has| has.get(key).cloned().or(absent(by, sample)));
        Some((key.clone(), usual(each.collect())?))
    };
    Some(keys.into_iter().filter_map(of_key).collect())
}

fn usual(mut values: Vec<Value>) -> Option<Value> {
    if values.iter().all(|value| value.number().is_some()) {
        values.sort_by_key(Value::number);
        let middle = values.len() / 2;
        return (!values.is_empty()).then(|| values.swap_remove(middle));
    }
    let count = |of: &Value| values.iter().filter(|value| *value == of).count();
    let most = values.iter().max_by_key(|value| count(value))?;
    Some(match most {
        Value::Text(text) if count(most) < values.len() => {
            Value::Text(format!("{text} on {} of {}", count(most), values.len()))
        }
        most => most.clone(),
    })
}

/// What stands for a thing that a machine has not.
fn absent(by: CompareBy, sample: &Value) -> Option<Value> {
    match (by, sample) {
        (CompareBy::Limits, _) => None,
        (_, Value::Bytes(_)) => Some(Value::Bytes(0)),
        (_, Value::Count(_)) => Some(Value::Count(0)),
        (_, Value::Text(_)) => Some(Value::Text("absent".to_owned())),
    }
}

fn has(by: CompareBy, machine: &Machine) -> Option<Has> {
    match by {
        CompareBy::Tags => tags(machine.snapshot.as_ref()?),
        CompareBy::Processes => processes(machine.snapshot.as_ref()?),
        CompareBy::Drivers => drivers(machine.inventory.as_ref()?),
        CompareBy::Versions => Some(versions(machine)),
        CompareBy::Limits => Some(limits(machine)),
    }
}

fn tags(snapshot: &Snapshot) -> Option<Has> {
    let table = snapshot.tags.as_ref()?;
    let of_row = table.rows.iter().flat_map(|row| {
        Pool::ALL.map(|pool| {
            let key = (row.tag.to_string(), Some(pool.as_str().to_owned()));
            (key, Value::Bytes(row.of(pool).bytes))
        })
    });
    Some(of_row.filter(|(_, value)| value.number() != Some(0)).collect())
}

/// Handles by program; services tell one svchost.exe from another.
fn processes(snapshot: &Snapshot) -> Option<Has> {
    let mut has = Has::new();
    for process in snapshot.processes.as_ref()? {
        let services = process.services.join(", ");
        let key = (process.image.clone(), (!services.is_empty()).then_some(services));
        let handles = u64::from(process.handles.unwrap_or(0));
        let sum = has.get(&key).and_then(Value::number).unwrap_or(0);
        has.insert(key, Value::Count(sum + handles));
    }
    Some(has)
}

fn drivers(inventory: &Inventory) -> Option<Has> {
    let each = inventory.drivers.iter().map(|driver| {
        let version = driver.version.clone().unwrap_or_else(|| "no version".to_owned());
        ((driver.name.to_lowercase(), None), Value::Text(version))
    });
    (!inventory.drivers.is_empty()).then(|| each.collect())
}

fn versions(machine: &Machine) -> Has {
    let facts = &machine.summary.host.facts;
    let os = facts.os.as_ref();
    let told = [
        ("Windows", os.map(|os| os.product.clone())),
        ("Build", os.map(|os| format!("{}.{}", os.build, os.revision))),
        ("Architecture", os.map(|os| os.arch.to_string())),
        ("Agent", facts.agent_version.clone()),
        ("Group", poolwatch_web::words::group(facts)),
        ("Site", facts.site.clone()),
    ];
    let told = told.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?)));
    let updates = machine.inventory.iter().flat_map(|inventory| &inventory.updates);
    told.chain(updates.map(|update| (update.clone(), "installed".to_owned())))
        .map(|(name, text)| ((name, None), Value::Text(text)))
        .collect()
}

fn limits(machine: &Machine) -> Has {
    let memory = &machine.summary.memory;
    let ceiling = |pool| machine.summary.ceiling(pool).map(|ceiling| ceiling.bytes);
    let bytes = [
        ("Physical memory", memory.physical),
        ("Memory available", memory.available),
        ("Nonpaged pool", memory.nonpaged),
        ("Nonpaged pool limit", ceiling(Pool::Nonpaged)),
        ("Paged pool", memory.paged),
        ("Paged pool limit", ceiling(Pool::Paged)),
        ("Commit", memory.committed),
        ("Commit limit", memory.commit_limit),
        ("Commit peak", memory.commit_peak),
    ];
    let counts = [
        ("Free system page table entries", memory.free_system_ptes),
        ("Handles", memory.handles),
        ("Threads", memory.threads),
        ("Processes", memory.processes),
    ];
    let bytes = bytes.into_iter().map(|(name, of)| (name, of.map(|of| Value::Bytes(of.0))));
    let counts = counts.into_iter().map(|(name, of)| (name, of.map(Value::Count)));
    bytes
        .chain(counts)
        .filter_map(|(name, value)| Some(((name.to_owned(), None), value?)))
        .collect()
}

fn row(by: CompareBy, (name, kind): &Key, values: Vec<Option<Value>>) -> Row {
    let tag = || name.parse().ok().and_then(catalogue::entry);
    let meaning = (by == CompareBy::Tags).then(tag).flatten();
    Row {
        name: name.clone(),
        kind: kind.clone(),
        meaning: meaning.map(|entry| entry.meaning.to_owned()),
        scale: values.iter().flatten().filter_map(Value::number).max().unwrap_or(0),
        values,
    }
}

fn extent(values: &[Option<Value>]) -> Option<(u64, u64)> {
    let numbers = || values.iter().flatten().filter_map(Value::number);
    Some((numbers().min()?, numbers().max()?))
}

fn differs(by: CompareBy, values: &[Option<Value>]) -> bool {
    match extent(values) {
        Some((least, most)) => {
            let floor = match by {
                CompareBy::Tags => BYTES,
                CompareBy::Processes => HANDLES,
                _ => 0,
            };
            most - least > floor.max(most / ABOUT)
        }
        None => {
            let mut told = values.iter().flatten();
            let first = told.next();
            told.any(|other| Some(other) != first)
        }
    }
}

/// How much the values differ: in what they count, or in shares where rows count different things.
fn strength(by: CompareBy, values: &[Option<Value>]) -> u64 {
    match extent(values) {
        Some((least, most)) if by == CompareBy::Limits => {
            u64::try_from(u128::from(most - least) * 1_000_000 / u128::from(most.max(1)))
                .unwrap_or(u64::MAX)
        }
        Some((least, most)) => most - least,
        // Two versions of one driver tell more than a driver that only one host has.
        None => u64::from(
            !values
                .iter()
                .flatten()
                .any(|value| matches!(value, Value::Text(text) if text == "absent")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: &[u64]) -> Vec<Option<Value>> {
        values.iter().map(|value| Some(Value::Bytes(*value))).collect()
    }

    fn text(values: &[&str]) -> Vec<Option<Value>> {
        values.iter().map(|value| Some(Value::Text((*value).to_owned()))).collect()
    }

    #[test]
    fn a_little_more_or_less_is_no_difference() {
        for (values, different) in [
            (&[100 << 20, 105 << 20][..], false),
            (&[100 << 20, 150 << 20], true),
            (&[0, 200 << 10], false),
            (&[0, 300 << 10], true),
        ] {
            assert_eq!(differs(CompareBy::Tags, &bytes(values)), different, "{values:?}");
        }
        assert!(differs(CompareBy::Drivers, &text(&["5.1", "absent"])));
        assert!(!differs(CompareBy::Drivers, &text(&["5.1", "5.1"])));
        assert!(!differs(CompareBy::Drivers, &[None, Some(Value::Text("5.1".into()))]));
    }

    #[test]
    fn a_group_has_the_median_and_what_most_of_it_has() {
        let counts = [9, 1, 5].map(Value::Count).to_vec();
        assert_eq!(usual(counts), Some(Value::Count(5)));
        let texts = ["5.1", "5.0", "5.1"].map(|text| Value::Text(text.into())).to_vec();
        assert_eq!(usual(texts), Some(Value::Text("5.1 on 2 of 3".into())));
    }

    #[test]
    fn two_versions_come_before_a_driver_that_is_absent() {
        let strength = |values: &[&str]| strength(CompareBy::Drivers, &text(values));
        assert!(strength(&["5.1", "5.0"]) > strength(&["5.1", "absent"]));
    }
}
