//! Where a redirect leads, and with which method (RFC 9110, section 15.4).

use portcullis_core::target::Target;

/// A place on the same server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path and query.
    pub target: String,
    /// Whether method and body stay as they were.
    pub keeps_method: bool,
}

/// Whether a status sends the client elsewhere.
pub fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The place to which a `Location` leads, from a request to `path`.
///
/// # Errors
/// It leads to another server, or is no location; with the words for a message.
pub fn place(status: u16, location: &str, path: &str, server: &Target) -> Result<Place, String> {
    let location = location.split('#').next().unwrap_or_default();
    let own = server.url();
    let target = match location.strip_prefix(own.as_str()) {
        Some("") => "/".to_owned(),
        Some(rest) if rest.starts_with(['/', '?']) => rooted(rest),
        _ if location.contains("://") || location.starts_with("//") => {
            return Err(format!("the redirect leads to another server: {location}"));
        }
        _ if location.starts_with('/') => location.to_owned(),
        _ if location.starts_with('?') => format!("{path}{location}"),
        _ if location.is_empty() => return Err("the redirect has no Location".to_owned()),
        _ => format!("{}{location}", &path[..path.rfind('/').map_or(0, |end| end + 1)]),
    };
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the Location of the redirect has invalid characters".to_owned());
    }
    Ok(Place { target, keeps_method: matches!(status, 307 | 308) })
}

fn rooted(rest: &str) -> String {
    if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_place_is_always_a_path_on_this_server(location in ".{0,60}", path in "/[a-z/]{0,9}") {
            if let Ok(place) = place(302, &location, &path, &Target::local(8000)) {
                let is_plain = place.target.bytes().all(|byte| byte.is_ascii_graphic());
                proptest::prop_assert!(place.target.starts_with('/') && is_plain, "{place:?}");
            }
        }
    }

    #[test]
    fn a_location_is_a_place_on_the_same_server_or_refused() {
        let server = Target::local(8000);
        let at = |location: &str| place(302, location, "/a/b", &server).map(|place| place.target);
        assert_eq!(at("/login/?next=/a#top").unwrap(), "/login/?next=/a");
        assert_eq!(at("c").unwrap(), "/a/c");
        assert_eq!(at("?x=1").unwrap(), "/a/b?x=1");
        assert_eq!(at("http://127.0.0.1:8000/x").unwrap(), "/x");
        assert_eq!(at("http://127.0.0.1:8000").unwrap(), "/");
        assert_eq!(at("http://127.0.0.1:8000?q").unwrap(), "/?q");
        for other in ["http://127.0.0.1:80001/", "https://evil.example/", "//evil", "", "/a b"] {
            assert!(at(other).is_err(), "{other}");
        }
        assert!(place(308, "/x", "/", &server).unwrap().keeps_method);
    }
}
