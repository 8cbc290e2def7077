//! Native libraries that Python code loads at run time, as a failed step's log names them.

/// A sign in a log, and the Debian packages that have the library.
const PACKAGES: [(&str, &str); 11] = [
    ("libpq.so", "libpq5"),
    ("libpq library not available", "libpq5"),
    ("libmysqlclient.so", "default-libmysqlclient-dev"),
    ("Could not find the GDAL library", "gdal-bin libgdal-dev"),
    ("Could not find the GEOS library", "libgeos-dev"),
    ("libcairo", "libcairo2"),
    ("libpango", "libpango-1.0-0 libpangoft2-1.0-0"),
    ("libgobject", "libglib2.0-0"),
    ("libmagic", "libmagic1"),
    ("libGL.so", "libgl1"),
    ("libxmlsec1.so", "libxmlsec1"),
];

/// How a line says that a library is missing.
const MISSING: [&str; 6] = [
    "cannot open shared object",
    "cannot load library",
    "Could not find",
    "failed to find",
    "not available",
    "no library called",
];

/// What to install for a log; `None` if no library is missing.
pub fn remedy(text: &str) -> Option<String> {
    let is_missing = |line: &&str| MISSING.iter().any(|words| line.contains(words));
    let packages = text.lines().filter(is_missing).find_map(|line| {
        PACKAGES.iter().find(|(sign, _)| line.contains(sign)).map(|(_, packages)| *packages)
    })?;
    Some(format!("a native library is missing; Debian: apt-get install {packages}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_cannot_be_loaded_names_its_package() {
        for (log, part) in [
            ("OSError: cannot load library 'libcairo.so.2': error 0x7e", "libcairo2"),
            ("ImportError: libpq.so.5: cannot open shared object file", "libpq5"),
            ("ImproperlyConfigured: Could not find the GDAL library (tried \"gdal\")", "gdal-bin"),
            ("ImportError: failed to find libmagic.  Check your installation", "libmagic1"),
        ] {
            assert!(remedy(log).unwrap_or_default().contains(part), "{log}");
        }
        for log in ["", "all is well with libcairo", "ImportError: x.so: cannot open shared object"]
        {
            assert_eq!(remedy(log), None, "{log}");
        }
    }
}
