//! The text format of Prometheus, as this server writes it, read back.

use std::collections::BTreeMap;

/// What a family of samples is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FamilyKind {
    Counter,
    Gauge,
    Summary,
}

/// Samples of one name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Family<'a> {
    pub(super) name: &'a str,
    pub(super) help: &'a str,
    pub(super) kind: FamilyKind,
    pub(super) samples: Vec<Sample<'a>>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample<'a> {
    /// Its name beyond that of the family: `_sum`, `_count` or nothing.
    pub(super) suffix: &'a str,
    /// In their order.
    pub(super) labels: Vec<(&'a str, String)>,
    pub(super) value: f64,
}

/// Reads a text. Lines that are of no family that was declared, or cannot be read, are left out.
pub(super) fn read(text: &str) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    let mut helps: BTreeMap<&str, &str> = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            helps.extend(rest.split_once(' '));
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let kind = match kind {
                "counter" => FamilyKind::Counter,
                "summary" => FamilyKind::Summary,
                _ => FamilyKind::Gauge,
            };
            let help = helps.get(name).copied().unwrap_or_default();
            families.push(Family { name, help, kind, samples: Vec::new() });
        } else if let Some(family) = families.last_mut()
            && let Some(sample) = read_sample(line, family.name)
        {
            family.samples.push(sample);
        }
    }
    families
}

fn read_sample<'a>(line: &'a str, family: &str) -> Option<Sample<'a>> {
    let rest = line.strip_prefix(family)?;
    let (suffix, rest) = rest.split_at(rest.find(['{', ' '])?);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => read_labels(rest)?,
        None => (Vec::new(), rest),
    };
    Some(Sample { suffix, labels, value: value.trim().parse().ok()? })
}

/// Labels, and what stands behind them.
fn read_labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    while !rest.starts_with('}') {
        let (name, behind) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = behind.char_indices();
        let end = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, letter) => value.push(letter),
            }
        };
        labels.push((name, value));
        rest = behind[end + 1..].trim_start_matches(',');
    }
    Some((labels, &rest[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text = "# HELP a_total Things, by kind\n# TYPE a_total counter\n\
                    a_total{kind=\"x\\\"y\\\\z\\n\",other=\"}\"} 12\n\n\
                    # TYPE b gauge\nb 1.5\n\
                    # TYPE c_seconds summary\nc_seconds{quantile=\"0.5\"} 2\nc_seconds_sum 3\n\
                    c_seconds_count 4\n";
        let families = read(text);
        let kinds: Vec<_> = families.iter().map(|one| (one.name, one.help, one.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("a_total", "Things, by kind", FamilyKind::Counter),
                ("b", "", FamilyKind::Gauge),
                ("c_seconds", "", FamilyKind::Summary)
            ]
        );
        let sample = &families[0].samples[0];
        assert_eq!(sample.labels, [("kind", "x\"y\\z\n".into()), ("other", "}".into())]);
        assert_eq!((sample.value, families[1].samples[0].value), (12.0, 1.5));
        let suffixes: Vec<&str> = families[2].samples.iter().map(|one| one.suffix).collect();
        assert_eq!(suffixes, ["", "_sum", "_count"]);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let text = "stray 1\n# TYPE a gauge\na{b=\"c 1\na{b=\"c\\\na x\nb 1\na{b\na\na 7\n";
        let families = read(text);
        assert_eq!((families.len(), families[0].samples.len()), (1, 1));
    }
}
