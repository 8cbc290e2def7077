//! A login of a user's own, and a new one: after a 401, or a token refreshed before it ends.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::VirtualUser;
use crate::metrics::Subject;
use crate::vu::login::{Credentials, LoggedIn};
use crate::vu::session::login_failure;
use crate::vu::shared::lock;

/// How often a user checks whether another one has renewed the shared login.
const RENEWAL: Duration = Duration::from_millis(5);

/// How a login is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// By a login.
    Login,
    /// By refreshing its token; if that fails, by a login.
    Refresh,
}

impl VirtualUser<'_, '_> {
    /// Logs in, which the session then uses; `None` if that failed, and the run is over.
    pub(super) async fn own_login(&mut self) -> Option<Credentials> {
        let (worker, shared) = (self.worker, self.worker.shared);
        worker.under_way.set(worker.under_way.get() + 1);
        let (mut sample, logged_in) = self.session.login(&shared.sending()).await;
        worker.under_way.set(worker.under_way.get() - 1);
        if let Some(sample) = &mut sample {
            let ended = shared.schedule.start.elapsed();
            self.record(Subject::Login, sample, ended);
        }
        match logged_in {
            LoggedIn::In(credentials) => {
                let secrets = credentials.secrets(shared.prepared.login_names(self.kind));
                lock(&shared.secrets).extend(secrets.map(str::to_owned));
                Some(credentials)
            }
            LoggedIn::Refused => {
                let failure = login_failure(self.number + 1, sample.as_ref());
                lock(&shared.login_failure).get_or_insert(failure);
                shared.stop.store(true, Ordering::Relaxed);
                None
            }
            LoggedIn::Cut => None,
        }
    }

    /// Refreshes the token, which the session then uses. If the service refuses that, which is
    /// a failure in its row, the user logs in.
    async fn own_refresh(&mut self) -> Option<Credentials> {
        let (worker, shared) = (self.worker, self.worker.shared);
        worker.under_way.set(worker.under_way.get() + 1);
        let (mut sample, refreshed) = self.session.refresh(&shared.sending()).await;
        worker.under_way.set(worker.under_way.get() - 1);
        if let Some(sample) = &mut sample {
            let ended = shared.schedule.start.elapsed();
            self.record(Subject::Refresh, sample, ended);
        }
        match refreshed {
            LoggedIn::In(credentials) => {
                let secrets = credentials.secrets(shared.prepared.login_names(self.kind));
                lock(&shared.secrets).extend(secrets.map(str::to_owned));
                Some(credentials)
            }
            LoggedIn::Refused => self.own_login().await,
            LoggedIn::Cut => None,
        }
    }

    /// Renews the login. Of a shared login only one user does it, and the others wait for it.
    /// False: it failed.
    pub(super) async fn renew(&mut self, how: Renewal) -> bool {
        let Some(login) = self.shared_login() else {
            return self.renewed(how).await.is_some();
        };
        loop {
            let taken = {
                let mut login = lock(login);
                if login.number > self.seen_login {
                    self.seen_login = login.number;
                    Some(Some(login.credentials.clone()))
                } else if login.is_renewed {
                    None
                } else {
                    login.is_renewed = true;
                    Some(None)
                }
            };
            match taken {
                Some(Some(credentials)) => {
                    self.session.authorize(&credentials);
                    return true;
                }
                Some(None) => break,
                None => self.handle.until(Instant::now() + RENEWAL).await,
            }
            if self.handle.is_cut() {
                return false;
            }
        }
        let renewed = self.renewed(how).await;
        let mut login = lock(login);
        login.is_renewed = false;
        let Some(credentials) = renewed else { return false };
        login.number += 1;
        login.credentials = credentials;
        self.seen_login = login.number;
        true
    }

    async fn renewed(&mut self, how: Renewal) -> Option<Credentials> {
        match how {
            Renewal::Login => self.own_login().await,
            Renewal::Refresh => self.own_refresh().await,
        }
    }
}
