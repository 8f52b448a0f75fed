//! How likely it is that a program has about as many handles as some tag has objects by chance.

/// Handles of those programs that are compared are taken as spread evenly by their logarithm, from a
/// thousand to a million.
const SPREAD: f64 = 6.9;
/// However near, a match that was looked for in one picture is no more than this sure.
const MOST: f64 = 0.95;

/// How sure a match is, 0 to 1: one less the chance that any of so many tags is met so nearly by any of
/// so many programs or groups of programs.
pub(crate) fn sureness(handles: u64, objects: u64, tags: usize, programs: usize) -> f64 {
    let [handles, objects] = [handles, objects].map(|n| n.max(1) as f64);
    let near = 2.0 * (handles / objects).ln().abs() / SPREAD;
    let misses = (1.0 - near.min(1.0)).powf((tags.max(1) * programs.max(1)) as f64);
    misses.min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_and_the_fewer_were_looked_at_the_surer() {
        for (handles, objects, tags, programs, least, most) in [
            (39_620, 39_410, 5, 3, 0.94, 0.96),
            (90_472, 120_145, 2, 1, 0.8, 0.95),
            (54_791, 65_905, 1, 2, 0.85, 0.95),
            (44_903, 61_320, 4, 4, 0.0, 0.4),
        ] {
            let sure = sureness(handles, objects, tags, programs);
            assert!((least..most).contains(&sure), "{handles} of {objects}: {sure}");
        }
    }
}
