//! Numbers on the wire: LEB128 varints, zigzag for signed ones.

/// Input ended early or holds a number that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cut short, or a number out of range")]
pub struct Malformed;

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The difference of two counters, small whichever way it went.
pub(super) fn zigzag(from: u64, to: u64) -> u64 {
    let difference = to.wrapping_sub(from) as i64;
    (difference << 1 ^ difference >> 63) as u64
}

/// The counter that [`zigzag`] came from.
pub(super) fn unzigzag(from: u64, coded: u64) -> u64 {
    from.wrapping_add(coded >> 1 ^ (coded & 1).wrapping_neg())
}

/// Reads from the front of a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// A count or length that may not exceed `limit`.
    pub(super) fn count(&mut self, limit: usize) -> Result<usize, Malformed> {
        usize::try_from(self.varint()?).ok().filter(|count| *count <= limit).ok_or(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(a: u64, b: u64) {
            let mut out = Vec::new();
            put_varint(&mut out, a);
            prop_assert_eq!(Reader(&out).varint(), Ok(a));
            prop_assert_eq!(unzigzag(a, zigzag(a, b)), b);
        }
    }

    #[test]
    fn a_varint_longer_than_64_bits_is_malformed() {
        assert_eq!(Reader(&[0xFF; 10]).varint(), Err(Malformed));
        assert_eq!(Reader(&[0x80]).varint(), Err(Malformed));
    }
}
