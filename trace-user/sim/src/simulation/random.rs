//! Numbers that look random and follow only from a seed (splitmix64).

/// A stream of them.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high.saturating_sub(low) + 1)
    }

    /// True once in `times`; never if that is zero.
    pub fn one_in(&mut self, times: u64) -> bool {
        times != 0 && self.next().is_multiple_of(times)
    }

    /// One of the choices: `first`, or one of `others`.
    pub fn pick<T: Copy>(&mut self, first: T, others: &[T]) -> T {
        let place = self.next() % (others.len() as u64 + 1);
        usize::try_from(place).ok().and_then(|place| others.get(place).copied()).unwrap_or(first)
    }
}
