//! Evidence in a few words, for people who read one line.

use super::{Evidence, Interval, State};

/// A share in percent with two digits that matter.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p == 0.0 || p >= 10.0 => format!("{p:.0} %"),
        p if p >= 1.0 => format!("{p:.1} %"),
        p => format!("{p:.2} %"),
    }
}

fn between(interval: Interval) -> String {
    format!("{} to {}", percent(interval.low), percent(interval.high))
}

impl Evidence {
    /// What supports the judgement, in words: what is known, which shares beyond
    /// the limit are possible, what could have gone unseen.
    pub fn in_words(&self) -> String {
        let allowed = percent(self.allowed);
        let possible = between(self.clustered);
        let blocks = match self.block_factor {
            factor if factor > 1.05 => format!(", which share bad seconds: factor {factor:.1}"),
            _ => String::new(),
        };
        match self.state {
            State::Proven => format!("proven: {possible} beyond the limit, {allowed} may be"),
            State::Unbroken => {
                let unseen = self.detectable.map_or("any share".to_owned(), percent);
                format!("none beyond the limit; up to {unseen} could have gone unseen")
            }
            State::Violated => {
                format!("surely: {possible} beyond the limit{blocks}, {allowed} may be")
            }
            State::InDoubt => {
                format!("weak evidence: {possible} beyond the limit{blocks}, {allowed} may be")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Case, Counts, evidence, states};

    fn words(all: u64, hits: u64) -> String {
        let case = Case { counts: Counts { all, hits }, allowed: 0.05, block_factor: 1.0 };
        evidence(&case, states(&[case])[0], None).in_words()
    }

    #[test]
    fn each_state_has_its_words() {
        assert_eq!(words(2, 0), "none beyond the limit; up to 78 % could have gone unseen");
        assert!(words(300, 0).starts_with("proven: 0 % to "), "{}", words(300, 0));
        assert!(words(3, 3).starts_with("surely: "), "{}", words(3, 3));
        assert!(words(53, 3).starts_with("weak evidence: "), "{}", words(53, 3));
        assert!(words(53, 3).ends_with("5.0 % may be"), "{}", words(53, 3));
    }
}
