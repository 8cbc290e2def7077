//! Debian's packages for what Python packages need of the system: programs and headers for
//! their builds, and native libraries that they load at run time.

/// What the output of a build names, and the packages that have it. The first that fits.
const FOR_BUILDS: [(&str, &str); 26] = [
    ("pg_config", "libpq-dev"),
    ("libpq-fe.h", "libpq-dev"),
    ("mysql_config", "default-libmysqlclient-dev pkg-config"),
    ("Can not find valid pkg-config name", "default-libmysqlclient-dev pkg-config"),
    ("mysqlclient", "default-libmysqlclient-dev pkg-config"),
    ("cairo", "libcairo2-dev pkg-config"),
    ("gobject-introspection", "libgirepository1.0-dev libcairo2-dev pkg-config"),
    ("ffi.h", "libffi-dev"),
    ("openssl/", "libssl-dev"),
    ("xmlsec", "libxmlsec1-dev libxml2-dev pkg-config"),
    ("libxml/", "libxml2-dev libxslt1-dev"),
    ("libxml2 and libxslt", "libxml2-dev libxslt1-dev"),
    ("webp", "libwebp-dev"),
    ("jpeg", "libjpeg-dev zlib1g-dev"),
    ("zlib.h", "zlib1g-dev"),
    ("lber.h", "libldap2-dev libsasl2-dev"),
    ("sasl.h", "libldap2-dev libsasl2-dev"),
    ("gdal", "libgdal-dev"),
    ("geos_c.h", "libgeos-dev"),
    ("rdkafka.h", "librdkafka-dev"),
    ("magic.h", "libmagic-dev"),
    ("snappy-c.h", "libsnappy-dev"),
    ("yaml.h", "libyaml-dev"),
    ("can't find Rust compiler", "cargo"),
    ("command 'gcc' failed: No such file", "build-essential"),
    ("command 'cc' failed: No such file", "build-essential"),
];

/// What a line says of a library that cannot be loaded, and the packages that have it.
const TO_LOAD: [(&str, &str); 24] = [
    ("libpq.so", "libpq5"),
    ("libpq library not available", "libpq5"),
    ("libmysqlclient.so", "default-libmysqlclient-dev"),
    ("libmariadb.so", "libmariadb3"),
    ("Could not find the GDAL library", "gdal-bin libgdal-dev"),
    ("libgdal", "gdal-bin libgdal-dev"),
    ("Could not find the GEOS library", "libgeos-dev"),
    ("libgeos_c", "libgeos-dev"),
    ("libproj", "libproj-dev"),
    ("mod_spatialite", "libsqlite3-mod-spatialite"),
    ("libcairo", "libcairo2"),
    ("libpango", "libpango-1.0-0 libpangoft2-1.0-0"),
    ("libharfbuzz", "libharfbuzz0b libharfbuzz-subset0"),
    ("libgobject", "libglib2.0-0"),
    ("libgdk_pixbuf", "libgdk-pixbuf-2.0-0"),
    ("libmagic", "libmagic1"),
    ("libGL.so", "libgl1"),
    ("libxml2.so", "libxml2"),
    ("libxslt.so", "libxslt1.1"),
    ("libxmlsec1", "libxmlsec1"),
    ("libjpeg.so", "libjpeg62-turbo"),
    ("libldap", "libldap-2.5-0"),
    ("libsasl2.so", "libsasl2-2"),
    ("libzbar", "libzbar0"),
];

/// How a line says that a library is missing.
const MISSING: [&str; 8] = [
    "cannot open shared object",
    "cannot load library",
    "Could not find the",
    "failed to find",
    "not available",
    "no library called",
    "Unable to load the SpatiaLite",
    "Unable to find zbar",
];

/// The packages that a failed build needs besides a compiler; `None` if its output names
/// nothing known.
pub fn for_build(output: &str) -> Option<&'static str> {
    FOR_BUILDS.iter().find(|(sign, _)| output.contains(sign)).map(|(_, packages)| *packages)
}

/// The packages with the library that a log says is missing; `None` if none is.
pub fn to_load(log: &str) -> Option<&'static str> {
    let is_missing = |line: &&str| MISSING.iter().any(|words| line.contains(words));
    log.lines().filter(is_missing).find_map(|line| {
        TO_LOAD.iter().find(|(sign, _)| line.contains(sign)).map(|(_, packages)| *packages)
    })
}

/// What to do about a library that a log says is missing.
pub fn advice_to_load(log: &str) -> Option<String> {
    let packages = to_load(log)?;
    Some(format!("a native library is missing; Debian: apt-get install {packages}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_cannot_be_loaded_names_its_package() {
        for (log, part) in [
            ("OSError: cannot load library 'libcairo.so.2': error 0x7e", "libcairo2"),
            (
                "OSError: cannot load library 'libpango-1.0-0': libpango-1.0-0: cannot open",
                "libpango",
            ),
            ("OSError: no library called \"libcairo-2\" was found", "libcairo2"),
            ("ImportError: libpq.so.5: cannot open shared object file", "libpq5"),
            ("ImproperlyConfigured: Could not find the GDAL library (tried \"gdal\")", "gdal-bin"),
            ("ImproperlyConfigured: Could not find the GEOS library (tried \"geos_c\")", "libgeos"),
            ("Unable to load the SpatiaLite library extension 'mod_spatialite'", "spatialite"),
            ("ImportError: failed to find libmagic.  Check your installation", "libmagic1"),
            ("ImportError: libmariadb.so.3: cannot open shared object file: No", "libmariadb3"),
        ] {
            assert!(advice_to_load(log).unwrap_or_default().contains(part), "{log}");
        }
        for log in ["", "all is well with libcairo", "ImportError: x.so: cannot open shared object"]
        {
            assert_eq!(to_load(log), None, "{log}");
        }
    }

    #[test]
    fn a_failed_build_names_what_it_needs() {
        for (output, packages) in [
            ("Error: pg_config executable not found.", "libpq-dev"),
            ("./psycopg/psycopg.h: fatal error: libpq-fe.h: No such file", "libpq-dev"),
            ("Dependency \"cairo\" not found, tried pkgconfig", "libcairo2-dev pkg-config"),
            (
                "Please make sure the libxml2 and libxslt development packages are installed.",
                "libxml2-dev libxslt1-dev",
            ),
            ("The headers or library files could not be found for jpeg", "libjpeg-dev zlib1g-dev"),
            ("A GDAL API version must be specified; gdal-config", "libgdal-dev"),
        ] {
            assert_eq!(for_build(output), Some(packages), "{output}");
        }
        assert_eq!(for_build("error: something else"), None);
    }
}
