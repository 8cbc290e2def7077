//! The task of the k-th request of a run: tasks are dealt from a deck by weight, not drawn
//! independently.

use crate::rng::{Domain, Rng};
use crate::scenario::Order;

/// A deck with each task as often as its weight; it is shuffled again each time it is used
/// up. With independent draws a task of weight 1 in 29 is never called in 9 % of runs of 70
/// requests; with a deck it is called once in each deck.
#[derive(Clone, Debug)]
pub struct Deck {
    seed: u64,
    order: Order,
    cards: Vec<u16>,
    dealt: Vec<u16>,
    round: Option<u64>,
}

impl Deck {
    /// A deck for tasks with these weights; `None` if all are 0 or there are more than 65,536
    /// tasks.
    pub fn new(seed: u64, order: Order, weights: &[u32]) -> Option<Self> {
        let mut cards = Vec::new();
        for (task, &weight) in weights.iter().enumerate() {
            let task = u16::try_from(task).ok()?;
            cards.extend(std::iter::repeat_n(task, weight as usize));
        }
        let dealt = cards.clone();
        (!cards.is_empty()).then_some(Self { seed, order, cards, dealt, round: None })
    }

    /// Number of cards: the sum of the weights.
    pub fn len(&self) -> usize {
        self.cards.len()
    }

    /// Always false: a deck has at least one card.
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// The task of the `k`-th request of the run; it depends only on the seed and `k`.
    pub fn task(&mut self, k: u64) -> usize {
        let size = self.cards.len() as u64;
        if self.order == Order::Independent {
            let card = Rng::stream(self.seed, Domain::Deck, k).below(size);
            return usize::from(self.cards[card as usize]);
        }
        let round = k / size;
        if self.round != Some(round) {
            self.dealt.copy_from_slice(&self.cards);
            Rng::stream(self.seed, Domain::Deck, round).shuffle(&mut self.dealt);
            self.round = Some(round);
        }
        usize::from(self.dealt[(k % size) as usize])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_deck_holds_each_task_as_often_as_its_weight(
            seed: u64,
            weights in prop::collection::vec(0u32..6, 1..8),
            round in 0u64..50,
        ) {
            prop_assume!(weights.iter().any(|w| *w > 0));
            let mut deck = Deck::new(seed, Order::Deck, &weights).unwrap();
            let size = deck.len() as u64;
            let mut seen = vec![0u32; weights.len()];
            for k in round * size..(round + 1) * size {
                seen[deck.task(k)] += 1;
            }
            prop_assert_eq!(seen, weights);
        }

        #[test]
        fn the_kth_task_does_not_depend_on_what_was_asked_before(seed: u64, ks in prop::collection::vec(0u64..500, 1..40)) {
            let mut deck = Deck::new(seed, Order::Deck, &[5, 3, 1]).unwrap();
            for k in ks {
                let fresh = Deck::new(seed, Order::Deck, &[5, 3, 1]).unwrap().task(k);
                prop_assert_eq!(deck.task(k), fresh);
            }
        }
    }

    #[test]
    fn independent_draws_follow_the_weights_by_chi_square() {
        let weights = [5, 3, 2, 0];
        let mut deck = Deck::new(11, Order::Independent, &weights).unwrap();
        let mut seen = [0u32; 4];
        (0..10_000).for_each(|k| seen[deck.task(k)] += 1);
        assert_eq!(seen[3], 0);
        let cells = seen.iter().zip(weights).filter(|(_, weight)| *weight > 0);
        let chi: f64 = cells
            .map(|(n, weight)| {
                let expected = f64::from(weight) * 1000.0;
                (f64::from(*n) - expected).powi(2) / expected
            })
            .sum();
        // 2 degrees of freedom: the 99.99 % point is 18.4. The seed is fixed.
        assert!(chi < 18.4, "chi-square {chi}: {seen:?}");
    }

    #[test]
    fn no_weight_no_deck() {
        assert!(
            Deck::new(1, Order::Deck, &[0, 0]).is_none()
                && Deck::new(1, Order::Deck, &[]).is_none()
        );
    }
}
