//! Another account for a child. Some programs, such as PostgreSQL, refuse to run as root:
//! they run as an account without rights.

use std::path::Path;

use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

/// The user and the group of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

/// Accounts that own nothing, the best first. The account `postgres` is not among them: it
/// may own the databases of this machine.
const POWERLESS: [&str; 3] = ["nobody", "nfsnobody", "daemon"];

impl Account {
    /// The account for a program that refuses root. `None` if this process is not root, so
    /// that the program runs as the same user.
    pub fn without_rights() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        // Without an entry, the number that every system gives to `nobody`.
        Some(first_of(&known).unwrap_or(Self { uid: 65534, gid: 65534 }))
    }

    /// Its form in the launcher's command line: `65534:65534`.
    pub(crate) fn argument(self) -> String {
        format!("{}:{}", self.uid, self.gid)
    }

    /// Reads [`Account::argument`].
    pub(crate) fn from_argument(text: &str) -> Option<Self> {
        let (uid, gid) = text.split_once(':')?;
        Some(Self { uid: uid.parse().ok()?, gid: gid.parse().ok()? })
    }

    /// Gives this process to the account; there is no way back. Only the calling thread is
    /// changed, so the process must have no other.
    pub(crate) fn enter(self) -> std::io::Result<()> {
        set_thread_groups(&[])?;
        set_thread_gid(rustix::process::Gid::from_raw(self.gid))?;
        Ok(set_thread_uid(rustix::process::Uid::from_raw(self.uid))?)
    }

    /// Makes a file or folder belong to the account.
    ///
    /// # Errors
    /// The system refuses.
    pub fn own(self, path: &Path) -> std::io::Result<()> {
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid))
    }
}

/// The first account without rights in a passwd(5) file.
fn first_of(passwd: &str) -> Option<Account> {
    let of = |name: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse::<u32>);
        let (uid, gid) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        (uid != 0).then_some(Account { uid, gid })
    };
    POWERLESS.iter().find_map(|name| of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_without_rights_is_never_root() {
        let passwd = "root:x:0:0::/root:/bin/sh\ndaemon:x:1:2::/:/bin/false\n";
        assert_eq!(first_of(passwd), Some(Account { uid: 1, gid: 2 }));
        let more = format!("{passwd}nobody:x:65534:65533:a, b:/:/bin/false\n");
        assert_eq!(first_of(&more), Some(Account { uid: 65534, gid: 65533 }));
        assert_eq!(first_of("nobody:x:0:0::/:/bin/sh\nnobodys:x:3:3::/:\nbroken\n"), None);
    }

    #[test]
    fn an_account_survives_the_launchers_command_line() {
        let account = Account { uid: 65534, gid: 7 };
        assert_eq!(Account::from_argument(&account.argument()), Some(account));
        for wrong in ["", "-", "1", "1:", "a:b", "-1:1"] {
            assert_eq!(Account::from_argument(wrong), None, "{wrong}");
        }
    }
}
