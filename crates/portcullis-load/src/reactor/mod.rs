//! One thread, many users: a user is a future that is polled when its socket or
//! its time has come, and for no other reason. No locks, no wakers, no task
//! queue between the kernel's answer and the code that reads it.
//!
//! Made for this engine because its cost and its lag are errors of what it
//! measures: docs/decisions/0004-a-reactor-of-our-own.md.

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

/// What a worker's users share: sockets, timers, and the bytes that were read.
pub struct Reactor {
    registry: Registry,
    slots: Vec<Slot>,
    timers: RefCell<Timers>,
    /// Users to be polled in the next turn, whatever their sockets say.
    woken: RefCell<Vec<usize>>,
    input: RefCell<Box<[u8]>>,
    is_cut: Cell<bool>,
}

/// What the reactor knows of one user.
#[derive(Debug, Default)]
struct Slot {
    /// The socket may have news since this was last cleared.
    is_ready: Cell<bool>,
    /// The server has closed its side: there will be no further news of that.
    is_closed: Cell<bool>,
    /// The exchange under way has outlasted its deadline.
    is_late: Cell<bool>,
    /// When the exchange under way must be done.
    deadline: Cell<Option<Instant>>,
}

/// Why waiting for a socket ended without news of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The deadline passed.
    Late,
    /// The load is over.
    Cut,
}

/// One user's view of the reactor.
#[derive(Clone)]
pub struct Handle {
    reactor: Rc<Reactor>,
    slot: usize,
}

/// How much is read at once: most answers come in one piece.
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
        }
    }

    /// The view of one user.
    pub fn handle(self: &Rc<Self>, slot: usize) -> Handle {
        Handle { reactor: Rc::clone(self), slot }
    }

    /// Has a user polled in the next turn.
    pub fn wake(&self, slot: usize) {
        self.woken.borrow_mut().push(slot);
    }

    /// Ends every wait for a socket from now on.
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

    /// Has the socket watched from now on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn watch(&self, socket: &mut impl Source) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.reactor.registry.register(socket, Token(self.slot), both)
    }

    /// Whether the socket may have news.
    pub fn is_ready(&self) -> bool {
        self.state().is_some_and(|slot| slot.is_ready.get())
    }

    /// The system said that nothing is there: wait for news.
    pub fn clear(&self) {
        if let Some(slot) = self.state() {
            slot.is_ready.set(false);
            slot.is_closed.set(false);
        }
    }

    /// A read has emptied the socket: wait for news, unless the end of the
    /// stream, which came with those bytes, is still to be read.
    pub fn drained(&self) {
        if let Some(slot) = self.state() {
            slot.is_ready.set(slot.is_closed.get());
        }
    }

    /// Waits until the socket may have news.
    ///
    /// # Errors
    /// The deadline passed, or the load is over.
    pub async fn ready(&self) -> Result<(), Interruption> {
        poll_fn(|_| match self.state() {
            Some(slot) if slot.is_ready.get() => Poll::Ready(Ok(())),
            _ if self.reactor.is_cut.get() => Poll::Ready(Err(Interruption::Cut)),
            Some(slot) if slot.is_late.get() => Poll::Ready(Err(Interruption::Late)),
            _ => Poll::Pending,
        })
        .await
    }

    /// Sets when the exchange that begins now must be done.
    pub fn set_deadline(&self, deadline: Instant) {
        if let Some(slot) = self.state() {
            slot.deadline.set(Some(deadline));
            slot.is_late.set(false);
            self.reactor.timers.borrow_mut().watch_deadline(self.slot, deadline);
        }
    }

    /// The exchange is done.
    pub fn clear_deadline(&self) {
        if let Some(slot) = self.state() {
            slot.deadline.set(None);
        }
    }

    /// Waits until a moment; less if the load is over before.
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

    /// Waits for a condition that another user, or the turn's hook, makes true and
    /// then wakes this one for; less if the load is over before.
    pub async fn woken_for<T>(&self, mut met: impl FnMut() -> Option<T>) -> Option<T> {
        poll_fn(|_| match met() {
            Some(found) => Poll::Ready(Some(found)),
            None if self.reactor.is_cut.get() => Poll::Ready(None),
            None => Poll::Pending,
        })
        .await
    }

    /// Lets everybody else go on first.
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

    /// Whether the load is over.
    pub fn is_cut(&self) -> bool {
        self.reactor.is_cut.get()
    }

    /// Room for what is read; shared, so not to be held across a wait.
    pub fn input(&self) -> RefMut<'_, Box<[u8]>> {
        self.reactor.input.borrow_mut()
    }

    fn state(&self) -> Option<&Slot> {
        self.reactor.slots.get(self.slot)
    }
}

/// Why users brought no result.
#[derive(Debug, thiserror::Error)]
pub enum ReactorError {
    /// The system has no poll or timer left.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A user panicked: a defect.
    #[error("{0}")]
    Panicked(String),
    /// No user panicked, and none came to its end: a defect.
    #[error("no result")]
    NoResult,
}

impl ReactorError {
    /// Why there is no result, with the words of a panic if there was one.
    pub fn without_result(panic: Option<String>) -> Self {
        panic.map_or(Self::NoResult, Self::Panicked)
    }
}

/// The words of a panic.
pub fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
