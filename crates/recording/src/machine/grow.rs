//! Buffers that grow until an answer fits.

use super::Status;

/// Attempts: what the kernel lists grows between one call and the next.
const ATTEMPTS: usize = 10;
/// `STATUS_BUFFER_OVERFLOW` and `STATUS_BUFFER_TOO_SMALL`, by which some calls say the same as by
/// `STATUS_INFO_LENGTH_MISMATCH`.
const TOO_SMALL: [u32; 3] = [Status::INFO_LENGTH_MISMATCH.number(), 0x8000_0005, 0xC000_0023];

/// Answers of which the largest decides whether a buffer is larger than it need be.
const WINDOW: u32 = 60;

/// What one call gave of an answer that comes in pages.
#[derive(Debug, Clone, Copy)]
pub struct PageAnswer {
    /// Entries in the page.
    pub count: u32,
    /// Bytes that are still to come; 0 when this was all.
    pub missing: usize,
}

/// A buffer that answers are written to, in words so that it is aligned. It is kept for the next
/// answer, grows when one does not fit, and shrinks some time after a peak.
#[derive(Debug)]
pub struct Buffer {
    words: Vec<u64>,
    /// Words that it never falls below.
    first: usize,
    /// Bytes of the largest answer in this window, and how many there were.
    largest: usize,
    answers: u32,
}

impl Buffer {
    /// A buffer of so many bytes at first.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let first = bytes.div_ceil(size_of::<u64>());
        Self { words: vec![0; first], first, largest: 0, answers: 0 }
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The words, to be written to.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Calls until the answer fits, and returns its length in bytes. The buffer grows up to `limit`
    /// bytes. `call` returns the status and the length that the kernel told: 0 after success means
    /// that the whole buffer has to be looked at.
    ///
    /// # Errors
    /// The kernel's status; that of a buffer too small when it never fitted; and
    /// `STATUS_INSUFFICIENT_RESOURCES` when there is no memory for a larger buffer.
    pub fn fill(
        &mut self,
        limit: usize,
        mut call: impl FnMut(&mut [u64]) -> (u32, usize),
    ) -> Result<usize, Status> {
        self.shrink();
        for _ in 0..ATTEMPTS {
            let size = size_of_val(self.words.as_slice());
            let (status, told) = call(&mut self.words);
            if status == 0 {
                let length = if told == 0 { size } else { told };
                // What was not told may be all or nothing of it.
                self.note(if told == 0 { size / 2 } else { told });
                return if length <= size { Ok(length) } else { Err(Status::DATA_ERROR) };
            }
            if !TOO_SMALL.contains(&status) {
                return Err(Status::failure(status));
            }
            self.grow(told, limit)?;
        }
        Err(Status::INFO_LENGTH_MISMATCH)
    }

    /// Calls for one page of at most `page` bytes after the other, each with its count of entries in
    /// front, and returns the length of all in bytes. `call` gets the room behind the count and from
    /// where to go on.
    ///
    /// # Errors
    /// As those of [`Self::fill`].
    pub fn fill_pages(
        &mut self,
        page: usize,
        limit: usize,
        mut call: impl FnMut(&mut [u64], &mut u32) -> Result<PageAnswer, Status>,
    ) -> Result<usize, Status> {
        self.shrink();
        for _ in 0..ATTEMPTS {
            let (mut resume, mut used, mut missing) = (0, 0, 0);
            for page in self.words.chunks_mut(page / size_of::<u64>()) {
                let size = size_of_val(page);
                let Some((count, room)) = page.split_first_mut() else {
                    break;
                };
                let answer = call(room, &mut resume)?;
                *count = answer.count.into();
                (used, missing) = (used + size, answer.missing);
                if missing == 0 {
                    self.note(used / 2);
                    return Ok(used);
                }
            }
            self.grow(used.saturating_add(missing), limit)?;
        }
        Err(Status::INFO_LENGTH_MISMATCH)
    }

    /// Grows to what was told to be needed and an eighth more, for what comes up meanwhile, and to no
    /// less than double. What is in it is of no use, and its memory is given back first: both at once may
    /// be more than the process may have.
    fn grow(&mut self, told: usize, limit: usize) -> Result<(), Status> {
        let size = size_of_val(self.words.as_slice());
        if size >= limit {
            return Err(Status::INFO_LENGTH_MISMATCH);
        }
        let slack = told.saturating_add(told / 8).saturating_add(4096);
        let words = slack.max(size * 2).min(limit).div_ceil(size_of::<u64>());
        self.words = Vec::new();
        for (words, grown) in [(words, Ok(())), (self.first, Err(Status::INSUFFICIENT_RESOURCES))] {
            if self.words.try_reserve_exact(words).is_ok() {
                self.words.resize(words, 0);
                return grown;
            }
        }
        Err(Status::INSUFFICIENT_RESOURCES)
    }

    fn note(&mut self, used: usize) {
        self.largest = self.largest.max(used);
        self.answers += 1;
    }

    /// Gives back room that no answer of the last window needed. Where there is no memory for the
    /// smaller buffer, the larger one stays.
    fn shrink(&mut self) {
        if self.answers < WINDOW {
            return;
        }
        let wanted = (self.largest + self.largest / 4).div_ceil(size_of::<u64>()).max(self.first);
        (self.largest, self.answers) = (0, 0);
        let mut smaller = Vec::new();
        if wanted * 2 < self.words.len() && smaller.try_reserve_exact(wanted).is_ok() {
            smaller.extend(std::iter::repeat_n(0, wanted));
            self.words = smaller;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISMATCH: u32 = Status::INFO_LENGTH_MISMATCH.number();

    #[test]
    fn a_list_that_grows_between_calls_is_caught_up_with() {
        let mut buffer = Buffer::new(128);
        let mut needed = 50_000;
        let mut calls = 0;
        let length = buffer.fill(1 << 20, |buffer| {
            calls += 1;
            needed += 100;
            if buffer.len() * 8 < needed { (MISMATCH, needed) } else { (0, needed) }
        });
        assert_eq!(length, Ok(needed));
        assert_eq!(calls, 2);
    }

    #[test]
    fn a_length_that_is_never_told_is_found_by_doubling() {
        let mut buffer = Buffer::new(4096);
        let length =
            buffer.fill(
                1 << 20,
                |buffer| {
                    if buffer.len() * 8 < 100_000 { (MISMATCH, 0) } else { (0, 0) }
                },
            );
        assert_eq!(length, Ok(131_072));
    }

    #[test]
    fn what_never_fits_ends() {
        let mut calls = 0;
        let result = Buffer::new(8).fill(64 << 10, |_| {
            calls += 1;
            (MISMATCH, usize::MAX)
        });
        assert_eq!(result, Err(Status::INFO_LENGTH_MISMATCH));
        assert_eq!(calls, 2);
    }

    #[test]
    fn a_refusal_is_final_and_a_lie_about_success_is_refused() {
        let refused = Buffer::new(64).fill(1 << 20, |_| (0xC000_0003, 8));
        assert_eq!(refused, Err(Status::INVALID_INFO_CLASS));
        // Informational statuses promise nothing about the buffer.
        assert!(Buffer::new(64).fill(1 << 20, |_| (0x103, 8)).is_err());
        assert_eq!(Buffer::new(64).fill(1 << 20, |_| (0, 65)), Err(Status::DATA_ERROR));
    }

    #[test]
    fn a_buffer_that_cannot_grow_is_as_it_was_at_first() {
        let mut buffer = Buffer::new(4096);
        // More than any process can have.
        let failed = buffer.fill(1 << 60, |_| (MISMATCH, 1 << 59));
        assert_eq!(failed, Err(Status::INSUFFICIENT_RESOURCES));
        assert_eq!(size_of_val(buffer.words()), 4096);
        assert_eq!(buffer.fill(1 << 20, |_| (0, 64)), Ok(64));
    }

    fn answer(buffer: &mut Buffer, needed: usize) -> usize {
        let call = |words: &mut [u64]| {
            let status = if size_of_val(words) < needed { MISMATCH } else { 0 };
            (status, needed)
        };
        assert_eq!(buffer.fill(32 << 20, call), Ok(needed));
        size_of_val(buffer.words())
    }

    #[test]
    fn a_buffer_shrinks_some_time_after_a_peak_and_not_before() {
        let mut buffer = Buffer::new(4096);
        answer(&mut buffer, 100_000);
        let at_peak = answer(&mut buffer, 8 << 20);
        for _ in 2..WINDOW {
            assert_eq!(answer(&mut buffer, 100_000), at_peak);
        }
        for _ in 0..WINDOW {
            answer(&mut buffer, 100_000);
        }
        let after = answer(&mut buffer, 100_000);
        assert!((100_000..=125_000).contains(&after), "{after}");
        for _ in 0..=2 * WINDOW {
            assert_eq!(answer(&mut buffer, 100_000), after);
        }
    }

    /// More services than one call of the service control manager gives (256 kB).
    #[test]
    fn a_list_of_any_length_comes_in_pages() {
        const PAGE: usize = 1032;
        for all in [1, 15, 16, 17, 1000, 5000] {
            let mut buffer = Buffer::new(64);
            let length = buffer.fill_pages(PAGE, 1 << 20, |page, resume| {
                let fit = page.len() / 8;
                let left = all - *resume as usize;
                let count = fit.min(left);
                let missing = 64 * (left - count);
                *resume = if missing > 0 { *resume + count as u32 } else { 0 };
                Ok(PageAnswer { count: count as u32, missing })
            });
            let words = &buffer.words()[..length.unwrap() / 8];
            let counts: u64 = words.chunks(PAGE / 8).map(|page| page[0]).sum();
            assert_eq!(counts, all as u64);
        }
        let endless = Buffer::new(64)
            .fill_pages(PAGE, 8 << 10, |_, _| Ok(PageAnswer { count: 1, missing: 64 }));
        assert_eq!(endless, Err(Status::INFO_LENGTH_MISMATCH));
        let failed = Buffer::new(64).fill_pages(PAGE, 8 << 10, |_, _| Err(Status::failure(1450)));
        assert_eq!(failed, Err(Status::failure(1450)));
    }
}
