//! What a tree's threads have computed, to the nanosecond and cheaply: its
//! processes are looked for now and then, their threads' clocks read each time.

use std::time::Duration;

use crate::tree;

/// The clock of one tree.
#[derive(Clone, Debug)]
pub struct Meter {
    root: u32,
    members: Vec<u32>,
}

impl Meter {
    /// A clock of the tree below a process.
    pub fn new(root: u32) -> Self {
        Self { root, members: tree::members(root) }
    }

    /// Looks for the tree's processes again.
    pub fn look(&mut self) {
        self.members = tree::members(self.root);
    }

    /// The time that all threads of the tree have spent on a processor; `None`
    /// where the system does not tell (the first field of `schedstat`: proc(5)).
    pub fn cpu(&self) -> Option<Duration> {
        let mut sum = None;
        for pid in &self.members {
            let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
            for thread in threads.flatten() {
                let text = std::fs::read_to_string(thread.path().join("schedstat"));
                let field = text.ok().and_then(|t| t.split_whitespace().next()?.parse().ok());
                if let Some(ns) = field {
                    sum = Some(sum.unwrap_or(Duration::ZERO) + Duration::from_nanos(ns));
                }
            }
        }
        sum
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_computed_is_counted() {
        let meter = Meter::new(std::process::id());
        let before = meter.cpu().unwrap();
        let until = std::time::Instant::now() + Duration::from_millis(50);
        while std::time::Instant::now() < until {
            std::hint::black_box(0);
        }
        assert!(meter.cpu().unwrap() > before);
        assert_eq!(Meter { root: 0, members: Vec::new() }.cpu(), None);
    }
}
