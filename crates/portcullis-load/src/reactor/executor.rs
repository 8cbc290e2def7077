//! The event loop: it polls the users that are ready, then sleeps until a socket or a timer
//! has an event.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll as Polled, Waker};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::Reactor;
use super::alarm::Alarm;
use super::nap::Nap;
use super::panic_words;

/// The result of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Call again at this time, or when something happens.
    Next(Instant),
    /// Stop: users that were woken are polled once more, then dropped.
    Stop,
}

/// A wait that is shorter than this did not sleep.
const IMMEDIATE: Duration = Duration::from_micros(20);

/// The token of the alarm; users have their numbers as tokens.
pub(super) const ALARM: Token = Token(usize::MAX);

type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs `users` futures, made by `make` from their handles, until all have ended or
/// `turn_hook`, which is called in every turn, stops them. Returns the message of a panic,
/// if one occurred.
///
/// # Errors
/// The system has no poll or timer left.
pub fn run<'a>(
    users: usize,
    make: impl FnOnce(&Rc<Reactor>) -> Vec<Task<'a>>,
    mut turn_hook: impl FnMut(&Rc<Reactor>) -> Turn,
) -> io::Result<Option<String>> {
    let mut poll = Poll::new()?;
    let mut alarm = Alarm::new(&poll)?;
    let mut nap = Nap::default();
    let mut events = Events::with_capacity(1024);
    let reactor = Rc::new(Reactor::new(poll.registry().try_clone()?, users));
    let mut tasks = TaskSet::new(make(&reactor));
    (0..users).for_each(|user| reactor.wake(user));
    let mut returned = Instant::now();
    loop {
        let turn = turn_hook(&reactor);
        tasks.poll_woken(&reactor);
        tasks.poll_due(&reactor);
        if tasks.panic.is_some() || tasks.active == 0 || turn == Turn::Stop {
            return Ok(tasks.panic.map(|panic| panic_words(&*panic)));
        }
        let Turn::Next(moment) = turn else { continue };
        // A user that was woken while others were polled must not wait for a socket.
        let now_due = !reactor.woken.borrow().is_empty();
        let timer = reactor.timers.borrow().next();
        let moment = match now_due {
            true => Instant::now(),
            false => timer.map_or(moment, |timer| timer.min(moment)),
        };
        let start = nap.before(moment);
        match alarm.wait(&mut poll, &mut events, moment) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        nap.after(start);
        // If the wait ended at once, its events came while other users were polled; if it ended
        // after its moment, perhaps since then.
        let now = Instant::now();
        let is_immediate = now - start < IMMEDIATE;
        reactor.pending_since.set(if is_immediate { returned } else { now.min(moment.max(start)) });
        returned = now;
        for event in events.iter().filter(|event| event.token() != ALARM) {
            let Token(user) = event.token();
            if let Some(slot) = reactor.slots.get(user) {
                slot.is_ready.set(true);
                slot.is_closed.set(slot.is_closed.get() || event.is_read_closed());
                tasks.poll(user);
            }
        }
    }
}

/// The users that have not ended.
struct TaskSet<'a> {
    users: Vec<Option<Task<'a>>>,
    active: usize,
    panic: Option<Box<dyn std::any::Any + Send>>,
    /// Kept between turns, so that a turn allocates nothing.
    batch: Vec<usize>,
}

impl<'a> TaskSet<'a> {
    fn new(users: Vec<Task<'a>>) -> Self {
        let active = users.len();
        Self {
            users: users.into_iter().map(Some).collect(),
            active,
            panic: None,
            batch: Vec::new(),
        }
    }

    fn poll(&mut self, user: usize) {
        let Some(slot) = self.users.get_mut(user) else { return };
        let Some(future) = slot else { return };
        let mut context = Context::from_waker(Waker::noop());
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        match polled {
            Ok(Polled::Pending) => return,
            Ok(Polled::Ready(())) => {}
            Err(panic) => self.panic = Some(panic),
        }
        *slot = None;
        self.active -= 1;
    }

    /// Polls the users that were woken before this turn. Users that are woken meanwhile wait
    /// for the next turn, so that sockets and timers are also handled.
    fn poll_woken(&mut self, reactor: &Reactor) {
        let mut batch = std::mem::take(&mut self.batch);
        std::mem::swap(&mut batch, &mut *reactor.woken.borrow_mut());
        for user in batch.drain(..) {
            self.poll(user);
        }
        self.batch = batch;
    }

    fn poll_due(&mut self, reactor: &Reactor) {
        let now = Instant::now();
        loop {
            let risen = reactor.timers.borrow_mut().risen(now);
            let Some(user) = risen else { break };
            self.poll(user);
        }
        loop {
            let overdue = reactor.timers.borrow_mut().overdue(now);
            let Some(user) = overdue else { break };
            let Some(slot) = reactor.slots.get(user) else { continue };
            match slot.deadline.get() {
                None => {}
                Some(deadline) if deadline > now => {
                    reactor.timers.borrow_mut().watch_deadline(user, deadline);
                }
                Some(_) => {
                    slot.is_late.set(true);
                    self.poll(user);
                }
            }
        }
    }
}
