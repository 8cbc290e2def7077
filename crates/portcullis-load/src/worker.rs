//! One worker: a thread with its users, its share of the schedule, its own
//! recorder. It tells of itself once a second, and stops when it is told to.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use portcullis_core::measure::ArrivalCounts;
use portcullis_core::scenario::Deck;

use crate::arrivals::{Arrival, Queue};
use crate::generator::{PULSE, ThreadTimes, ask_for_punctuality};
use crate::life;
use crate::reactor::{self, Handle, Reactor, Turn};
use crate::recorder::{Recorder, SinceTick, Whose};
use crate::shared::Shared;
use crate::watch::Extra;

/// What a worker says while it works: at most a few times a second.
#[derive(Debug)]
pub enum Message {
    /// A second of the window is over.
    Second {
        /// Counted from the start of the window.
        second: u64,
        /// Users that are alive.
        users: u32,
        /// What ended in it.
        counts: SinceTick,
    },
    /// The window is over, and these tasks were not called yet.
    Extending(Vec<String>),
}

/// What a worker brings back.
pub struct Work {
    /// Its measurements.
    pub recorder: Recorder,
    /// Users that made a request in the window.
    pub users_ran: u32,
    /// How far the window was measured.
    pub measured: Duration,
    /// What its thread cost.
    pub times: Option<ThreadTimes>,
    /// Whether the system lets it run before others.
    pub is_punctual: bool,
    /// What became of its share of an open load.
    pub arrivals: ArrivalCounts,
    /// The words of a panic, if a user did.
    pub panic: Option<String>,
}

/// What the users of one worker share. One thread: no locks.
pub struct Worker<'a> {
    /// The run.
    pub shared: &'a Shared<'a>,
    /// The measurements.
    pub recorder: RefCell<Recorder>,
    /// Requests of an open load.
    pub queue: RefCell<Queue>,
    /// Users that are alive.
    pub alive: Cell<u32>,
    /// Users that made a request in the window.
    pub ran: Cell<u32>,
    /// Requests under way, logins included.
    pub under_way: Cell<u32>,
    deck: RefCell<Deck>,
    shared_line: Option<Rc<[u8]>>,
}

impl Worker<'_> {
    /// The next request of the run: its number, whose it is, and its task.
    /// `moment` is when it starts, or was to start. In the planned window it
    /// comes from the deck; after it, it is a task without samples.
    pub fn next_request(&self, moment: Duration) -> NextRequest {
        let (shared, watch) = (self.shared, &self.shared.watch);
        if moment < shared.plan.opens() {
            let number = shared.warm_up_number();
            let task = self.deck.borrow_mut().task(number);
            watch.warm_up(task);
            return NextRequest::Send(number, Whose::WarmUp(task), task);
        }
        if moment < watch.closes()
            && let Some(number) = shared.number()
        {
            let task = self.deck.borrow_mut().task(number);
            watch.call(task);
            return NextRequest::Send(number, Whose::Window(task), task);
        }
        match watch.extra(shared.start.elapsed()) {
            Extra::Task(task) => {
                let number = u64::MAX / 2 + shared.warm_up_number();
                NextRequest::Send(number, Whose::Extension(task), task)
            }
            Extra::Deck => {
                let number = shared.number_after();
                let task = self.deck.borrow_mut().task(number);
                // Another user may have taken the last one that is allowed.
                if !watch.may_call(task) {
                    return NextRequest::Later;
                }
                watch.call(task);
                NextRequest::Send(number, Whose::Continued(task), task)
            }
            Extra::Later => NextRequest::Later,
            Extra::Never => NextRequest::Never,
        }
    }

    /// What a user of an open load does next; `None` when there is nothing yet.
    pub fn next_arrival(&self, slot: usize) -> Option<Next> {
        let mut queue = self.queue.borrow_mut();
        if let Some(arrival) = queue.take() {
            return Some(Next::Send(Some(arrival)));
        }
        let elapsed = self.shared.start.elapsed();
        if !self.shared.is_over(elapsed) {
            queue.rest(slot);
            return None;
        }
        if self.shared.watch.goes_on(elapsed) {
            return Some(Next::Send(None));
        }
        // What is under way may still raise a doubt.
        queue.rest(slot);
        None
    }

    /// The `Authorization` line of everybody, where one login serves all.
    pub fn shared_line(&self) -> Option<Rc<[u8]>> {
        self.shared_line.clone()
    }

    /// Waits until a moment, and notes how late it woke.
    pub async fn sleep(&self, handle: &Handle, until: Instant) -> Duration {
        handle.until(until).await;
        let lag = until.elapsed();
        self.recorder.borrow_mut().note_lag(lag);
        lag
    }
}

/// What a user of an open load does next.
pub enum Next {
    /// Sends a request: a scheduled one, or one after the window.
    Send(Option<Arrival>),
}

/// The next request of the run.
pub enum NextRequest {
    /// Its number, whose it is, and its task.
    Send(u64, Whose, usize),
    /// None now, perhaps another one later.
    Later,
    /// None any more.
    Never,
}

/// Does the share of worker `number`: the users whose number leaves it as the
/// rest by the number of workers.
///
/// # Errors
/// The system has no poll or timer left, or the plan is impossible: a defect.
pub fn work(
    shared: &Shared<'_>,
    number: u32,
    messages: &mpsc::Sender<Message>,
) -> std::io::Result<Work> {
    let plan = shared.plan;
    let weights: Vec<u32> = plan.scenario.tasks.iter().map(|task| task.weight).collect();
    let deck = Deck::new(plan.seed, plan.scenario.order, &weights)
        .ok_or_else(|| std::io::Error::other("no weights"))?;
    let recorder = Recorder::new(plan).map_err(std::io::Error::other)?;
    let line = shared.shared_token.as_ref().map(|token| shared.prepared.authorization_line(token));
    let (origin, opens) = (shared.at(plan.lead), shared.at(plan.opens()));
    let times = plan.model.arrivals(plan.seed);
    let queue = Queue::new(times, (number, plan.workers), origin, opens);
    let worker = Rc::new(Worker {
        shared,
        recorder: RefCell::new(recorder),
        queue: RefCell::new(queue),
        alive: Cell::new(0),
        ran: Cell::new(0),
        under_way: Cell::new(0),
        deck: RefCell::new(deck),
        shared_line: line.map(Rc::from),
    });
    let users: Vec<u32> = (number..plan.users).step_by(plan.workers as usize).collect();
    let make = |reactor: &Rc<Reactor>| {
        let one = |(slot, user): (usize, &u32)| {
            life::user(Rc::clone(&worker), *user, reactor.handle(slot))
        };
        users.iter().enumerate().map(one).collect()
    };
    let is_punctual = ask_for_punctuality();
    let mut pump = Pump::new(shared, messages);
    let before = ThreadTimes::now();
    let panic = reactor::run(users.len(), make, |reactor| pump.turn(&worker, reactor))?;
    let times = before.zip(ThreadTimes::now()).map(|(before, now)| now.since(before));
    let measured = shared.start.elapsed().min(shared.watch.closes()).saturating_sub(plan.opens());
    let arrivals = worker.queue.borrow().counts();
    let worker = Rc::try_unwrap(worker)
        .map_err(|_| std::io::Error::other("a virtual user outlived its worker"))?;
    Ok(Work {
        recorder: worker.recorder.into_inner(),
        users_ran: worker.ran.get(),
        measured,
        times,
        is_punctual,
        arrivals,
        panic: panic.map(|panic| panic_words(&*panic)),
    })
}

/// The words of a panic.
pub fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// How often the rules are looked at during the window.
const LOOK: Duration = Duration::from_secs(1);

/// What a worker does beside its users: pulse, seconds, arrivals, the end.
struct Pump<'a> {
    shared: &'a Shared<'a>,
    messages: &'a mpsc::Sender<Message>,
    pulse: Instant,
    second: u64,
    over_since: Option<Instant>,
    /// When the rules are looked at next, and the requests of the last look.
    look: Instant,
    seen: u64,
    was_over: bool,
}

impl<'a> Pump<'a> {
    fn new(shared: &'a Shared<'a>, messages: &'a mpsc::Sender<Message>) -> Self {
        Self {
            shared,
            messages,
            pulse: Instant::now() + PULSE,
            second: 0,
            over_since: None,
            look: Instant::now(),
            seen: 0,
            was_over: false,
        }
    }

    fn turn(&mut self, worker: &Worker<'_>, reactor: &Rc<Reactor>) -> Turn {
        let now = Instant::now();
        if now >= self.pulse {
            worker.recorder.borrow_mut().note_lag(now - self.pulse);
            self.pulse = now + PULSE;
        }
        self.tell(worker, now);
        self.watch(worker, now);
        // What would have arrived after the window's end does not.
        let arrival = match self.shared.is_over(now - self.shared.start) {
            true => None,
            false => worker.queue.borrow_mut().pump(now, |user| reactor.wake(user)),
        };
        if self.shared.is_stopped() || self.is_done(worker, reactor, now) {
            // Who is still under way is told, and notes it.
            reactor.cut();
            return Turn::Stop;
        }
        Turn::Next(arrival.map_or(self.pulse, |arrival| arrival.min(self.pulse)))
    }

    /// Whether nothing is left to be sent, and nothing under way or the grace
    /// for that is over.
    fn is_done(&mut self, worker: &Worker<'_>, reactor: &Rc<Reactor>, now: Instant) -> bool {
        let (shared, plan) = (self.shared, self.shared.plan);
        let elapsed = now - shared.start;
        if !shared.is_over(elapsed) {
            return false;
        }
        let mut queue = worker.queue.borrow_mut();
        queue.wake_all(|user| reactor.wake(user));
        if shared.watch.goes_on(elapsed) {
            self.over_since = None;
            return false;
        }
        let since = *self.over_since.get_or_insert(now);
        let is_idle = worker.under_way.get() == 0 && queue.is_empty();
        is_idle || now - since >= plan.grace
    }

    /// Looks how the rules stand: during the window only if that may end it, and
    /// after it whenever something came back.
    fn watch(&mut self, worker: &Worker<'_>, now: Instant) {
        let (shared, plan) = (self.shared, self.shared.plan);
        let elapsed = now - shared.start;
        let is_over = shared.is_over(elapsed);
        let is_early = elapsed > plan.opens() && shared.watch.looks_early();
        if !is_over && (!is_early || now < self.look) {
            return;
        }
        let requests = worker.recorder.borrow().requests();
        if is_over && requests == self.seen && self.was_over {
            return;
        }
        self.was_over = is_over;
        self.seen = requests;
        self.count(worker);
        shared.watch.look(elapsed.saturating_sub(plan.opens()));
        // Looking costs more the longer the run is: never more than a little.
        self.look = now + LOOK.max(elapsed / 100);
    }

    /// Hands on what was counted since the last call.
    fn count(&self, worker: &Worker<'_>) {
        let delta = worker.recorder.borrow_mut().take_counts();
        self.shared.watch.tell(&delta);
    }

    /// Tells of each second that is over.
    fn tell(&mut self, worker: &Worker<'_>, now: Instant) {
        let plan = self.shared.plan;
        let end = plan.opens() + Duration::from_secs(self.second + 1);
        if now < self.shared.at(end) {
            return;
        }
        // Told before the second is: whoever hears of it looks at the counts.
        if !plan.rules.is_empty() {
            self.count(worker);
        }
        let message = if self.second < plan.window.as_secs() {
            let counts = worker.recorder.borrow_mut().take_tick();
            Message::Second { second: self.second, users: worker.alive.get(), counts }
        } else {
            Message::Extending(self.shared.watch.goes_on_for())
        };
        self.second += 1;
        // Nobody listens: the run is over for them, and soon for us.
        let _ = self.messages.send(message);
    }
}
