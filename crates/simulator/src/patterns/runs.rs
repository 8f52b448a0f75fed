//! When hosts of a month run, restart, and are not heard of.

use super::{
    load::{DAY, MONTH},
    rng::SeededRng,
};

/// A month of slots: which run of Windows each is in, and since how many slots it runs; `None`
/// where nothing was measured. A patch day, restarts by chance, holes in the data.
pub fn draw_runs(rng: &mut SeededRng) -> Vec<Option<(u32, usize)>> {
    let patch_day = (9 + rng.index_below(4)) * DAY + 20;
    let mut boot = 1_u32;
    // The month begins in the middle of a run.
    let mut up = rng.index_below(20 * DAY);
    let mut slots = Vec::with_capacity(MONTH);
    let mut down = 0;
    let mut gap = 0;
    for slot in 0..MONTH {
        if slot == patch_day || rng.happens(1.0 / (25 * DAY) as f64) {
            (boot, up, down) = (boot + 1, 0, 1 + rng.index_below(3));
        }
        if rng.happens(1.5 / MONTH as f64) {
            gap = rng.log_uniform(2.0, DAY as f64) as usize;
        }
        if down > 0 {
            down -= 1;
            slots.push(None);
            continue;
        }
        up += 1;
        if gap > 0 {
            gap -= 1;
            slots.push(None);
            continue;
        }
        slots.push(Some((boot, up)));
    }
    slots
}
