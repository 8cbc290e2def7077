//! The beta function and its regularised incomplete form, which the exact statements on
//! shares need.

/// ln Γ(x) for x > 0. Uses Stirling's series (NIST DLMF 5.11.1) above 15; smaller x are
/// moved there by Γ(x + 1) = x Γ(x). The relative error is below 1e-13.
pub fn ln_gamma(x: f64) -> f64 {
    let mut x = x;
    let mut product = 1.0;
    while x < 15.0 {
        product *= x;
        x += 1.0;
    }
    let z = 1.0 / (x * x);
    let series = (1.0 / 12.0 - z * (1.0 / 360.0 - z * (1.0 / 1260.0 - z / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - product.ln()
}

/// ln B(a, b), for a and b above 0.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// ln I_x(a, b) and ln (1 - I_x(a, b)): the logarithms of the regularised incomplete beta
/// function and of its complement, for a and b above 0. Uses the continued fraction of DLMF
/// 8.17.22 on the side where it converges fast. Logarithms keep both tails from becoming 0.
pub fn ln_incomplete(x: f64, a: f64, b: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    if x >= 1.0 {
        return (0.0, f64::NEG_INFINITY);
    }
    let front = a * x.ln() + b * (-x).ln_1p() - ln_beta(a, b);
    if x < (a + 1.0) / (a + b + 2.0) {
        let ln = (front - a.ln() + fraction(x, a, b).ln()).min(0.0);
        (ln, complement(ln))
    } else {
        let ln = (front - b.ln() + fraction(1.0 - x, b, a).ln()).min(0.0);
        (complement(ln), ln)
    }
}

/// ln (1 - e^ln).
fn complement(ln: f64) -> f64 {
    // Each form is used where it is accurate (Mächler 2012, "Accurately computing log(1 -
    // exp(-|a|))").
    if ln > -std::f64::consts::LN_2 { (-ln.exp_m1()).ln() } else { (-ln.exp()).ln_1p() }
}

/// The continued fraction of DLMF 8.17.22, by Lentz's method (DLMF 3.10(iii)).
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    // It converges after about the square root of the larger parameter.
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

/// The x with I_x(a, b) = p, by bisection to 1e-12.
pub fn quantile(p: f64, a: f64, b: f64) -> f64 {
    let below = |x: f64| ln_incomplete(x, a, b).0 < p.ln();
    root(0.0, 1.0, below)
}

/// The point up to which a condition holds, between `low` and `high`.
pub fn root(mut low: f64, mut high: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gamma_is_the_factorial_and_the_root_of_pi() {
        let mut factorial = 1.0_f64;
        for n in 1..20 {
            assert!((ln_gamma(f64::from(n)) - factorial.ln()).abs() < 1e-11, "{n}");
            factorial *= f64::from(n);
        }
        let root = std::f64::consts::PI.sqrt().ln();
        assert!((ln_gamma(0.5) - root).abs() < 1e-12);
    }

    proptest! {
        // P(X >= k) of a binomial distribution is I_q(k, n - k + 1): DLMF 8.17.5.
        #[test]
        fn the_incomplete_beta_function_is_a_binomial_tail(
            n in 1u32..60, k in 1u32..60, q in 0.001f64..0.999,
        ) {
            prop_assume!(k <= n);
            let choose = |k: u32| ln_gamma(f64::from(n) + 1.0)
                - ln_gamma(f64::from(k) + 1.0) - ln_gamma(f64::from(n - k) + 1.0);
            let term = |k: u32| choose(k) + f64::from(k) * q.ln() + f64::from(n - k) * (1.0 - q).ln();
            let tail: f64 = (k..=n).map(|k| term(k).exp()).sum();
            let (ln, other) = ln_incomplete(q, f64::from(k), f64::from(n - k + 1));
            prop_assert!((ln.exp() - tail).abs() < 1e-10, "{} {}", ln.exp(), tail);
            prop_assert!((ln.exp() + other.exp() - 1.0).abs() < 1e-12);
        }

        #[test]
        fn a_quantile_is_where_the_function_has_that_value(
            p in 0.001f64..0.999, a in 0.5f64..5000.0, b in 0.5f64..5000.0,
        ) {
            let x = quantile(p, a, b);
            prop_assert!((ln_incomplete(x, a, b).0.exp() - p).abs() < 1e-6);
        }
    }
}
