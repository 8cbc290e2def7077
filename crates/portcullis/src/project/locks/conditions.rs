//! Conditions of packages (PEP 508 markers) along the paths on which they are needed.

use std::collections::BTreeSet;

/// The most alternatives that are told apart.
const MOST: usize = 200;

/// A condition: one of several sets of markers that must all be true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition(BTreeSet<BTreeSet<String>>);

impl Condition {
    /// One that is always met.
    pub fn always() -> Self {
        Self(BTreeSet::from([BTreeSet::new()]))
    }

    /// Both this and a marker.
    pub fn and(&self, marker: Option<&str>) -> Self {
        let Some(marker) = marker.filter(|marker| !marker.trim().is_empty()) else {
            return self.clone();
        };
        let with = |all: &BTreeSet<String>| {
            let mut all = all.clone();
            all.insert(marker.trim().to_owned());
            all
        };
        Self(self.0.iter().map(with).collect())
    }

    /// This or another one. Returns whether it has become wider; `None` if it cannot be
    /// written down.
    pub fn widen(&mut self, other: &Self) -> Option<bool> {
        let before = self.0.clone();
        for all in &other.0 {
            // What is met whenever a wider one is met adds nothing.
            if self.0.iter().any(|known| known.is_subset(all)) {
                continue;
            }
            self.0.retain(|known| !all.is_subset(known));
            self.0.insert(all.clone());
        }
        (self.0.len() <= MOST).then_some(self.0 != before)
    }

    /// As one marker; empty for always.
    pub fn marker(&self) -> String {
        if self.0.iter().any(BTreeSet::is_empty) {
            return String::new();
        }
        let grouped = |marker: &String, is_alone: bool| match is_alone || !marker.contains(" or ") {
            true => marker.clone(),
            false => format!("({marker})"),
        };
        let every: Vec<String> = self
            .0
            .iter()
            .map(|all| {
                let is_alone = all.len() == 1;
                all.iter().map(|marker| grouped(marker, is_alone)).collect::<Vec<_>>().join(" and ")
            })
            .collect();
        match every.as_slice() {
            [one] => one.clone(),
            several => {
                several.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" or ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Condition;

    #[test]
    fn alternatives_are_joined_and_absorbed() {
        let windows = Condition::always().and(Some("sys_platform == 'win32'"));
        let old = windows.and(Some("a < '3' or b"));
        assert_eq!(old.marker(), "(a < '3' or b) and sys_platform == 'win32'");
        let mut any = old.clone();
        assert_eq!(any.widen(&old), Some(false));
        assert_eq!(any.widen(&Condition::always().and(Some("c"))), Some(true));
        assert_eq!(any.marker(), "((a < '3' or b) and sys_platform == 'win32') or (c)");
        assert_eq!(any.widen(&windows), Some(true));
        assert_eq!(any.marker(), "(c) or (sys_platform == 'win32')");
        assert_eq!(any.widen(&Condition::always()), Some(true));
        assert_eq!(any.marker(), "");
        assert_eq!(any.widen(&old), Some(false));
    }
}
