//! Tags that look like those of Windows components and of vendors' drivers, but are made up.

use std::collections::BTreeSet;

use poolwatch_model::{Pool, PoolTag};

use super::spec::{FOO_TAG, Found, Habit, Pace, Spec};
use crate::random::Dice;

/// First letters of components of Windows.
const WINDOWS: [&[u8; 2]; 44] = [
    b"Mm", b"Cc", b"CM", b"Se", b"Ob", b"Ps", b"Et", b"Po", b"Pp", b"Pn", b"Al", b"Ex", b"Fs",
    b"FM", b"Nt", b"Td", b"Ip", b"Tc", b"Ud", b"ND", b"Wf", b"Af", b"Us", b"Hd", b"SC", b"Sp",
    b"Rx", b"Sm", b"LS", b"Vo", b"Vi", b"Dx", b"Gh", b"Ac", b"Wm", b"Ke", b"Hv", b"Bt", b"Fv",
    b"Cr", b"Ks", b"Sd", b"St", b"Ra",
];
/// First letters of vendors' drivers: storage, network, virtualisation, security, backup.
const VENDORS: [&[u8; 2]; 28] = [
    b"VM", b"vs", b"nv", b"QL", b"Em", b"El", b"mf", b"Sy", b"TM", b"cs", b"Cb", b"Cy", b"Vx",
    b"Ve", b"HP", b"ci", b"Cx", b"De", b"Br", b"bx", b"mx", b"IX", b"Rs", b"eh", b"pm", b"Kl",
    b"ac", b"Nw",
];
/// Made-up tags of Windows, and of each vendor.
const OF_WINDOWS: usize = 1000;
const OF_VENDOR: usize = 32;

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Adds made-up tags to those that exist.
pub(super) fn extend(specs: &mut Vec<Spec>, dice: &mut Dice) {
    // What is planted later must not be here already.
    let mut taken: BTreeSet<PoolTag> = [FOO_TAG].into();
    taken.extend(specs.iter().map(|spec| spec.tag));
    taken.extend(crate::objects::tags());
    let windows = (0..OF_WINDOWS).map(|_| (None, Found::Everywhere));
    let vendors = (0..VENDORS.len() * OF_VENDOR).map(|at| {
        let vendor = at / OF_VENDOR;
        (Some(vendor), Found::Vendor(vendor))
    });
    for (vendor, found) in windows.chain(vendors) {
        let [a, b] = match vendor {
            None => **dice.pick(&WINDOWS),
            Some(vendor) => *VENDORS[vendor],
        };
        let tag = loop {
            let tag = PoolTag::new([a, b, *dice.pick(LETTERS), *dice.pick(LETTERS)]);
            if taken.insert(tag) {
                break tag;
            }
        };
        specs.push(spec(tag, found, dice));
    }
}

fn spec(tag: PoolTag, found: Found, dice: &mut Dice) -> Spec {
    // A long tail: a few megabytes for the first of a thousand, a few hundred bytes for most.
    let rank = 1.0 + dice.below(1900) as f64 / 5.0;
    let typical = (8_000_000.0 / (rank * rank.sqrt())) as u64;
    let unit = 32 << dice.below(7);
    let unit = unit + 16 * dice.below(unit / 16);
    let (pace, churn) = match dice.below(100) {
        0..12 => (Pace::Busy, dice.between(40, 1500)),
        12..34 => (Pace::Often, dice.between(5, 300)),
        34..60 => (Pace::Rare, dice.between(1, 40)),
        _ => (Pace::Still, 1),
    };
    let habit = match (pace, dice.below(100)) {
        (Pace::Busy, 0..30) | (Pace::Often, 0..10) => Habit::Load,
        (Pace::Often, 10..14) => Habit::Cache,
        _ => Habit::Level,
    };
    let pool = if dice.chance(62) { Pool::Nonpaged } else { Pool::Paged };
    let typical = typical.max(unit);
    Spec {
        tag,
        pool,
        unit,
        typical,
        pace,
        habit,
        churn: churn.unsigned_abs(),
        found,
        made_up: true,
    }
}
