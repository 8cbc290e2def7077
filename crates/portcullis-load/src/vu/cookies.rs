//! The cookies of one user at one server (RFC 6265). A user has few, so they are in a list.

use std::time::{Duration, SystemTime};

use cookie::Cookie;

/// The cookies of one user.
#[derive(Clone, Debug, Default)]
pub struct Jar {
    /// Longer paths first (section 5.4).
    cookies: Vec<Stored>,
}

/// A cookie that was received.
#[derive(Clone, Debug)]
struct Stored {
    name: Box<str>,
    value: Box<str>,
    path: Box<str>,
    expires: Option<SystemTime>,
    is_secure: bool,
}

/// The bytes of names, values and paths that a user keeps; the oldest cookies go first. Real
/// services set a few hundred bytes, and ten thousand users must fit into memory.
const MOST_BYTES: usize = 10 * 1024;
/// The most cookies of a user (section 6.1 asks for at least 50 of one domain).
const MOST_COOKIES: usize = 64;

impl Jar {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    /// The value of a cookie.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|stored| *stored.name == *name).map(|stored| &*stored.value)
    }

    /// Names and values.
    pub fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        self.cookies.iter().map(|stored| (&*stored.name, &*stored.value))
    }

    /// Takes the value of a `Set-Cookie` field in an answer to `path` at `host` (section 5.3).
    pub fn receive(&mut self, field: &[u8], host: &str, path: &str, now: SystemTime) {
        let Ok(field) = std::str::from_utf8(field) else { return };
        // A control character would forge another header when the cookie is sent back.
        if field.chars().any(char::is_control) {
            return;
        }
        let Ok(cookie) = Cookie::parse(field) else { return };
        if cookie.domain().is_some_and(|domain| !is_domain_of(domain, host)) {
            return;
        }
        let given = cookie.path().filter(|path| path.starts_with('/'));
        let path: Box<str> = given.unwrap_or_else(|| default_path(path)).into();
        let expires = expiry(&cookie, now);
        self.cookies.retain(|stored| *stored.name != *cookie.name() || stored.path != path);
        if expires.is_some_and(|at| at <= now) {
            return;
        }
        let stored = Stored {
            name: cookie.name().into(),
            value: cookie.value().into(),
            is_secure: cookie.secure().unwrap_or(false),
            path,
            expires,
        };
        let at = self.cookies.partition_point(|known| known.path.len() >= stored.path.len());
        self.cookies.insert(at, stored);
        while self.cookies.len() > MOST_COOKIES || self.bytes() > MOST_BYTES {
            self.cookies.remove(0);
        }
    }

    fn bytes(&self) -> usize {
        let bytes = |stored: &Stored| stored.name.len() + stored.value.len() + stored.path.len();
        self.cookies.iter().map(bytes).sum()
    }

    /// Writes the line of the cookies that belong to the request whose first line is in `out`;
    /// nothing without one (section 5.4).
    pub fn write_line(&self, is_tls: bool, out: &mut Vec<u8>) {
        if self.cookies.is_empty() {
            return;
        }
        let path = path_in(out);
        let now = SystemTime::now();
        let belongs = |stored: &&Stored| {
            (is_tls || !stored.is_secure)
                && stored.expires.is_none_or(|at| at > now)
                && is_path_of(&stored.path, &path)
        };
        let mut is_first = true;
        for stored in self.cookies.iter().filter(belongs) {
            out.extend_from_slice(if is_first { b"Cookie: " } else { b"; " });
            is_first = false;
            out.extend_from_slice(stored.name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(stored.value.as_bytes());
        }
        if !is_first {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// The path in the first line of a request, without its query.
pub fn path_in(request: &[u8]) -> String {
    let target = request.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    String::from_utf8_lossy(path).into_owned()
}

fn expiry(cookie: &Cookie<'_>, now: SystemTime) -> Option<SystemTime> {
    if let Some(age) = cookie.max_age() {
        let seconds = u64::try_from(age.whole_seconds()).unwrap_or(0);
        return now.checked_add(Duration::from_secs(seconds));
    }
    let at = cookie.expires_datetime()?.unix_timestamp();
    // Times before 1970 are over, too.
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(at).unwrap_or(0)))
}

/// Whether a host is a domain, or below it (section 5.1.3).
fn is_domain_of(domain: &str, host: &str) -> bool {
    let domain = domain.trim_start_matches('.');
    let is_name = host.parse::<std::net::IpAddr>().is_err();
    let below = host.len().checked_sub(domain.len()).and_then(|at| host.get(at..));
    let is_below = below.is_some_and(|end| end.eq_ignore_ascii_case(domain))
        && host.len().checked_sub(domain.len() + 1).and_then(|at| host.as_bytes().get(at))
            == Some(&b'.');
    host.eq_ignore_ascii_case(domain) || is_name && !domain.is_empty() && is_below
}

/// The path of a cookie that names none (section 5.1.4).
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

/// Whether a request's path is a cookie's path, or below it (section 5.1.4).
fn is_path_of(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(jar: &Jar, path: &str, is_tls: bool) -> String {
        let first = format!("GET {path} HTTP/1.1\r\n");
        let mut out = first.clone().into_bytes();
        jar.write_line(is_tls, &mut out);
        String::from_utf8(out).unwrap()[first.len()..].to_owned()
    }

    fn jar(fields: &[&str]) -> Jar {
        let mut jar = Jar::default();
        for field in fields {
            jar.receive(field.as_bytes(), "shop.example.org", "/a/b", SystemTime::now());
        }
        jar
    }

    #[test]
    fn cookies_go_where_they_belong() {
        let jar =
            jar(&["sid=1; Path=/", "here=2", "deep=3; Path=/a/b/c", "safe=4; Path=/; Secure"]);
        assert_eq!(line(&jar, "/", false), "Cookie: sid=1\r\n");
        assert_eq!(line(&jar, "/a?x=1", false), "Cookie: here=2; sid=1\r\n");
        assert_eq!(line(&jar, "/ab", false), "Cookie: sid=1\r\n");
        assert_eq!(line(&jar, "/a/b/c/d", false), "Cookie: deep=3; here=2; sid=1\r\n");
        assert_eq!(line(&jar, "/", true), "Cookie: sid=1; safe=4\r\n");
        assert_eq!(line(&Jar::default(), "/", true), "");
    }

    #[test]
    fn a_cookie_is_replaced_and_ends() {
        let mut jar = jar(&[
            "sid=1; Path=/",
            "sid=2; Path=/",
            "old=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ]);
        assert_eq!(line(&jar, "/", false), "Cookie: sid=2\r\n");
        let now = SystemTime::now();
        jar.receive(
            b"soon=1; Path=/; Max-Age=60",
            "shop.example.org",
            "/",
            now - Duration::from_secs(99),
        );
        assert_eq!(line(&jar, "/", false), "Cookie: sid=2\r\n");
        jar.receive(b"sid=; Path=/; Max-Age=0", "shop.example.org", "/", now);
        assert_eq!(jar.get("sid"), None);
    }

    #[test]
    fn cookies_of_others_are_refused() {
        let kept = |domain: &str, host: &str| {
            let mut jar = Jar::default();
            let field = format!("a=b; Domain={domain}");
            jar.receive(field.as_bytes(), host, "/", SystemTime::now());
            !jar.is_empty()
        };
        assert!(kept("example.org", "shop.example.org") && kept(".Example.org", "example.org"));
        assert!(!kept("ample.org", "example.org") && !kept("other.org", "example.org"));
        assert!(kept("127.0.0.1", "127.0.0.1") && !kept("0.0.1", "127.0.0.1"));
        assert!(!kept("é.org", "é".repeat(3).as_str()));
    }

    proptest::proptest! {
        #[test]
        fn no_field_forges_a_header(field in ".{0,80}", host in "[a-z.é]{0,9}", path in "/.{0,9}") {
            let mut jar = Jar::default();
            jar.receive(field.as_bytes(), &host, &path, SystemTime::now());
            let line = line(&jar, "/", true);
            let inner = line.strip_suffix("\r\n").unwrap_or(&line);
            proptest::prop_assert!(!inner.contains(['\r', '\n']), "{line:?}");
        }
    }

    #[test]
    fn a_hostile_server_cannot_fill_the_memory() {
        let mut jar = Jar::default();
        for n in 0..1000 {
            let field = format!("c{n}={}; Path=/", "x".repeat(400));
            jar.receive(field.as_bytes(), "h", "/", SystemTime::now());
            jar.receive(b"\xff\xfe=;;", "h", "/", SystemTime::now());
        }
        assert!(jar.bytes() <= MOST_BYTES && jar.get("c999").is_some(), "{}", jar.bytes());
    }
}
