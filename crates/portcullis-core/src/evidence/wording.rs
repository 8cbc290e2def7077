//! The evidence in a few words, for one line of output.

use super::{Evidence, State};

/// A share in percent with two significant digits.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p == 0.0 || p >= 10.0 => format!("{p:.0} %"),
        p if p >= 1.0 => format!("{p:.1} %"),
        p => format!("{p:.2} %"),
    }
}

impl Evidence {
    /// The certainty of the judgement in few words; if no request was beyond the limit, also
    /// the share that could be undetected.
    pub fn in_words(&self) -> String {
        match self.state {
            State::Proven => "proven".to_owned(),
            State::Unbroken => {
                let unseen = self.detectable.map_or("any share".to_owned(), percent);
                format!("none beyond the limit, up to {unseen} could be undetected")
            }
            State::Violated => "surely".to_owned(),
            State::InDoubt if self.is_likely() => "likely, short of sure".to_owned(),
            State::InDoubt => "weak evidence".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Counts, ProportionTest, evidence, states};

    fn words(all: u64, hits: u64) -> String {
        let case =
            ProportionTest { counts: Counts { all, hits }, allowed: 0.05, design_effect: 1.0 };
        evidence(&case, states(&[case])[0], None).in_words()
    }

    #[test]
    fn each_state_has_its_words() {
        assert_eq!(words(2, 0), "none beyond the limit, up to 78 % could be undetected");
        assert_eq!(words(300, 0), "proven");
        assert_eq!(words(3, 3), "surely");
        assert_eq!(words(53, 3), "weak evidence");
        // The limit lies outside the interval of this rule, but that is not yet certain.
        assert_eq!(words(53, 10), "likely, short of sure");
    }
}
