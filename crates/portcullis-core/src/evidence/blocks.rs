//! The design effect: requests that share a bad second are not independent. How much less
//! evidence they give is estimated from how unevenly the hits are spread over the seconds.

use super::share::Counts;

/// Block lengths in seconds; the one with the most uneven hits counts.
const LENGTHS: [u32; 4] = [1, 2, 5, 10];
/// With fewer blocks, uneven hits cannot be distinguished from chance.
const ENOUGH_BLOCKS: usize = 10;
/// The same with fewer hits, or fewer misses.
const ENOUGH_HITS: u64 = 3;

/// The factor by which the variance of the share exceeds that of independent requests, at
/// least 1: the design effect of a ratio over clusters (Cochran 1977, "Sampling
/// techniques", 3rd edition, section 9A; Rao and Scott 1992). This is an approximation; 1
/// if there are too few data. `seconds` are pairs of a second and its counts, ascending.
pub fn factor(seconds: &[(u32, Counts)]) -> f64 {
    let total = sum(seconds.iter().map(|(_, counts)| *counts));
    if total.hits < ENOUGH_HITS || total.all - total.hits.min(total.all) < ENOUGH_HITS {
        return 1.0;
    }
    LENGTHS.iter().filter_map(|length| of_length(seconds, *length, total)).fold(1.0, f64::max)
}

fn of_length(seconds: &[(u32, Counts)], length: u32, total: Counts) -> Option<f64> {
    let same = |a: &(u32, Counts), b: &(u32, Counts)| a.0 / length == b.0 / length;
    let blocks: Vec<Counts> =
        seconds.chunk_by(same).map(|chunk| sum(chunk.iter().map(|(_, counts)| *counts))).collect();
    if blocks.len() < ENOUGH_BLOCKS {
        return None;
    }
    let share = total.share();
    let off = |block: &Counts| (block.hits as f64 - share * block.all as f64).powi(2);
    let correction = blocks.len() as f64 / (blocks.len() - 1) as f64;
    let found: f64 = blocks.iter().map(off).sum::<f64>() * correction;
    Some(found / (total.all as f64 * share * (1.0 - share)))
}

fn sum(counts: impl Iterator<Item = Counts>) -> Counts {
    counts.fold(Counts::default(), |sum, counts| Counts {
        all: sum.all + counts.all,
        hits: sum.hits + counts.hits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(hits: impl Fn(u32) -> u64) -> Vec<(u32, Counts)> {
        (0..40).map(|second| (second, Counts { all: 10, hits: hits(second) })).collect()
    }

    #[test]
    fn hits_in_one_bad_second_count_as_few() {
        // Forty hits of four hundred: one in each second, or all in four seconds.
        assert!(factor(&seconds(|_| 1)) < 1.01);
        let clustered = factor(&seconds(|second| if second % 10 == 0 { 10 } else { 0 }));
        assert!((9.0..11.0).contains(&clustered), "{clustered}");
    }

    #[test]
    fn a_bad_stretch_is_seen_whatever_its_length() {
        let long = factor(&seconds(|second| if second < 4 { 10 } else { 0 }));
        assert!(long > 15.0, "{long}");
    }

    #[test]
    fn too_little_says_nothing() {
        assert!((factor(&seconds(|second| u64::from(second < 2))) - 1.0).abs() < f64::EPSILON);
        assert!((factor(&[]) - 1.0).abs() < f64::EPSILON);
        assert!((factor(&seconds(|_| 10)) - 1.0).abs() < f64::EPSILON);
    }
}
