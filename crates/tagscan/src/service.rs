//! The tag that KMDF allocates under for a driver that names none.

use poolwatch_model::PoolTag;

/// What a service's name begins with where its tag is made of what follows.
const PREFIX: &str = "WDF";
/// Letters of a tag.
const LETTERS: usize = 4;

/// The first four letters of the service's name; of a name that begins with `WDF`, the four after
/// that. Source: the documentation of `WDF_DRIVER_CONFIG`. `None` for shorter and other names.
#[must_use]
pub fn service_tag(service: &str) -> Option<PoolTag> {
    let has_prefix =
        service.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
    let name = if has_prefix { &service[PREFIX.len()..] } else { service };
    let letters: [u8; LETTERS] = name.as_bytes().get(..LETTERS)?.try_into().ok()?;
    letters.iter().all(u8::is_ascii_graphic).then(|| PoolTag::new(letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_made_of_the_beginning_of_a_services_name() {
        for (service, tag) in [
            ("foodrv", Some(*b"food")),
            ("WdfSample", Some(*b"Samp")),
            ("wdf", None),
            ("foo", None),
            ("föo", None),
            ("", None),
        ] {
            assert_eq!(service_tag(service), tag.map(PoolTag::new), "{service}");
        }
    }
}
