//! Several thresholds together: with more thresholds, each needs stronger evidence.

/// Holm's procedure (1979, "A simple sequentially rejective multiple test procedure"),
/// applied to evidence: returns which claims are accepted with an error of `alpha` over all
/// of them, under any dependence. The reciprocal of the evidence is a p-value by Markov's
/// inequality.
pub fn holm(ln_evidence: &[f64], alpha: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..ln_evidence.len()).collect();
    order.sort_by(|a, b| ln_evidence[*b].total_cmp(&ln_evidence[*a]));
    let mut stands = vec![false; ln_evidence.len()];
    for (place, index) in order.iter().enumerate() {
        let left = (ln_evidence.len() - place) as f64;
        if ln_evidence[*index] < (left / alpha).ln() {
            break;
        }
        stands[*index] = true;
    }
    stands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rejection_makes_the_next_one_easier() {
        let ln = |e: f64| e.ln();
        assert_eq!(holm(&[ln(301.0), ln(150.0), ln(201.0)], 0.01), [true, true, true]);
        assert_eq!(holm(&[ln(301.0), ln(90.0), ln(201.0)], 0.01), [true, false, true]);
        assert_eq!(holm(&[ln(299.0), ln(299.0), ln(299.0)], 0.01), [false, false, false]);
        assert_eq!(holm(&[f64::INFINITY, f64::NEG_INFINITY], 0.01), [true, false]);
        assert_eq!(holm(&[], 0.01), Vec::<bool>::new());
    }
}
