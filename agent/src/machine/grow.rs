//! Buffers that grow until an answer fits.

use super::Status;

/// Attempts: what the kernel lists grows between one call and the next.
const ATTEMPTS: usize = 10;
/// `STATUS_BUFFER_OVERFLOW` and `STATUS_BUFFER_TOO_SMALL`, by which some calls say the same as by
/// `STATUS_INFO_LENGTH_MISMATCH`.
const TOO_SMALL: [u32; 3] = [Status::INFO_LENGTH_MISMATCH.number(), 0x8000_0005, 0xC000_0023];

/// Calls until the answer fits, and returns its length in bytes. The buffer, in words so that it is
/// aligned, grows up to `limit` bytes and is kept for the next time. `call` returns the status and
/// the length that the kernel told: 0 after success means that the whole buffer has to be looked at.
///
/// # Errors
/// The kernel's status; that of a buffer too small when it never fitted; and
/// `STATUS_INSUFFICIENT_RESOURCES` when there is no memory for a larger buffer.
pub fn fill(
    buffer: &mut Vec<u64>,
    limit: usize,
    mut call: impl FnMut(&mut [u64]) -> (u32, usize),
) -> Result<usize, Status> {
    for _ in 0..ATTEMPTS {
        let size = buffer.len() * size_of::<u64>();
        let (status, told) = call(buffer);
        if status == 0 {
            return match told {
                0 => Ok(size),
                told if told <= size => Ok(told),
                _ => Err(Status::DATA_ERROR),
            };
        }
        if !TOO_SMALL.contains(&status) {
            return Err(Status::failure(status));
        }
        if size >= limit {
            return Err(Status::INFO_LENGTH_MISMATCH);
        }
        // An eighth more than told, for what comes up meanwhile, and never less than double.
        let slack = told.saturating_add(told / 8).saturating_add(4096);
        let wanted = slack.max(size * 2).min(limit);
        let words = wanted.div_ceil(size_of::<u64>());
        let more = words.saturating_sub(buffer.len());
        buffer.try_reserve_exact(more).map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        buffer.resize(words, 0);
    }
    Err(Status::INFO_LENGTH_MISMATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISMATCH: u32 = Status::INFO_LENGTH_MISMATCH.number();

    #[test]
    fn a_list_that_grows_between_calls_is_caught_up_with() {
        let mut buffer = vec![0; 16];
        let mut needed = 50_000;
        let mut calls = 0;
        let length = fill(&mut buffer, 1 << 20, |buffer| {
            calls += 1;
            needed += 100;
            if buffer.len() * 8 < needed { (MISMATCH, needed) } else { (0, needed) }
        });
        assert_eq!(length, Ok(needed));
        assert_eq!(calls, 2);
    }

    #[test]
    fn a_length_that_is_never_told_is_found_by_doubling() {
        let mut buffer = vec![0; 512];
        let length = fill(&mut buffer, 1 << 20, |buffer| {
            if buffer.len() * 8 < 100_000 { (MISMATCH, 0) } else { (0, 0) }
        });
        assert_eq!(length, Ok(131_072));
    }

    #[test]
    fn what_never_fits_ends() {
        let mut calls = 0;
        let result = fill(&mut vec![0; 1], 64 << 10, |_| {
            calls += 1;
            (MISMATCH, usize::MAX)
        });
        assert_eq!(result, Err(Status::INFO_LENGTH_MISMATCH));
        assert_eq!(calls, 2);
    }

    #[test]
    fn a_refusal_is_final_and_a_lie_about_success_is_refused() {
        let refused = fill(&mut vec![0; 8], 1 << 20, |_| (0xC000_0003, 8));
        assert_eq!(refused, Err(Status::INVALID_INFO_CLASS));
        // Informational statuses promise nothing about the buffer.
        assert!(fill(&mut vec![0; 8], 1 << 20, |_| (0x103, 8)).is_err());
        assert_eq!(fill(&mut vec![0; 8], 1 << 20, |_| (0, 65)), Err(Status::DATA_ERROR));
    }
}
