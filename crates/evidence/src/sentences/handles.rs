//! `explorer.exe has 359,617 handles`.

use poolwatch_model::process::ProcessUse;

use super::claims::number;
use super::words::words;
use crate::{image_names, quantities};

/// Words that turn a sentence round.
const DENIALS: [&str; 10] =
    ["not", "no", "never", "than", "without", "nicht", "kein", "sans", "pas", "нет"];

/// The one program of a sentence and how many handles it says that it holds.
pub(super) fn holder(line: &str) -> Option<ProcessUse> {
    let words = words(line);
    if words.iter().any(|word| DENIALS.iter().any(|denial| word.eq_ignore_ascii_case(denial))) {
        return None;
    }
    let mut programs = words.iter().filter(|word| is_program(word));
    let image = match programs.next() {
        Some(image) => *image,
        None => called(&words)?,
    };
    if programs.any(|other| *other != image) {
        return None;
    }
    let handles = u32::try_from(handle_count(&words)?).ok()?;
    let pid = words
        .windows(2)
        .find_map(|pair| pair[0].eq_ignore_ascii_case("pid").then(|| pair[1].parse().ok())?);
    let mut process = ProcessUse::new(pid.unwrap_or(0), None, image_names::image(image));
    process.handles = Some(handles);
    Some(process)
}

/// The name that a sentence calls a process by: `process labelsvc (pid 2764)`.
fn called<'a>(words: &[&'a str]) -> Option<&'a str> {
    let is = |at: usize, known: &[&str]| known.iter().any(|k| words[at].eq_ignore_ascii_case(k));
    let at = (1..words.len()).find(|at| is(at - 1, &["process", "program", "service"]))?;
    let is_name = words[at].len() > 3 && words.get(at + 1).is_some_and(|_| is(at + 1, &["pid"]));
    is_name.then_some(words[at])
}

fn is_program(word: &str) -> bool {
    word.len() > 4 && word.get(word.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case(".exe"))
}

/// `N handles`, `handle count (of …) N`, in some languages.
fn handle_count(words: &[&str]) -> Option<u64> {
    const HANDLES: [&str; 9] = [
        "handles",
        "handle",
        "handlecount",
        "descripteurs",
        "identificadores",
        "handle-anzahl",
        "handleanzahl",
        "дескрипторов",
        "дескриптора",
    ];
    const BETWEEN: [&str; 5] = ["open", "offene", "ouverts", "abiertos", "geöffnete"];
    let lower: Vec<_> = words.iter().map(|word| word.to_lowercase()).collect();
    let mut found = lower.iter().enumerate().filter(|(_, word)| HANDLES.contains(&word.as_str()));
    let (at, _) = found.next().filter(|_| found.next().is_none())?;
    let mut before = at;
    while before > 0 && BETWEEN.contains(&lower[before - 1].as_str()) {
        before -= 1;
    }
    let is_count = lower.get(at + 1).is_some_and(|next| next == "count")
        || lower[at].ends_with("count")
        || lower[at].ends_with("anzahl");
    let behind = || {
        let rest = words.get(at + 1..)?;
        let first = rest.iter().take(4).position(|word| is_number(word))?;
        let last = rest[first..].iter().take_while(|word| is_number(word)).count();
        quantities::count(&rest[first..first + last].join(" "))
    };
    if is_count { behind() } else { grouped_before(words, before.checked_sub(1)?) }
}

/// The number that ends with the word at a place, its groups of thousands with it.
fn grouped_before(words: &[&str], at: usize) -> Option<u64> {
    let from = words[..=at].iter().rposition(|word| !is_number(word)).map_or(0, |at| at + 1);
    let is_pid = from.checked_sub(1).is_some_and(|at| words[at].eq_ignore_ascii_case("pid"));
    if is_pid {
        return None;
    }
    let grouped = words.get(from..=at).and_then(|all| quantities::count(&all.join(" ")));
    grouped.or_else(|| match number(words, at.saturating_sub(1)) {
        (Some(million), 2) => Some(million),
        _ => quantities::about(words[at]),
    })
}

fn is_number(word: &str) -> bool {
    quantities::count(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_tells_the_handles_of_its_one_program() {
        for (text, told) in [
            ("explorer.exe has 359,617 handles", Some(("explorer.exe", 0, 359_617))),
            ("lsass.exe (PID 700): handle count is 90 472.", Some(("lsass.exe", 700, 90_472))),
            ("lsass.exe pid 700 handles", None),
            ("labelsvc.exe has about 174K handles open", Some(("labelsvc.exe", 0, 174_000))),
            ("labelsvc.exe has 1.6 million handles", Some(("labelsvc.exe", 0, 1_600_000))),
            (
                "Process labelsvc (pid 2764) is holding 1,604,221 handles.",
                Some(("labelsvc.exe", 2764, 1_604_221)),
            ),
            ("the process that leaks has 5000 handles", None),
            ("lsass.exe (PID 700): handle count is 90,472.", Some(("lsass.exe", 700, 90_472))),
            ("HandleCount of svchost.exe = 50123", Some(("svchost.exe", 0, 50_123))),
            ("Foo.exe hat 120.000 offene Handles", Some(("Foo.exe", 0, 120_000))),
            ("foo.exe : 120 000 descripteurs", Some(("foo.exe", 0, 120_000))),
            ("foo.exe has no more than 120,000 handles", None),
            ("foo.exe and bar.exe have 120,000 handles", None),
            ("foo.exe has many handles", None),
            ("the system has 120,000 handles", None),
            ("foo.exe lost 3 of 500 handles and 7 more handles", None),
        ] {
            let found = holder(text);
            let found = found.as_ref().map(|p| (p.image.as_str(), p.key.pid, p.handles.unwrap()));
            assert_eq!(found, told, "{text}");
        }
    }
}
