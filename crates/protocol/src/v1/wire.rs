//! Numbers on the wire and in chunks: LEB128 varints, zigzag for signed ones.

/// Input ended early or holds a number that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cut short, or a number out of range")]
pub struct Malformed;

/// Appends a number.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The difference of two counters, small whichever way it went.
#[must_use]
pub fn zigzag(from: u64, to: u64) -> u64 {
    let difference = to.wrapping_sub(from) as i64;
    (difference << 1 ^ difference >> 63) as u64
}

/// The counter that [`zigzag`] came from.
#[must_use]
pub fn unzigzag(from: u64, coded: u64) -> u64 {
    from.wrapping_add(coded >> 1 ^ (coded & 1).wrapping_neg())
}

const UPPER_BITS: u64 = 0x8080_8080_8080_8080;

/// Reads from the front of a buffer.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// So many bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// So many bytes, as many as are asked for.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A byte.
    ///
    /// # Errors
    /// When nothing is left.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A number.
    ///
    /// # Errors
    /// When it is cut short or does not fit 64 bits.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        // Most numbers are small.
        if let [byte @ 0..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        if let Some((word, _)) = self.0.split_first_chunk::<8>() {
            let word = u64::from_le_bytes(*word);
            let ends = !word & UPPER_BITS;
            if ends != 0 {
                // The bits up to the first end; then pairs of 7, of 14 and of 28 bits are joined.
                let bits = word & (ends ^ ends.wrapping_sub(1)) & !UPPER_BITS;
                let bits = bits & 0x007F_007F_007F_007F | (bits & 0x7F00_7F00_7F00_7F00) >> 1;
                let bits = bits & 0x0000_3FFF_0000_3FFF | (bits & 0x3FFF_0000_3FFF_0000) >> 2;
                let bits = bits & 0x0FFF_FFFF | (bits & 0x0FFF_FFFF_0000_0000) >> 4;
                self.0 = &self.0[ends.trailing_zeros() as usize / 8 + 1..];
                return Ok(bits);
            }
        }
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
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

    /// A number of 32 bits.
    ///
    /// # Errors
    /// When it is larger, or as [`Self::varint`].
    pub fn small(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.varint()?).map_err(|_| Malformed)
    }

    /// Passes over some numbers.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn skip(&mut self, count: usize) -> Result<(), Malformed> {
        // The last byte of a number has its upper bit clear: many are looked at at once.
        let mut left = count;
        while let Some((block, rest)) = self.0.split_first_chunk::<32>() {
            let ends: u8 = block.iter().map(|byte| u8::from(*byte < 0x80)).sum();
            if usize::from(ends) >= left {
                break;
            }
            left -= usize::from(ends);
            self.0 = rest;
        }
        while left > 0 {
            left -= usize::from(self.byte()? & 0x80 == 0);
        }
        Ok(())
    }

    /// A count or length that may not exceed `limit`.
    ///
    /// # Errors
    /// When it does, or as [`Self::varint`].
    pub fn count(&mut self, limit: usize) -> Result<usize, Malformed> {
        usize::try_from(self.varint()?).ok().filter(|count| *count <= limit).ok_or(Malformed)
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    /// When something is.
    pub fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(
            a in any::<u64>().prop_map(|n| n >> (n % 64)),
            b: u64,
            after in proptest::collection::vec(any::<u8>(), 0..10),
        ) {
            let mut out = Vec::new();
            put_varint(&mut out, a);
            out.extend(&after);
            let mut reader = Reader(&out);
            prop_assert_eq!(reader.varint(), Ok(a));
            prop_assert_eq!(reader.0, &after);
            prop_assert_eq!(unzigzag(a, zigzag(a, b)), b);
        }
    }

    proptest! {
        #[test]
        fn passing_over_numbers_is_reading_them(
            numbers in proptest::collection::vec(any::<u64>().prop_map(|n| n >> (n % 64)), 0..60),
            count in 0_usize..70,
        ) {
            let mut out = Vec::new();
            numbers.iter().for_each(|number| put_varint(&mut out, *number));
            let (mut read, mut passed) = (Reader(&out), Reader(&out));
            let all: Result<Vec<u64>, Malformed> = (0..count).map(|_| read.varint()).collect();
            prop_assert_eq!(passed.skip(count).is_ok(), all.is_ok());
            if all.is_ok() {
                prop_assert_eq!(passed.0, read.0);
            }
        }
    }

    #[test]
    fn a_varint_longer_than_64_bits_is_malformed() {
        assert_eq!(Reader(&[0xFF; 10]).varint(), Err(Malformed));
        assert_eq!(Reader(&[0x80]).varint(), Err(Malformed));
    }
}
