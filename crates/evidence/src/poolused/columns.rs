//! The column heads of `!poolused`.

/// The columns of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) verbose: bool,
    /// Whether each row tells of both pools.
    pub(super) both: bool,
}

impl Columns {
    pub(super) fn per_pool(self) -> usize {
        if self.verbose { 4 } else { 2 }
    }

    pub(super) fn count(self) -> usize {
        self.per_pool() * if self.both { 2 } else { 1 }
    }
}

/// Where the column heads inside a flattened line start and end, and how many numbers a row has.
pub(crate) fn heads(line: &str) -> Option<(usize, usize, usize)> {
    let at = line.find("Tag ").filter(|at| line[*at..].contains("Allocs"))?;
    let is_head = |word: &&str| ["Tag", "Allocs", "Frees", "Diff", "Used"].contains(word);
    let last = line[at..].split_ascii_whitespace().take_while(is_head).last()?;
    let end = last.as_ptr().addr() - line.as_ptr().addr() + last.len();
    Some((at, end, columns(&line[at..end])?.count()))
}

pub(super) fn columns(line: &str) -> Option<Columns> {
    let mut words = line.split_ascii_whitespace();
    if !words.next()?.eq_ignore_ascii_case("tag") {
        return None;
    }
    let rest: Vec<_> = words.take(9).map(str::to_ascii_lowercase).collect();
    let rest: Vec<_> = rest.iter().map(String::as_str).collect();
    let (verbose, both) = match rest.as_slice() {
        ["allocs", "used"] => (false, false),
        ["allocs", "used", "allocs", "used"] => (false, true),
        ["allocs", "frees", "diff", "used"] => (true, false),
        ["allocs", "frees", "diff", "used", "allocs", "frees", "diff", "used"] => (true, true),
        _ => return None,
    };
    Some(Columns { verbose, both })
}
