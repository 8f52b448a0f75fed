//! Tags that look like those of Windows components and of vendors' drivers, but are made up.

use std::collections::BTreeSet;

use poolwatch_model::{Pool, PoolTag};

use super::spec::{CACHE, FOO_TAG, Found, LEVEL, LOAD, Pace, Spec};
use crate::patterns::rng::SeededRng;

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
pub(super) fn extend(specs: &mut Vec<Spec>, rng: &mut SeededRng) {
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
            None => **rng.pick(&WINDOWS),
            Some(vendor) => *VENDORS[vendor],
        };
        let tag = loop {
            let tag = PoolTag::new([a, b, *rng.pick(LETTERS), *rng.pick(LETTERS)]);
            if taken.insert(tag) {
                break tag;
            }
        };
        specs.push(spec(tag, found, rng));
    }
}

fn spec(tag: PoolTag, found: Found, rng: &mut SeededRng) -> Spec {
    // A long tail: a few megabytes for the first of a thousand, a few hundred bytes for most.
    let rank = 1.0 + rng.integer_below(1900) as f64 / 5.0;
    let typical = (8_000_000.0 / (rank * rank.sqrt())) as u64;
    let unit = 32 << rng.integer_below(7);
    let unit = unit + 16 * rng.integer_below(unit / 16);
    let (pace, churn) = match rng.integer_below(100) {
        0..12 => (Pace::Busy, rng.integer_between(40, 1500)),
        12..34 => (Pace::Often, rng.integer_between(5, 300)),
        34..60 => (Pace::Rare, rng.integer_between(1, 40)),
        _ => (Pace::Still, 1),
    };
    let pattern = match (pace, rng.integer_below(100)) {
        (Pace::Busy, 0..30) | (Pace::Often, 0..10) => LOAD,
        (Pace::Often, 10..14) => CACHE,
        _ => LEVEL,
    };
    let pool = if rng.percent_chance(62) { Pool::Nonpaged } else { Pool::Paged };
    let typical = typical.max(unit);
    Spec {
        tag,
        pool,
        unit,
        typical,
        pace,
        pattern,
        churn: churn.unsigned_abs(),
        found,
        made_up: true,
    }
}
