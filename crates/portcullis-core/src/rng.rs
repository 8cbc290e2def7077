//! The only source of random numbers. They depend only on the seed, a domain and an index,
//! so that a run can be repeated, whatever its timing.

/// The purpose of a stream of random numbers; streams never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The shuffle of the n-th deck of the run.
    Deck,
    /// The values drawn for the n-th request of the run.
    Values,
    /// The waits of the n-th user.
    Wait,
    /// The gaps between arrivals.
    Arrival,
    /// The task of a pair, and the order of its two requests.
    Pairs,
    /// The CPU of the two servers of pairs.
    Placement,
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014): small, fast, and good enough to shuffle decks.
#[derive(Clone, Debug)]
pub struct Rng(u64);

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Rng {
    /// The stream of `domain` and `index` under `seed`.
    pub fn stream(seed: u64, domain: Domain, index: u64) -> Self {
        let domain = (domain as u64 + 1).wrapping_mul(GOLDEN);
        Self(mix(mix(seed ^ domain).wrapping_add(mix(index.wrapping_add(GOLDEN)))))
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below `n`; 0 if `n` is 0. Multiply-shift (Lemire, "Fast random integer
    /// generation in an interval", 2019) without the rejection step: the bias is below n /
    /// 2^64.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Shuffles in place: Fisher and Yates, in Durstenfeld's form (1964).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_a_function_of_seed_domain_and_index() {
        let take = |seed, domain, index| Rng::stream(seed, domain, index).next_u64();
        assert_eq!(take(1, Domain::Deck, 0), take(1, Domain::Deck, 0));
        assert_ne!(take(1, Domain::Deck, 0), take(1, Domain::Values, 0));
        assert_ne!(take(1, Domain::Deck, 0), take(1, Domain::Deck, 1));
        assert_ne!(take(1, Domain::Deck, 0), take(2, Domain::Deck, 0));
    }

    #[test]
    fn neighbouring_streams_are_uniform_by_chi_square() {
        let mut cells = [0u32; 16];
        for index in 0..16_000 {
            cells[Rng::stream(7, Domain::Values, index).below(16) as usize] += 1;
        }
        let chi: f64 = cells.iter().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        // 15 degrees of freedom: the 99.99 % point is 44.3. The seed is fixed.
        assert!(chi < 44.3, "chi-square {chi}");
    }
}
