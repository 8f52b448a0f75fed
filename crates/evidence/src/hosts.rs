//! The machines that a text names as those that it comes from.

/// More names are told as no more than that.
const MAX_HOSTS: usize = 8;
const LONGEST: usize = 63;
/// A name stands near its label.
const MAX_LINE: usize = 256;

/// The names, each once, without their domain, in small letters.
pub(crate) fn hosts(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("\\\\") {
        of_counter(&text[at + 2..]).into_iter().for_each(|name| add(&mut found, name));
    }
    for (at, mark) in text.match_indices("<Computer>") {
        let name = text[at + mark.len()..].split('<').next();
        name.into_iter().for_each(|name| add(&mut found, name));
    }
    for label in ["Computer:", "ComputerName", "MachineName", "Host Name:", "Hostname:"] {
        for (at, _) in text.match_indices(label) {
            let before = text[..at].trim_end_matches([' ', '\t']);
            let is_start = before.is_empty() || before.ends_with(['\n', '\r']);
            if is_start || text[..at].ends_with("\nPS") {
                let rest = &text[at + label.len()..];
                let line = &rest[..rest.floor_char_boundary(rest.len().min(MAX_LINE))];
                let name = line.trim_start_matches([' ', ':', '\t']).split(['\n', '\r']).next();
                name.into_iter().for_each(|name| add(&mut found, name));
            }
        }
    }
    found
}

/// `FS07\Memory\Pool Nonpaged Bytes`: the host of a counter's path.
fn of_counter(path: &str) -> Option<&str> {
    const OBJECTS: [&str; 5] = ["memory\\", "process(", "objects\\", "paging file", "system\\"];
    let end = path.find('\\').filter(|end| *end <= LONGEST)?;
    let behind = &path[end + 1..];
    let is = |object: &&str| {
        behind.get(..object.len()).is_some_and(|start| start.eq_ignore_ascii_case(object))
    };
    OBJECTS.iter().any(is).then_some(&path[..end])
}

/// Adds a name, unless it is none.
pub(crate) fn add(found: &mut Vec<String>, name: &str) {
    let short = name.trim().split('.').next().unwrap_or_default().to_lowercase();
    let fits = (1..=LONGEST).contains(&short.len())
        && short.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    if fits && found.len() < MAX_HOSTS && !found.contains(&short) {
        found.push(short);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_its_machines() {
        for (text, names) in [
            (
                r#""(PDH-CSV 4.0)","\\FS07\Memory\Pool Paged Bytes","\\fs07\Process(a)\Handle Count""#,
                vec!["fs07"],
            ),
            (
                "Source: srv\nComputer:      FS07.corp.example\n\nComputer: FS08\n",
                vec!["fs07", "fs08"],
            ),
            ("<Computer>FS07</Computer> and \\\\share\\folder\\memory", vec!["fs07"]),
            ("my computer: it is slow\nComputer: server name", vec![]),
        ] {
            assert_eq!(hosts(text), names, "{text}");
        }
    }
}
