//! Waking with microsecond accuracy. The timeout of epoll counts in milliseconds, which
//! would be the largest part of the generator's lag.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

/// Waits for sockets, and until a moment.
#[derive(Debug)]
pub struct Alarm {
    #[cfg(target_os = "linux")]
    timer: rustix::fd::OwnedFd,
    /// The time that the timer is set to.
    #[cfg(target_os = "linux")]
    armed: Option<Instant>,
}

#[cfg(target_os = "linux")]
impl Alarm {
    /// Creates a timer that `poll` watches.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new(poll: &Poll) -> io::Result<Self> {
        use std::os::fd::AsRawFd;

        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // Edge-triggered: the timer is never read, and each expiry is a new event.
        let mut source = mio::unix::SourceFd(&timer.as_raw_fd());
        poll.registry().register(&mut source, super::executor::ALARM, mio::Interest::READABLE)?;
        Ok(Self { timer, armed: None })
    }

    /// Waits for events until `moment`.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait(
        &mut self,
        poll: &mut Poll,
        events: &mut Events,
        moment: Instant,
    ) -> io::Result<()> {
        let rest = moment.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return poll.poll(events, Some(Duration::ZERO));
        }
        if self.armed != Some(moment) {
            self.arm(rest)?;
            self.armed = Some(moment);
        }
        poll.poll(events, None)
    }

    fn arm(&self, rest: Duration) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let it_value = Timespec {
            tv_sec: i64::try_from(rest.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: rest.subsec_nanos().into(),
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let flags = TimerfdTimerFlags::empty();
        timerfd_settime(&self.timer, flags, &Itimerspec { it_interval, it_value })?;
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
impl Alarm {
    /// Creates nothing: the timeout of `poll` is used.
    ///
    /// # Errors
    /// Never.
    pub fn new(_: &Poll) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for events until `moment`.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait(
        &mut self,
        poll: &mut Poll,
        events: &mut Events,
        moment: Instant,
    ) -> io::Result<()> {
        poll.poll(events, Some(moment.saturating_duration_since(Instant::now())))
    }
}
