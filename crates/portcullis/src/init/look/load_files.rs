//! Requests in files of Locust and k6, as far as their text shows them.

/// A request without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its path.
    pub path: String,
    /// Its query.
    pub query: Vec<(String, String)>,
}

/// More requests than this are not tried.
const MOST: usize = 30;

/// The GET requests to fixed paths in the text of a file.
pub fn requests(text: &str) -> Vec<Request> {
    let mut found: Vec<Request> = Vec::new();
    for call in [".get(", "http.batch(", "'GET',", "\"GET\","] {
        for (at, _) in text.match_indices(call) {
            let rest = text.get(at + call.len()..).unwrap_or_default();
            found.extend(address(rest).and_then(request));
        }
    }
    let mut unique: Vec<Request> = Vec::new();
    for one in found {
        if !unique.contains(&one) && unique.len() < MOST {
            unique.push(one);
        }
    }
    unique
}

/// The text literal at the beginning of some code, without the host before the path.
fn address(code: &str) -> Option<&str> {
    let code = code.trim_start();
    // An f-string of Python.
    let code = code.strip_prefix('f').unwrap_or(code);
    let mark = code.chars().next().filter(|c| ['"', '\'', '`'].contains(c))?;
    let (text, _) = code.get(1..)?.split_once(mark)?;
    let text = match text.split_once("://") {
        Some((_, rest)) => rest.get(rest.find('/')?..)?,
        None => text,
    };
    // `${BASE}/path` of k6, `{self.host}/path` of Locust.
    match text.starts_with('/') {
        true => Some(text),
        false => text.split_once('}').map(|(_, rest)| rest),
    }
}

/// A request to a path without placeholders.
fn request(address: &str) -> Option<Request> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let is_fixed = |text: &str| !text.contains(['{', '}', '$', '%', ' ', '\n', '#', '<', '\\']);
    if !path.starts_with('/') || !is_fixed(path) || !is_fixed(query) {
        return None;
    }
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(Request { path: path.to_owned(), query })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_paths_of_locust_and_k6_are_found() {
        let locust = "self.client.get(\"/api/a/\", name=\"a\")\n\
            self.client.get(f\"/api/a/{id}/\")\nself.client.get('/b/?page=2&x=y')\n\
            self.client.post(\"/c/\", json={})\nself.client.get(\"/api/a/\")\nd.get(\"key\")\n";
        let k6 = "http.get(`${BASE}/api/d/`);\nhttp.get('https://test.k6.io/e?q=1');\n\
            http.get(`${BASE}/api/${id}/`);\n";
        let paths = |text| {
            requests(text).into_iter().map(|one| (one.path, one.query.len())).collect::<Vec<_>>()
        };
        assert_eq!(paths(locust), [("/api/a/".to_owned(), 0), ("/b/".to_owned(), 2)]);
        assert_eq!(paths(k6), [("/api/d/".to_owned(), 0), ("/e".to_owned(), 1)]);
    }
}
