//! A deadline that is armed once and moved only when it goes off: a timer
//! that is set and cancelled for each request costs more than parsing it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::time::{Instant, Sleep, sleep_until};

/// The future was not ready in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

/// One user's timer, used for one future after the other.
#[derive(Debug, Default)]
pub struct Deadline {
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Waits for a future until `end`, which must not be before the last one's.
    ///
    /// # Errors
    /// It was not ready by then; it is dropped.
    pub async fn within<F: Future>(
        &mut self,
        end: Instant,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        let mut future = pin!(future);
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            // The timer may still be set for an earlier future's end.
            while timer.as_mut().poll(context).is_ready() {
                if Instant::now() >= end {
                    return Poll::Ready(Err(Elapsed));
                }
                timer.as_mut().reset(end);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn it_serves_one_future_after_the_other() {
        let mut deadline = Deadline::default();
        for _ in 0..3 {
            let end = Instant::now() + Duration::from_millis(30);
            assert_eq!(deadline.within(end, async { 7 }).await, Ok(7));
        }
        let end = Instant::now() + Duration::from_millis(30);
        assert_eq!(deadline.within(end, std::future::pending::<()>()).await, Err(Elapsed));
        assert!(Instant::now() >= end);
        let end = Instant::now() + Duration::from_millis(30);
        let slow = tokio::time::sleep(Duration::from_millis(5));
        assert_eq!(deadline.within(end, slow).await, Ok(()));
    }
}
