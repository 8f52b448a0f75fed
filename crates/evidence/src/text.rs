//! From bytes to lines: encodings, and the marks that web pages and mails leave in copied text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A line of a text, or the part of one between two `<br>`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Number of the line in its text, from 1.
    pub(crate) number: u32,
    /// What it says, without marks and trailing space.
    pub(crate) text: &'a str,
    /// Whether the text ends here, without an end of line.
    pub(crate) cut: bool,
}

/// How many lines a text ends.
pub(crate) fn newlines(text: &str) -> u32 {
    text.bytes().filter(|b| *b == b'\n').count().try_into().unwrap_or(u32::MAX)
}

/// The text in `bytes`: what its byte order mark says, else UTF-16 if every other byte is zero,
/// else UTF-8 if it is valid, else Windows-1252.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some(text) = utf32(bytes) {
        return Cow::Owned(text);
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return encoding.decode_without_bom_handling(bytes).0;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // Cut off inside its last character.
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(bytes),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// The text of UTF-32, with its mark or where three of four bytes are zero.
fn utf32(bytes: &[u8]) -> Option<String> {
    let (units, _) = bytes.as_chunks::<4>();
    let sample = &units[..units.len().min(1024)];
    let all = |fits: fn(&[u8; 4]) -> bool| !sample.is_empty() && sample.iter().all(fits);
    let is_little = all(|unit| unit[3] == 0 && unit[2] <= 0x10)
        && (bytes.starts_with(b"\xFF\xFE\0\0") || all(|unit| unit[2..] == [0, 0] && unit[0] != 0));
    let is_big = !is_little
        && all(|unit| unit[0] == 0 && unit[1] <= 0x10)
        && (bytes.starts_with(b"\0\0\xFE\xFF") || all(|unit| unit[..2] == [0, 0] && unit[3] != 0));
    if !(is_little || is_big) {
        return None;
    }
    let decode = if is_little { u32::from_le_bytes } else { u32::from_be_bytes };
    let letters = units.iter().map(|unit| char::from_u32(decode(*unit)).unwrap_or('\u{FFFD}'));
    Some(letters.filter(|letter| *letter != '\u{FEFF}').collect())
}

/// The digit that a letter is in another writing, and the signs between them.
fn other_digit(c: char) -> Option<char> {
    const ZEROS: [u32; 9] = [0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xE50, 0xFF10, 0x1D7CE];
    let code = u32::from(c);
    let value = ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10));
    match c {
        '٬' | '،' => Some(','),
        '٫' | '．' => Some('.'),
        '，' => Some(','),
        '：' => Some(':'),
        _ => char::from_digit(value?, 10),
    }
}

/// The text with all digits as Latin ones.
fn with_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| other_digit(c).is_some_and(|d| d.is_ascii_digit()))
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| other_digit(c).unwrap_or(c)).collect())
}

fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let (pairs, _) = bytes[..bytes.len().min(4096)].as_chunks::<2>();
    let zero = |at: usize| pairs.iter().filter(|pair| pair[at] == 0).count();
    // Tools print mostly ASCII: of its pairs exactly one byte is zero.
    match (zero(0) * 2 > pairs.len(), zero(1) * 2 > pairs.len()) {
        (true, false) => Some(UTF_16BE),
        (false, true) => Some(UTF_16LE),
        _ => None,
    }
}

/// The text as it was before a web page wrote its events with entities (`&lt;Event`), its lines
/// cleaned; itself where there is no such event.
pub(crate) fn with_events(text: Cow<'_, str>) -> Cow<'_, str> {
    const ESCAPED: [&str; 3] = ["&lt;Event", "&lt;MemoryExhaustionInfo", "&lt;SystemCommit"];
    if !ESCAPED.iter().any(|start| text.contains(start)) {
        return text;
    }
    let mut lines = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        for (at, part) in split_breaks(line.trim_end_matches(['\r', '\n'])).enumerate() {
            // A break within a line counts as no line of its own.
            lines.push_str(if at > 0 { "\r" } else { "" });
            lines.push_str(&clean(part));
        }
        lines.push_str(if line.ends_with('\n') { "\n" } else { "" });
    }
    Cow::Owned(lines)
}

/// The parts of a line between its `<br>` marks, blocks, and rows of HTML tables.
pub(crate) fn split_breaks(line: &str) -> impl Iterator<Item = &str> {
    let (mut rest, mut is_in_cell) = (Some(line), false);
    std::iter::from_fn(move || {
        let text = rest?;
        let found = text
            .match_indices('<')
            .find_map(|(at, _)| Some((at, line_break(&text[at..], &mut is_in_cell)?)));
        let (part, after) = match found {
            Some((at, length)) => (&text[..at], Some(&text[at + length..])),
            None => (text, None),
        };
        // A mark at the end of a line adds none.
        rest = after.filter(|after| !after.is_empty());
        Some(part)
    })
}

/// Length of the mark that `text` starts with, if lines end there: `<br/>`, `</tr>`, `<p class="a">`.
/// Paragraphs within a cell are of its row.
fn line_break(text: &str, is_in_cell: &mut bool) -> Option<usize> {
    const BLOCKS: [&str; 14] = [
        "table", "pre", "p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "section",
    ];
    let (name, length) = html_element(text)?;
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let is_end = text.starts_with("</");
    if is("td") || is("th") {
        *is_in_cell = !is_end;
    }
    let is_block = !*is_in_cell && BLOCKS.into_iter().any(is);
    (is("br") || is("tr") && is_end || is_block).then_some(length)
}

/// The line without marks: HTML elements of text, entities, bold, quote marks of mail, unusual
/// spaces and trailing space.
pub(crate) fn clean(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches(|c: char| c.is_whitespace() || c == '\u{1A}' || c == '\0');
    let marked = |c: char| matches!(c, '<' | '&' | '*' | '\0' | '\u{A0}' | '\u{FEFF}' | '\u{200B}');
    let unquoted = with_digits(unquoted(line));
    if !unquoted.contains(marked) {
        return unquoted;
    }
    let mut rest = unquoted.as_ref();
    let mut cleaned = String::with_capacity(rest.len());
    while let Some(at) = rest.find(marked) {
        cleaned.push_str(&rest[..at]);
        rest = &rest[at..];
        let (meaning, length) = meaning(rest);
        cleaned.push_str(&meaning);
        rest = &rest[length..];
    }
    cleaned.push_str(rest);
    cleaned.truncate(cleaned.trim_end().len());
    Cow::Owned(cleaned)
}

/// The line without the marks that mail programs put before what they quote.
fn unquoted(line: &str) -> &str {
    let mut rest = line;
    while let Some(quoted) = rest.strip_prefix('>') {
        rest = quoted;
        // A mark without a space is one only before another one, or alone.
        if let Some(text) = rest.strip_prefix(' ') {
            rest = text;
        } else if !rest.starts_with('>') && !rest.is_empty() {
            return line;
        }
    }
    rest
}

/// What the mark that `text` starts with stands for, and its length.
fn meaning(text: &str) -> (Cow<'_, str>, usize) {
    let first = text.chars().next().map_or(0, char::len_utf8);
    match text.as_bytes().first() {
        Some(b'*') => {
            let run = text.len() - text.trim_start_matches('*').len();
            // Two mean bold. More are the debugger's own.
            ((if run == 2 { "" } else { &text[..run] }).into(), run)
        }
        Some(b'<') => html_element(text).map_or(("<".into(), 1), |(name, length)| {
            // The cells of HTML tables become those of Markdown.
            let is_cell = name.eq_ignore_ascii_case("td") || name.eq_ignore_ascii_case("th");
            let ends = text.starts_with("</");
            let meaning = match is_cell {
                true if ends => " | ",
                _ if name.eq_ignore_ascii_case("tr") && !ends => "| ",
                _ => "",
            };
            (meaning.into(), length)
        }),
        Some(b'&') => entity(text).unwrap_or(("&".into(), 1)),
        _ if text.starts_with('\u{A0}') => (" ".into(), first),
        // Marks of byte order and zero width, and what is left of UTF-16 after other text.
        _ => ("".into(), first),
    }
}

/// What the entity that `text` starts with stands for, and its length.
fn entity(text: &str) -> Option<(Cow<'_, str>, usize)> {
    const LONGEST: usize = 10;
    let end = text.bytes().take(LONGEST).position(|b| b == b';')?;
    let name = &text[1..end];
    let meaning: Cow<'_, str> = match name {
        "lt" => "<".into(),
        "gt" => ">".into(),
        "amp" => "&".into(),
        "quot" => "\"".into(),
        "apos" => "'".into(),
        "nbsp" => " ".into(),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            let character = char::from_u32(code).filter(|c| !c.is_control())?;
            if character.is_whitespace() { " ".into() } else { character.to_string().into() }
        }
    };
    Some((meaning, end + 1))
}

const HTML: [&str; 51] = [
    "a",
    "b",
    "blockquote",
    "body",
    "br",
    "caption",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "img",
    "kbd",
    "li",
    "main",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "samp",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
];

// Longer start tags are left as they are, so that a line is read once.
const MAX_HTML_ELEMENT: usize = 256;

/// Name and length of the start or end tag that `text` starts with, if it is one of HTML text.
fn html_element(text: &str) -> Option<(&str, usize)> {
    let tag = text.as_bytes();
    let within = tag.iter().take(MAX_HTML_ELEMENT).skip(1);
    let end = 1 + within.take_while(|b| **b != b'<').position(|b| *b == b'>')?;
    let inside = text[1..end].trim_start_matches('/');
    let name = inside.split([' ', '/']).next().unwrap_or_default();
    HTML.iter().any(|known| name.eq_ignore_ascii_case(known)).then_some((name, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_encoding_is_read() {
        let text = "Tag Größe\r\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
        for bytes in [
            text.as_bytes(),
            &[b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            &le,
            &[b"\xFF\xFE", le.as_slice()].concat(),
            &be,
            &[b"\xFE\xFF", be.as_slice()].concat(),
            &text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>(),
            &text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect::<Vec<u8>>(),
            &latin,
        ] {
            assert_eq!(decode(bytes), text, "{bytes:x?}");
        }
    }

    #[test]
    fn a_line_is_split_at_its_breaks() {
        let split = |line| split_breaks(line).collect::<Vec<_>>();
        assert_eq!(split("a<br/> b<BR>c <br />"), ["a", " b", "c "]);
        assert_eq!(
            split("<p>a:</p><table class=t><tr><td>b</td></tr>"),
            ["", "a:", "", "<tr><td>b</td>"]
        );
        assert_eq!(split("<unknown> <brand>"), ["<unknown> <brand>"]);
        assert_eq!(split(""), [""]);
    }

    #[test]
    fn marks_of_web_pages_and_mails_are_taken_away() {
        for (line, cleaned) in [
            ("plain  ", "plain"),
            ("> **Thre** 1", "Thre 1"),
            ("*** Virtual Memory Usage ***", "*** Virtual Memory Usage ***"),
            ("<b>a</b>&nbsp;&lt;x&gt; &amp; &b", "a <x> & &b"),
            ("tag - <unknown> - x", "tag - <unknown> - x"),
            ("<font color=\"red\">Thre</font>", "Thre"),
            ("\u{FEFF}a\u{A0}b\u{1A}", "a b"),
            ("<", "<"),
            (">> > Thre", "Thre"),
            (">5 handles", ">5 handles"),
            ("> >", ""),
            ("<p>Image: a.exe</body></html>", "Image: a.exe"),
            ("<tr><td>Thre</td><td class=\"n\">5&#160;000</td>", "| Thre | 5 000 |"),
            ("&#x3E;&#0;&bogus;", ">&#0;&bogus;"),
            ("T\0h\0r\0e", "Thre"),
            ("Thre ١٢٬٣٤٥ ４２", "Thre 12,345 42"),
        ] {
            assert_eq!(clean(line), cleaned, "{line}");
        }
    }
}
