//! Tables that a blog engine or a mail program put on one line, taken apart into rows again.

use crate::poolused::columns::heads;

/// Shorter lines are rows already.
const MIN_LINE: usize = 60;
/// Words and bars of a line that are looked at. What follows stays one row.
const MAX_WORDS: usize = 1 << 20;

/// The rows of a line: itself, unless it holds several rows of poolmon, `!poolused` or Markdown.
pub(crate) fn rows(line: &str) -> Vec<&str> {
    let starts = if line.len() < MIN_LINE { Vec::new() } else { starts(line) };
    let mut rows = Vec::with_capacity(starts.len() + 1);
    let mut from = 0;
    for start in starts.into_iter().filter(|start| *start > 0) {
        rows.push(line[from..start].trim_end());
        from = start;
    }
    rows.push(&line[from..]);
    rows
}

/// Where rows start, but for the first.
fn starts(line: &str) -> Vec<usize> {
    let mut starts = poolmon_starts(line);
    starts.extend(poolused_starts(line));
    if starts.is_empty() {
        starts = markdown_starts(line);
    } else {
        starts.extend(process_starts(line));
        starts.sort_unstable();
        starts.dedup();
    }
    starts
}

/// Where the processes of a list start that follows a table on its line.
fn process_starts(line: &str) -> Vec<usize> {
    let is_address = |word: &str| word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let pairs = words(line).zip(words(line).skip(1));
    let starts = pairs.filter(|((_, name), (_, word))| *name == "PROCESS" && is_address(word));
    starts.map(|((at, _), _)| at).collect()
}

/// Where the tags before `Nonp` or `Paged` and a number start, and the titles above them. One such
/// row among words is a quotation.
fn poolmon_starts(line: &str) -> Vec<usize> {
    let (mut starts, mut rows) = (Vec::new(), 0);
    let mut before: [(usize, &str); 2] = [(0, ""); 2];
    for (at, word) in words(line) {
        let [(tag_at, _), (last_at, last)] = before;
        if matches!(last, "Nonp" | "Paged") && word.starts_with(|c: char| c.is_ascii_digit()) {
            starts.push(tag_at);
            rows += 1;
        }
        if (last, word) == ("Tag", "Type") {
            starts.push(last_at);
        }
        if word.starts_with("Commit:") || word.starts_with("Memory:") {
            starts.push(at);
        }
        before = [(last_at, last), (at, word)];
    }
    if rows > 1 { starts } else { Vec::new() }
}

/// Where the rows after the column heads of `!poolused` start, and the heads.
fn poolused_starts(line: &str) -> Vec<usize> {
    let Some((heads_at, heads_end, columns)) = heads(line) else { return Vec::new() };
    let mut starts = vec![heads_at];
    let rest: Vec<_> = words(&line[heads_end..]).take(MAX_WORDS).collect();
    let is_number = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    let mut at = 0;
    while at < rest.len() {
        let numbers = rest.iter().skip(at + 1).take(columns);
        let is_row = rest[at].1.chars().count() <= 5
            && numbers.clone().count() == columns
            && numbers.clone().all(|(_, word)| is_number(word));
        if is_row {
            starts.push(heads_end + rest[at].0);
            at += columns;
        }
        at += 1;
    }
    if starts.len() > 2 { starts } else { Vec::new() }
}

/// Where the rows of a Markdown table start, and what follows it. The rule below its header tells
/// how many cells a row has.
fn markdown_starts(line: &str) -> Vec<usize> {
    let bars: Vec<usize> = line.match_indices('|').map(|(at, _)| at).take(MAX_WORDS).collect();
    let cells: Vec<&str> = bars.windows(2).map(|pair| line[pair[0] + 1..pair[1]].trim()).collect();
    let is_rule = |cell: &&str| cell.contains('-') && cell.bytes().all(|b| b":-".contains(&b));
    let Some(rule) = cells.iter().position(is_rule) else { return Vec::new() };
    let columns = cells[rule..].iter().take_while(|cell| is_rule(cell)).count();
    // A row has a bar more than cells, and nothing stands between it and the next.
    let Some(header) = rule.checked_sub(columns + 1) else { return Vec::new() };
    let mut starts = Vec::new();
    for first in (header..bars.len()).step_by(columns + 1) {
        starts.push(bars[first]);
        let Some(last) = bars.get(first + columns) else { break };
        if cells.get(first + columns).is_none_or(|between| !between.is_empty()) {
            starts.push(last + 1);
            break;
        }
    }
    starts
}

/// The words of a line and where they start.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let base = line.as_ptr().addr();
    line.split_ascii_whitespace().map(move |word| (word.as_ptr().addr() - base, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_on_one_line_are_taken_apart() {
        let poolmon = " Tag  Type  Allocs Frees Diff Bytes Per Alloc  Thre Nonp 378580 24692 353888 \
                       220826112 624 [nt!ps - Thread objects] File Paged 10 2 8 800 100";
        assert_eq!(
            rows(poolmon),
            [
                "",
                "Tag  Type  Allocs Frees Diff Bytes Per Alloc",
                "Thre Nonp 378580 24692 353888 220826112 624 [nt!ps - Thread objects]",
                "File Paged 10 2 8 800 100",
            ]
        );
        let poolused = "Sorting by NonPaged Pool Consumed Pool Used: NonPaged Paged Tag Allocs Used \
                        Allocs Used Thre 120145 76892800 0 0 Thread objects File 187113 29946176 0 0";
        let and_processes =
            format!("{poolused} TOTAL 1 2 0 0 PROCESS 88caebf8 Cid: 1a0 Image: a.exe");
        assert_eq!(rows(&and_processes).last(), Some(&"PROCESS 88caebf8 Cid: 1a0 Image: a.exe"));
        assert_eq!(
            rows(poolused),
            [
                "Sorting by NonPaged Pool Consumed Pool Used: NonPaged Paged",
                "Tag Allocs Used Allocs Used",
                "Thre 120145 76892800 0 0 Thread objects",
                "File 187113 29946176 0 0",
            ]
        );
    }

    #[test]
    fn a_markdown_table_on_one_line_is_taken_apart() {
        let table = "As seen: | Tag | delta over a day | |---|---| | `WCsc` | 503,677 | | File | 5 | \
                     and so on";
        assert_eq!(
            rows(table),
            [
                "As seen:",
                "| Tag | delta over a day |",
                "|---|---|",
                "| `WCsc` | 503,677 |",
                "| File | 5 |",
                " and so on",
            ]
        );
    }

    #[test]
    fn other_lines_stay_whole() {
        for line in [
            " Thre Nonp 378580 24692 353888 220826112 624 [nt!ps - Thread objects and more words]",
            "| a row of a table | whose other rows are on lines of their own | 503,677 | 1.000 |",
            "a sentence about Nonp and Paged pools that has very many words and no numbers at all",
            "",
        ] {
            assert_eq!(rows(line), [line]);
        }
    }
}
