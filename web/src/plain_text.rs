//! Values in plain text: mails and reports.

use std::fmt;

use askama::filters::Escaper;

/// Writes a value on one line, without control characters.
#[derive(Debug, Clone, Copy)]
pub struct OneLine;

impl Escaper for OneLine {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        let mut rest = string;
        while let Some(at) = rest.find(char::is_control) {
            let (before, from) = rest.split_at(at);
            dest.write_str(before)?;
            dest.write_char(' ')?;
            rest = from.trim_start_matches(char::is_control);
        }
        dest.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_on_its_line() {
        let write = |text| {
            let mut line = String::new();
            OneLine.write_escaped_str(&mut line, text).unwrap();
            line
        };
        assert_eq!(write("a.exe"), "a.exe");
        assert_eq!(
            write("a.exe\r\nResolved: all is well\u{1b}[2J"),
            "a.exe Resolved: all is well [2J"
        );
        assert_eq!(write("\n"), " ");
    }
}
