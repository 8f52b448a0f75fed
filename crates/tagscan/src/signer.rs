//! Who signed a file: the subject of the certificate that its Authenticode signature names (documented in
//! "Windows Authenticode Portable Executable Signature Format"; PKCS #7, RFC 2315).
//!
//! Nothing is verified: neither the signature, nor the file's hash, nor who issued the certificate. Files
//! that are signed by a catalogue have no signature of their own, and no signer here.

use der::{Reader, SliceReader, Tag, Tagged, asn1::AnyRef};

use crate::image::Image;

/// Bytes before the signature in its entry, and what they say of it: `WIN_CERT_TYPE_PKCS_SIGNED_DATA`.
const ENTRY_HEAD: usize = 8;
const PKCS_SIGNED_DATA: u16 = 2;
/// Certificates that are looked at.
const CERTIFICATES: usize = 64;
/// Attributes of a subject: common name (2.5.4.3) and organisation (2.5.4.10).
const COMMON_NAME: [u8; 3] = [0x55, 4, 3];
const ORGANISATION: [u8; 3] = [0x55, 4, 10];
/// Letters of a name that are kept.
const LETTERS: usize = 255;

/// The signer that a file names, by its first signature.
pub(crate) fn signer(image: &Image<'_>, file: &[u8]) -> Option<String> {
    let (offset, size) = image.signature_directory()?;
    let table = file.get(offset as usize..)?;
    let table = &table[..table.len().min(size as usize)];
    let length = u32::from_le_bytes(*table.first_chunk()?) as usize;
    let kind = u16::from_le_bytes(*table.get(6..)?.first_chunk()?);
    if kind != PKCS_SIGNED_DATA {
        return None;
    }
    let subject = subject(table.get(ENTRY_HEAD..length.min(table.len()))?)?;
    attribute(subject, COMMON_NAME).or_else(|| attribute(subject, ORGANISATION))
}

/// The subject of the certificate that the first signer of signed data names by issuer and number.
fn subject(signed_data: &[u8]) -> Option<AnyRef<'_>> {
    let content = parts(signed_data).next()?;
    let wrapped = parts(content.value()).nth(1)?;
    let signed = parts(wrapped.value()).next()?;
    let is_tagged = |part: &AnyRef<'_>| matches!(part.tag(), Tag::ContextSpecific { .. });
    let certificates = parts(signed.value()).find(is_tagged)?;
    let signers = parts(signed.value()).last().filter(|last| last.tag() == Tag::Set)?;
    let signer = parts(signers.value()).next()?;
    let named = parts(signer.value()).nth(1)?;
    let mut named = parts(named.value());
    let (issuer, number) = (named.next()?, named.next()?);
    parts(certificates.value()).take(CERTIFICATES).find_map(|certificate| {
        let content = parts(certificate.value()).next()?;
        // Version 1 is not written.
        let mut fields = parts(content.value()).skip_while(is_tagged);
        let its_number = fields.next()?;
        let its_issuer = fields.nth(1)?;
        let its_subject = fields.nth(1)?;
        (its_number == number && its_issuer == issuer).then_some(its_subject)
    })
}

/// An attribute of a name, as text.
fn attribute(name: AnyRef<'_>, wanted: [u8; 3]) -> Option<String> {
    let attributes = parts(name.value()).flat_map(|set| parts(set.value()));
    let values = attributes.filter_map(|attribute| {
        let mut fields = parts(attribute.value());
        let is_wanted = fields.next()?.value() == wanted;
        fields.next().filter(|_| is_wanted)
    });
    values.filter_map(text).find(|text| !text.is_empty())
}

fn text(value: AnyRef<'_>) -> Option<String> {
    let bytes = value.value();
    let text = match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        // In practice Latin 1.
        Tag::TeletexString => bytes.iter().copied().map(char::from).collect(),
        Tag::BmpString => {
            let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            String::from_utf16_lossy(&units.collect::<Vec<u16>>())
        }
        _ => return None,
    };
    Some(text.trim().chars().take(LETTERS).collect())
}

/// The values that stand one after the other, up to one that cannot be read.
fn parts(bytes: &[u8]) -> impl Iterator<Item = AnyRef<'_>> {
    let mut reader = SliceReader::new(bytes).ok();
    std::iter::from_fn(move || {
        let reader = reader.as_mut().filter(|reader| !reader.is_finished())?;
        reader.decode().ok()
    })
}
