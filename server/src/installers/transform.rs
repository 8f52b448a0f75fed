//! A transform for the agent's package (`.mst`): a compound file that adds rows to the table of
//! properties. It holds a string pool, the rows, and a summary, as Windows Installer keeps them.

use std::io::{self, Cursor, Write};

use cfb::{CompoundFile, Version};
use uuid::{Uuid, uuid};

/// What makes a compound file a transform.
const TRANSFORM: Uuid = uuid!("000c1082-0000-0000-c000-000000000046");
/// The format of summaries (FMTID_SummaryInformation).
const SUMMARY: Uuid = uuid!("f29f85e0-4ff9-1068-ab91-08002b27b3d9");
/// The agent's packages, as deploy/msi/poolwatch-agent.wxs has it.
const UPGRADE_CODE: &str = "{6F5C2B0E-5B7D-4C0B-9A43-8E1B6D3C7A51}";
/// Both words of "Character Count": it may be applied to every package of this upgrade code
/// (MSITRANSFORM_VALIDATE_UPGRADECODE), and a row that is there already is no error, nor is anything else
/// that differs (all conditions of MSITRANSFORM_ERROR).
const CHECKS: i32 = 0x0800_003F;
/// Mask of a row that is added whole: two columns, and the lowest bit.
const WHOLE_ROW: u16 = 2 << 8 | 1;
/// Streams of tables begin with this character.
const TABLE: char = '\u{4840}';

/// A transform that sets these properties, in ASCII.
///
/// # Errors
/// When a value is not ASCII, or longer than 65,535 bytes.
pub fn write_transform(properties: &[(&str, String)]) -> io::Result<Vec<u8>> {
    let mut pool = StringPool::default();
    let mut rows = Vec::new();
    for (name, value) in properties {
        rows.extend(WHOLE_ROW.to_le_bytes());
        rows.extend(pool.add(name)?.to_le_bytes());
        rows.extend(pool.add(value)?.to_le_bytes());
    }
    let mut file = CompoundFile::create_with_version(Version::V3, Cursor::new(Vec::new()))?;
    file.set_storage_clsid("/", TRANSFORM)?;
    for (name, content) in [
        (table_stream("_StringPool"), pool.lengths),
        (table_stream("_StringData"), pool.text),
        (table_stream("Property"), rows),
        ("\u{5}SummaryInformation".to_owned(), summary()),
    ] {
        file.create_stream(format!("/{name}"))?.write_all(&content)?;
    }
    file.flush()?;
    Ok(file.into_inner().into_inner())
}

/// Texts that rows refer to by their number, from 1.
struct StringPool {
    /// The code page (0: ASCII), then of each text its length and how often it is referred to.
    lengths: Vec<u8>,
    text: Vec<u8>,
}

impl Default for StringPool {
    fn default() -> Self {
        Self { lengths: vec![0; 4], text: Vec::new() }
    }
}

impl StringPool {
    fn add(&mut self, text: &str) -> io::Result<u16> {
        let refused = |_| io::Error::other("a value is too long for a transform");
        if !text.is_ascii() {
            return Err(io::Error::other("a value of a transform is not ASCII"));
        }
        let number = u16::try_from(self.lengths.len() / 4).map_err(refused)?;
        let length = u16::try_from(text.len()).map_err(refused)?;
        self.lengths.extend(length.to_le_bytes());
        self.lengths.extend(1_u16.to_le_bytes());
        self.text.extend(text.as_bytes());
        Ok(number)
    }
}

/// The name that a table's stream has: two letters become one character, as 64 may stand in a name.
fn table_stream(table: &str) -> String {
    let digit = |letter: u8| {
        let place = match letter {
            b'0'..=b'9' => letter - b'0',
            b'A'..=b'Z' => letter - b'A' + 10,
            b'a'..=b'z' => letter - b'a' + 36,
            b'.' => 62,
            _ => 63,
        };
        u32::from(place)
    };
    let packed = table.as_bytes().chunks(2).map(|letters| match letters {
        [first, second] => 0x3800 + digit(*first) + (digit(*second) << 6),
        other => 0x4800 + other.iter().copied().map(digit).sum::<u32>(),
    });
    [TABLE].into_iter().chain(packed.filter_map(char::from_u32)).collect()
}

/// The summary ([MS-OLEPS]): what it is, and what it may be applied to.
fn summary() -> Vec<u8> {
    const SHORT: u32 = 2;
    const NUMBER: u32 = 3;
    const TEXT: u32 = 30;
    let number = |value: i32| (NUMBER, value.to_le_bytes().to_vec());
    let text = |value: &str| {
        let mut bytes = (value.len() as u32 + 1).to_le_bytes().to_vec();
        bytes.extend(value.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        (TEXT, bytes)
    };
    let any = Uuid::nil().braced();
    let properties = [
        // Code page.
        (1_u32, (SHORT, vec![0xE4, 0x04, 0, 0])),
        // Title, subject, author.
        (2, text("Transform")),
        (3, text("Poolwatch Agent for one server")),
        (4, text("Poolwatch")),
        // Platform and language before and after: of any platform.
        (7, text(";1033")),
        (8, text(";1033")),
        // Product before; product after; upgrade code.
        (9, text(&format!("{any}0.0.0;{any}0.0.0;{UPGRADE_CODE}"))),
        // Least version of Windows Installer.
        (14, number(200)),
        (16, number(CHECKS)),
        (18, text("Poolwatch")),
        // Only to be read.
        (19, number(4)),
    ];
    let mut offset = 8 + 8 * properties.len();
    let (mut places, mut values) = (Vec::new(), Vec::new());
    for (id, (kind, bytes)) in &properties {
        places.extend(id.to_le_bytes());
        places.extend((offset as u32).to_le_bytes());
        values.extend(kind.to_le_bytes());
        values.extend(bytes);
        offset += 4 + bytes.len();
    }
    let mut stream = vec![0xFE, 0xFF, 0, 0, 6, 0, 2, 0];
    stream.extend([0; 16]);
    stream.extend(1_u32.to_le_bytes());
    stream.extend(SUMMARY.to_bytes_le());
    stream.extend(48_u32.to_le_bytes());
    stream.extend((offset as u32).to_le_bytes());
    stream.extend((properties.len() as u32).to_le_bytes());
    stream.extend(places);
    stream.extend(values);
    stream
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn streams(transform: Vec<u8>) -> Vec<(String, Vec<u8>)> {
        let mut file = CompoundFile::open(Cursor::new(transform)).unwrap();
        assert_eq!(*file.root_entry().clsid(), TRANSFORM);
        let names: Vec<String> =
            file.read_root_storage().map(|entry| entry.name().to_owned()).collect();
        names
            .into_iter()
            .map(|name| {
                let mut content = Vec::new();
                file.open_stream(format!("/{name}")).unwrap().read_to_end(&mut content).unwrap();
                (name, content)
            })
            .collect()
    }

    #[test]
    fn a_transform_adds_a_row_for_each_property() {
        let properties =
            [("SERVER_URL", "https://a.test".to_owned()), ("INTERVAL", "30".to_owned())];
        let streams = streams(write_transform(&properties).unwrap());
        let stream = |name: &str| &streams.iter().find(|(one, _)| one == name).unwrap().1;
        assert_eq!(streams.len(), 4);
        assert_eq!(stream(&table_stream("_StringData")), b"SERVER_URLhttps://a.testINTERVAL30");
        assert_eq!(
            stream(&table_stream("_StringPool")),
            &[0, 0, 0, 0, 10, 0, 1, 0, 14, 0, 1, 0, 8, 0, 1, 0, 2, 0, 1, 0]
        );
        assert_eq!(stream(&table_stream("Property")), &[1, 2, 1, 0, 2, 0, 1, 2, 3, 0, 4, 0]);
        let summary = stream("\u{5}SummaryInformation");
        assert!(summary.windows(38).any(|part| part == UPGRADE_CODE.as_bytes()));
    }

    #[test]
    fn names_of_tables_are_packed_as_windows_installer_does() {
        // What a package of the agent has.
        assert_eq!(table_stream("Property"), "\u{4840}\u{4559}\u{44f2}\u{4568}\u{4737}");
        assert_eq!(
            table_stream("_StringData"),
            "\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3b6a}\u{45e4}\u{4824}"
        );
    }

    #[test]
    fn what_a_transform_cannot_hold_is_refused() {
        assert!(write_transform(&[("LABELS", "büro".to_owned())]).is_err());
        assert!(write_transform(&[("LABELS", "a".repeat(70_000))]).is_err());
    }
}
