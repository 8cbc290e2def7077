//! Runs many users on one thread. A user is a future that is polled only when its socket is
//! ready or its time has come. There are no locks, no wakers and no task queue between the
//! kernel and the code that reads an answer.
//!
//! It was made for this engine because the cost and the lag of the engine are errors in its
//! measurements: docs/decisions/0004-a-reactor-of-our-own.md.

mod alarm;
mod executor;
mod nap;
mod timers;

use std::cell::{Cell, RefCell, RefMut};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use mio::event::Source;
use mio::{Interest, Registry, Token};

pub use executor::{Turn, run};
use timers::Timers;

/// The data that a worker's users share: sockets, timers, and the read buffer.
pub struct Reactor {
    registry: Registry,
    slots: Vec<Slot>,
    timers: RefCell<Timers>,
    /// Users to poll in the next turn, independent of their sockets.
    woken: RefCell<Vec<usize>>,
    input: RefCell<Box<[u8]>>,
    is_cut: Cell<bool>,
    /// The earliest time at which the events of this turn can have come.
    pending_since: Cell<Instant>,
}

/// The state of one user in the reactor.
#[derive(Debug, Default)]
struct Slot {
    /// The socket may have an event since this was last cleared.
    is_ready: Cell<bool>,
    /// The server has closed its side; there will be no further event for that.
    is_closed: Cell<bool>,
    /// The present exchange has exceeded its deadline.
    is_late: Cell<bool>,
    /// The deadline of the present exchange.
    deadline: Cell<Option<Instant>>,
}

/// Why a wait for a socket ended without an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The deadline passed.
    Late,
    /// The load has ended.
    Cut,
}

/// The handle of one user to the reactor.
#[derive(Clone)]
pub struct Handle {
    reactor: Rc<Reactor>,
    slot: usize,
}

/// The size of a read: most answers arrive in one piece.
const INPUT: usize = 64 * 1024;

impl Reactor {
    fn new(registry: Registry, users: usize) -> Self {
        let mut slots = Vec::new();
        slots.resize_with(users, Slot::default);
        Self {
            registry,
            slots,
            timers: RefCell::new(Timers::new(users)),
            woken: RefCell::new(Vec::new()),
            input: RefCell::new(vec![0; INPUT].into_boxed_slice()),
            is_cut: Cell::new(false),
            pending_since: Cell::new(Instant::now()),
        }
    }

    /// The handle of one user.
    pub fn handle(self: &Rc<Self>, slot: usize) -> Handle {
        Handle { reactor: Rc::clone(self), slot }
    }

    /// Makes the reactor poll a user in the next turn.
    pub fn wake(&self, slot: usize) {
        self.woken.borrow_mut().push(slot);
    }

    /// Interrupts all present and future waits for sockets.
    pub fn cut(&self) {
        self.is_cut.set(true);
        self.woken.borrow_mut().extend(0..self.slots.len());
    }
}

impl Handle {
    /// The user's number within its worker.
    pub fn slot(&self) -> usize {
        self.slot
    }

    /// Watches the socket from now on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn watch(&self, socket: &mut impl Source) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.reactor.registry.register(socket, Token(self.slot), both)
    }

    /// Whether the socket may have an event.
    pub fn is_ready(&self) -> bool {
        self.state().is_some_and(|slot| slot.is_ready.get())
    }

    /// The system said that no bytes are available: wait for an event.
    pub fn clear(&self) {
        if let Some(slot) = self.state() {
            slot.is_ready.set(false);
            slot.is_closed.set(false);
        }
    }

    /// A read has emptied the socket: wait for an event. If the end of the stream came with
    /// those bytes, it must still be read.
    pub fn drained(&self) {
        if let Some(slot) = self.state() {
            slot.is_ready.set(slot.is_closed.get());
        }
    }

    /// The earliest time at which the event that is handled now can have come: earlier than
    /// now if this thread was busy, or woke late.
    pub fn pending_since(&self) -> Instant {
        self.reactor.pending_since.get()
    }

    /// Waits until the socket may have an event.
    ///
    /// # Errors
    /// The deadline passed, or the load ended.
    pub async fn ready(&self) -> Result<(), Interruption> {
        poll_fn(|_| match self.state() {
            Some(slot) if slot.is_ready.get() => Poll::Ready(Ok(())),
            _ if self.reactor.is_cut.get() => Poll::Ready(Err(Interruption::Cut)),
            Some(slot) if slot.is_late.get() => Poll::Ready(Err(Interruption::Late)),
            _ => Poll::Pending,
        })
        .await
    }

    /// Sets the deadline of the exchange that begins now.
    pub fn set_deadline(&self, deadline: Instant) {
        if let Some(slot) = self.state() {
            slot.deadline.set(Some(deadline));
            slot.is_late.set(false);
            self.reactor.timers.borrow_mut().watch_deadline(self.slot, deadline);
        }
    }

    /// The exchange has ended.
    pub fn clear_deadline(&self) {
        if let Some(slot) = self.state() {
            slot.deadline.set(None);
        }
    }

    /// Waits until a moment, or until the load ends.
    pub async fn until(&self, moment: Instant) {
        if Instant::now() >= moment {
            return;
        }
        self.reactor.timers.borrow_mut().sleep(self.slot, moment);
        poll_fn(|_| match self.reactor.is_cut.get() || Instant::now() >= moment {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Waits for a condition, or until the load ends. Another user, or the hook of the turn,
    /// makes it true and then wakes this user.
    pub async fn woken_for<T>(&self, mut met: impl FnMut() -> Option<T>) -> Option<T> {
        poll_fn(|_| match met() {
            Some(found) => Poll::Ready(Some(found)),
            None if self.reactor.is_cut.get() => Poll::Ready(None),
            None => Poll::Pending,
        })
        .await
    }

    /// Lets all other users run first.
    pub async fn give_way(&self) {
        let mut has_waited = false;
        poll_fn(|_| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            self.reactor.wake(self.slot);
            Poll::Pending
        })
        .await;
    }

    /// Whether the load has ended.
    pub fn is_cut(&self) -> bool {
        self.reactor.is_cut.get()
    }

    /// The read buffer. All users share it, so it must not be held across a wait.
    pub fn input(&self) -> RefMut<'_, Box<[u8]>> {
        self.reactor.input.borrow_mut()
    }

    fn state(&self) -> Option<&Slot> {
        self.reactor.slots.get(self.slot)
    }
}

/// Why users gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ReactorError {
    /// The system has no poll or timer left.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A user panicked, which is a bug.
    #[error("{0}")]
    Panicked(String),
    /// No user panicked, but none finished, which is a bug.
    #[error("no result")]
    NoResult,
}

impl ReactorError {
    /// The reason for a missing result, with the message of a panic if there was one.
    pub fn without_result(panic: Option<String>) -> Self {
        panic.map_or(Self::NoResult, Self::Panicked)
    }
}

/// The message of a panic.
pub fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
