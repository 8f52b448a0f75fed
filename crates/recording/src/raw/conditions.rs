//! The kernel's memory conditions, as four bytes of ours: 0 is off, 1 is on, 2 is unknown.
//!
//! Captures of version 0.1 have three, of which the third is `LowCommitCondition`: it says that the
//! commit charge is low, as on every healthy host, and tells nothing here.

use super::{RawError, fields::Fields};

/// Bytes of a capture of version 0.1.
const WITHOUT_COMMIT: usize = 3;

/// What the kernel says to be short of; `None` is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryConditions {
    /// `LowNonPagedPoolCondition`.
    pub low_nonpaged: Option<bool>,
    /// `LowPagedPoolCondition`.
    pub low_paged: Option<bool>,
    /// `HighCommitCondition`: much of the commit limit is charged. A host that is given just the
    /// memory it needs may live so.
    pub high_commit: Option<bool>,
    /// `MaximumCommitCondition`: all but nothing is left of the largest commit limit.
    pub maximum_commit: Option<bool>,
}

impl MemoryConditions {
    /// Whether memory is known to fail now, so that nothing may be asked for that can be had later.
    #[must_use]
    pub fn are_failing(self) -> bool {
        [self.low_nonpaged, self.low_paged, self.maximum_commit].contains(&Some(true))
    }
}

/// Reads the conditions.
///
/// # Errors
/// When the bytes are fewer or another number.
pub fn parse(bytes: &[u8]) -> Result<MemoryConditions, RawError> {
    let fields = Fields::without_pointers(bytes, "memory conditions");
    let condition = |at| match fields.u8(at)? {
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        2 => Ok(None),
        value => Err(RawError::Absurd { what: "memory condition", value: value.into() }),
    };
    let (low_nonpaged, low_paged) = (condition(0)?, condition(1)?);
    if bytes.len() == WITHOUT_COMMIT {
        condition(2)?;
        return Ok(MemoryConditions { low_nonpaged, low_paged, ..MemoryConditions::default() });
    }
    Ok(MemoryConditions {
        low_nonpaged,
        low_paged,
        high_commit: condition(2)?,
        maximum_commit: condition(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_high_commit_charge_alone_is_no_failure() {
        for (bytes, failing) in [
            ([0, 0, 0, 0], false),
            ([0, 0, 1, 0], false),
            ([0, 0, 1, 1], true),
            ([2, 1, 0, 0], true),
            ([1, 2, 2, 2], true),
            ([2; 4], false),
        ] {
            assert_eq!(parse(&bytes).unwrap().are_failing(), failing, "{bytes:?}");
        }
        assert!(parse(&[0, 0]).is_err());
        assert!(parse(&[0, 3, 0, 0]).is_err());
    }

    #[test]
    fn a_low_commit_charge_in_an_old_capture_means_nothing() {
        let conditions = parse(&[0, 0, 1]).unwrap();
        assert!(!conditions.are_failing());
        assert_eq!((conditions.high_commit, conditions.maximum_commit), (None, None));
    }
}
